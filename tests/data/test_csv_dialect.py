"""Separators, quotes, titles and headers as people and programs write them."""

from __future__ import annotations

import pytest

from descend.data import sources
from descend.data.sources.csv_table import parse_csv
from descend.data.table import Table
from descend.errors import DataError


def read(text: str, name: str = "t.csv") -> Table:
    return parse_csv(text.encode(), name)


def cells(table: Table) -> dict[str, list[str | None]]:
    return table.frame.to_dict(as_series=False)


LENGTHS = "Länge, mm;Breite, mm;Höhe, mm\n1,5;2,5;3,5\n1,7;0,5;2,5\n"
NAMES = "name, first\tage\nDoe, J\t20\nRoe, A\t30\n"


@pytest.mark.parametrize(
    ("text", "name", "columns"),
    [
        (LENGTHS, "t.csv", ["Länge, mm", "Breite, mm", "Höhe, mm"]),
        (NAMES, "t.tsv", ["name, first", "age"]),
        (NAMES, "t.csv", ["name, first", "age"]),
        ("lat, lon\ty\n57.3, 0.5\t0.5\n48.3, 3.8\t1.5\n", "t.txt", ["lat, lon", "y"]),
        ("a;b,c\n1;2,5\n3;4,5\n", "t.tsv", ["a", "b,c"]),
        ("text,y\na;b;c,1\nd;e;f,2\n", "t.csv", ["text", "y"]),
        ("text\ty\na;b,c\t1\nd;e,f\t2\n", "t.csv", ["text", "y"]),
        ("y;x\n754,2;1\n3,75;2\n", "t.csv", ["y", "x"]),
        ("a|b\n1,5|x;y\n2,5|z;w\n", "t.csv", ["a", "b"]),
        ("when,y\n2020-01-02 10:00,1\n2020-01-03 11:00,2\n", "t.csv", ["when", "y"]),
        ("when\n10:30\n11:45\n", "t.csv", ["when"]),
        ("first name\nAnna Maria\nJohn Paul\n", "t.csv", ["first name"]),
        ("a^b^y\n2.2^0^0.5\n8.5^1^1.5\n", "t.csv", ["a", "b", "y"]),
        ("a~y\n2.2~0.5\n8.5~1.5\n", "t.dat", ["a", "y"]),
        ("crim  zn   medv\n 0.12   0.00   43.8\n 0.67  1.00   43.4 \n", "t.data", ["crim", "zn", "medv"]),
        ('"a" "b c" y\n"u v" 1 2\n"w" 3 4\n', "t.txt", ["a", "b c", "y"]),
        ("a b y\n1,5 2 3\n2,5 4 5\n", "t.txt", ["a", "b", "y"]),
    ],
)
def test_separators(text: str, name: str, columns: list[str]) -> None:
    assert read(text, name).frame.columns == columns


def test_what_blanks_separate_is_read_and_said() -> None:
    table = read("a  b\n 1,5   2\n 2,5\t 3 \n")
    assert cells(table) == {"a": ["1.5", "2.5"], "b": ["2", "3"]}
    assert table.notes[0] == "columns are separated by blanks"
    assert read("a^b\n1^2\n").notes == ("columns are separated by '^'",)
    assert cells(read('"a" "b"\n"1" "x y" 3\n"2" "z" 4\n'))["a"] == ["x y", "z"]


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"', "sep=;,,"])
def test_a_line_that_names_the_separator(line: str) -> None:
    table = read(f"{line}\r\na;b,c\r\n1;2,5\r\n2;3,5\r\n")
    assert cells(table) == {"a": ["1", "2"], "b,c": ["2.5", "3.5"]}
    assert table.notes[0] == "the first line, sep=;, names the separator and is no header"
    assert table.place(0, "a") == "t.csv, line 3, column 'a'"


def test_blanks_beside_quotes_are_no_part_of_a_cell() -> None:
    table = read('k, "num", "txt"\n0, "5.39" , "a, ""b"" c"\n1,"1.09", "d\ne"\n')
    assert cells(table) == {"k": ["0", "1"], "num": ["5.39", "1.09"], "txt": ['a, "b" c', "d\ne"]}
    assert table.notes == ()


def test_single_quotes() -> None:
    table = read("'k','num'\n'it''s, so','2.5'\n'b','3.5'\n")
    assert cells(table) == {"k": ["it's, so", "b"], "num": ["2.5", "3.5"]}
    assert table.notes == ("cells stand in single quotes, which were left out",)
    plain = read("name,num\nO'Brien,5'\n'tis,6'\n")
    assert cells(plain)["name"] == ["O'Brien", "'tis"]
    assert plain.notes == ()


def test_quotes_after_a_backslash() -> None:
    table = read('k,note\n0,"He said \\"no, 0\\""\n1,"a \\\\ b"\n2,"x"\n')
    assert cells(table)["note"] == ['He said "no, 0"', "a \\ b", "x"]
    assert table.notes == ("a quote after a backslash was read as a part of its cell",)
    assert cells(read('k,path\n0,"C:\\dir\\"\n1,"D:\\"\n'))["path"] == ["C:\\dir\\", "D:\\"]


@pytest.mark.parametrize(
    "above", ["Report 2024\n\n", "Report 2024,,\n", '"Report, 2024"\n', "Report\nof May,,\n"]
)
def test_titles_above_the_header(above: str) -> None:
    table = read(above + "k,x,y\n0,7.85,p\n1,4.2,q\n")
    assert cells(table) == {"k": ["0", "1"], "x": ["7.85", "4.2"], "y": ["p", "q"]}
    assert "above the header was passed over as a title" in table.notes[0]
    assert table.lines is not None
    assert table.lines[0] == above.count("\n") + 2


def test_headers_that_only_look_like_titles() -> None:
    assert read(",price\n0,1.5\n1,2.5\n").frame.columns == ["column 1", "price"]
    assert read("a,,\n1,2,3\n4,5,6\n").frame.columns == ["a", "column 2", "column 3"]
    with pytest.raises(DataError, match="line 2: 2 cells, but the header has 1 column"):
        read("a\n1,2\n3,4\n")


@pytest.mark.parametrize(
    "text",
    [
        'a,y\n"1",0,0.5\n"2",1,1.5\n',
        "a,y\nAudi,0,0.5\nBMW,1,1.5\n",
        '"a" "y"\n"1" 0 0.5\n"2" 1 1.5\n',
        "a\ty\n1\t0\t0.5\n2\t1\t1.5\n",
    ],
)
def test_row_names_without_a_name(text: str) -> None:
    table = read(text)
    assert table.frame.columns == ["column 1", "a", "y"]
    assert table.frame["y"].to_list() == ["0.5", "1.5"]
    assert "their first cells were taken as row names" in table.notes[-1]


def test_a_separator_at_the_end_of_rows_or_header() -> None:
    table = read("a,y\n1,2,\n3,4,\n")
    assert cells(table) == {"a": ["1", "3"], "y": ["2", "4"]}
    assert table.notes == (
        "every row ends in a separator, and the header does not: the empty last column was left out",
    )
    assert cells(read("a,y,\n1,2\n3,4\n")) == {"a": ["1", "3"], "y": ["2", "4"]}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            "a,y\n1,2,3\n7,4,5\n",
            "line 2: 3 cells, but the header has 2 columns; all rows are so: mend the header",
        ),
        ("a,y\n1,2,\n3,4,5\n", "line 2: 3 cells, but the header has 2 columns"),
        ("a,b,y\n1,2\n3,4\n", "line 2: 2 cells, but the header has 3 columns; all rows are so"),
        ("a,y\n1,2,\n3,4\n", "line 2: 3 cells, but the header has 2 columns; mend the line"),
    ],
)
def test_rows_of_another_width_are_refused(text: str, part: str) -> None:
    with pytest.raises(DataError) as caught:
        read(text)
    assert part in str(caught.value)


IRIS = "4.6,2.2,setosa\n4.1,3.5,setosa\n5.3,?,virginica\n6.4,3.3,virginica\n"


def test_a_table_without_a_header_keeps_its_first_row() -> None:
    table = read(IRIS)
    assert table.frame.columns == ["column 1", "column 2", "column 3"]
    assert table.frame["column 1"].to_list() == ["4.6", "4.1", "5.3", "6.4"]
    assert table.place(0, "column 1") == "t.csv, line 1, column 'column 1'"
    assert table.notes == (
        "there is no header: the first line, 4.6, 2.2, setosa, is like the rows beneath and was read as one; "
        "the columns are called 'column 1' to 'column 3'",
    )
    assert read(IRIS.replace(",", "  ")).rows == 4
    with pytest.raises(DataError, match=r"has no column 'class'.*there is no header: the first line"):
        sources._dataset(table, "class", (), False)


@pytest.mark.parametrize(
    "line",
    ["1,Ann,34,yes", "3,Dan,?,no", '1,"Braund, Owen",,yes'],
)
def test_first_lines_that_are_rows(line: str) -> None:
    table = read(f"{line}\n2,Bob,51,no\n3,Cid,28,yes\n")
    assert table.rows == 3
    assert table.frame.columns[0] == "column 1"


def test_a_table_of_words_without_a_header() -> None:
    with pytest.raises(DataError, match="duplicate column names 'p'; is the header line missing"):
        read("p,x,p\ne,x,p\np,y,q\n")


@pytest.mark.parametrize(
    "text",
    [
        "country,2019,2020,2021\nFrance,1,2,3\nSpain,4,5,6\n",
        "sample,400.5,401.2\na,1,2\nb,3,4\n",
        "a,1\na,x\nb,y\n",  # the 1 stands above words
        "yes,age,1\nyes,30,2\nno,40,3\n",  # and age above numbers
        "id,name\n1,name\n2,b\n",
    ],
)
def test_headers_with_numbers_or_repeated_words_are_kept(text: str) -> None:
    assert read(text).frame.columns == text.split("\n")[0].split(",")


def test_a_header_of_mostly_numbers_is_said() -> None:
    (note,) = read("country,2019,2020\nFrance,1,2\nSpain,4,5\n").notes
    assert "is taken as the header, though most of its cells are numbers" in note
    assert read("sample,1,b\nx,1,2\ny,3,4\n").notes == ()


def test_names_are_in_the_composed_form() -> None:
    assert read("tempe\u0301rature,y\n1,2\n").frame.columns == ["température", "y"]
    with pytest.raises(DataError, match="duplicate column names 'é'"):
        read("e\u0301,é\n1,2\n")


def test_points_between_thousands_beside_decimal_commas() -> None:
    table = read("pop;x;both;lat\n1.234;3,70;1.234,5;1.25\n987;0,95;-853,65;2.5\n12.345.678;1,1;;3.125\n")
    assert cells(table) == {
        "pop": ["1234", "987", "12345678"],
        "x": ["3.70", "0.95", "1.1"],
        "both": ["1234.5", "-853.65", None],
        "lat": ["1.25", "2.5", "3.125"],
    }
    assert table.notes == (
        "columns 'pop', 'both': points were read as marks of thousands, 1.234 as 1234",
        "columns 'x', 'both': commas were read as decimal points, 1,5 as 1.5",
    )


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a;x\n1.234;1\n9.876;2\n", ["1.234", "9.876"]),  # no comma tells what the point is
        ("a;x\n0.234;1,5\n0.876;2,5\n", ["0.234", "0.876"]),  # no thousand begins with 0
        ("a;x\n01.02.2024;1,5\n03.04.2024;2,5\n", ["01.02.2024", "03.04.2024"]),
    ],
)
def test_points_that_may_be_decimal_are_left_alone(text: str, column: list[str]) -> None:
    assert read(text).frame["a"].to_list() == column


def test_points_that_nothing_decides() -> None:
    table = read("pop;x\n1.234;1\n987;2\n")
    assert table.frame["pop"].to_list() == ["1.234", "987"]
    assert table.notes == (
        "column 'pop': points were read as decimal, 1.234 as 1.234; leave them out if they mark thousands",
    )
    assert read("pop;x\n1.234.567;1\n9.876;2\n").frame["pop"].to_list() == ["1234567", "9876"]
    assert read("a;x\n1.234;1\n9.876;2\n").notes == read("a;x\n1.25;1\n9;2\n").notes == ()
