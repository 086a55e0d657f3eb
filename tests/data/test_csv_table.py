"""Text tables in the ways spreadsheets and programs write them."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from descend.data import sources
from descend.data.missing import MISSING
from descend.data.sources.csv_table import parse_csv

PLAIN = "面积,城市,price\n80,北京,1.5\n95,上海,2.5\n"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + PLAIN.replace(",", ";").replace("\n", "\r\n").encode(),
        PLAIN.replace(",", "\t").encode(),
        PLAIN.replace(",", "|").encode(),
        PLAIN.replace(",", " , ").encode(),
        PLAIN.rstrip("\n").encode(),
        (PLAIN + "\n\n").encode(),
        PLAIN.replace("北京", '"北京"').encode(),
        PLAIN.replace("\n", "\n\n").encode(),
        PLAIN.encode("utf-16"),
        PLAIN.encode("gb18030"),
        gzip.compress(PLAIN.encode(), mtime=0),
    ],
)
def test_one_table_in_many_clothes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    dataset = sources.read(path, target="price")
    assert dataset.table is not None
    assert dataset.table.frame.to_dict(as_series=False) == {
        "面积": ["80", "95"], "城市": ["北京", "上海"], "price": ["1.5", "2.5"],
    }  # fmt: skip
    assert dataset.fingerprint == parse_csv(PLAIN.encode(), "other").fingerprint()
    assert dataset.numbers().tolist() == [1.5, 2.5]


def test_what_was_guessed_is_said() -> None:
    assert parse_csv(PLAIN.encode("gb18030"), "t").notes == ("the text is not UTF-8 and was read as GB18030",)
    assert parse_csv(PLAIN.encode("utf-16"), "t").notes == ("read as UTF-16",)


@pytest.mark.parametrize("header", ["0,1", "1.5,2.5", "5.1,2", "1e3,-.5"])
def test_a_header_of_numbers_is_said(header: str) -> None:
    note = f"the first line, {header.replace(',', ', ')}, is taken as the header: its cells are numbers"
    assert parse_csv(f"{header}\n5,6\n".encode(), "t").notes == (f"{note}; add a header line if it is data",)
    assert parse_csv(b"5.1,size\n5,6\n", "t").notes == ()


@pytest.mark.parametrize("separator", [";", "\t"])
def test_decimal_commas_are_read_and_said(separator: str) -> None:
    text = "y;n;big;word\n754,2;1;1,250;a,b\n-3,75;2;2,500;c\n;3;;d\n".replace(";", separator)
    table = parse_csv(text.encode(), "t")
    assert table.notes == ("columns 'y', 'big': commas were read as decimal points, 1,5 as 1.5",)
    assert table.frame["big"].to_list() == ["1.250", "2.500", None]
    assert table.frame["word"].to_list() == ["a,b", "c", "d"]
    dataset = sources.read(table.frame, target="y").with_known_target()
    assert dataset.table is not None
    assert dataset.table.number_columns.get("y") is not None
    np.testing.assert_array_equal(dataset.table.number_columns.get("y"), [754.2, -3.75])


@pytest.mark.parametrize(
    "text", ["a;b\n1,250;1\n2,500;2\n", "a;b\n1,5;1\n2.5;2\n", 'a,b\n"1,5",1\n"2,5",2\n']
)
def test_commas_that_may_be_thousands_are_left_alone(text: str) -> None:
    assert parse_csv(text.encode(), "t").frame["a"].to_list()[0] in ("1,250", "1,5")


def test_every_missing_marker_and_no_other_word() -> None:
    words = [*MISSING, "none", "na", "--", "0"]
    table = parse_csv(("a,b\n" + "".join(f" {word} ,x\n" for word in words)).encode(), "t")
    assert table.frame["a"].to_list() == [None] * len(MISSING) + ["none", "na", "--", "0"]


def test_lines_follow_the_editor() -> None:
    table = parse_csv(b'\na,b\n\n"x\ny",1\n2,3\n\n4,5\n', "t")
    assert table.lines is not None
    assert table.lines.tolist() == [4, 6, 8]
    assert table.place(2, "b") == "t, line 8, column 'b'"


def test_blank_lines_of_a_single_column_are_missing_cells() -> None:
    table = parse_csv(b"a\n1\n\n3\n\n\n", "t")
    assert table.frame["a"].to_list() == ["1", None, "3"]


def test_inches_do_not_open_a_quote() -> None:
    table = parse_csv(b'size,n\n5" pipe,1\n7" pipe,2\n', "t")
    assert table.frame["size"].to_list() == ['5" pipe', '7" pipe']
    assert table.lines is not None
    assert table.lines.tolist() == [2, 3]


def test_columns_without_a_name_get_one() -> None:
    assert parse_csv(b",a\n0,x\n1,y\n", "t").frame.columns == ["column 1", "a"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".CSV"])
def test_names_that_are_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"有 space{suffix}"
    path.write_bytes(gzip.compress(PLAIN.encode()) if suffix.endswith("gz") else PLAIN.encode())
    assert sources.read(str(path)).name == path.name


# Cells are stripped and markers become missing, so the strategy keeps to cells that stand for themselves.
_cells = st.text(
    st.sampled_from('ab1," \n;|\tü城'), min_size=1, max_size=6
).map(lambda text: f"x{text}x")  # fmt: skip


_rows = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(_cells, min_size=width, max_size=width), min_size=1, max_size=8)
)


@given(
    _rows,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_the_csv_module_writes_is_read_back(
    rows: list[list[str]], separator: str, quoting: int, end: str
) -> None:
    names = [f"name{place}" for place in range(len(rows[0]))]
    if len(names) == 1:
        separator = ","  # nothing tells which one is meant
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end).writerows([names, *rows])  # type: ignore[arg-type]
    table = parse_csv(text.getvalue().encode(), "t")
    assert table.frame.columns == names
    assert [list(row) for row in table.frame.iter_rows()] == rows
    assert table.lines is not None
    parts = text.getvalue().replace(end, "\n")
    for row, line in zip(rows, table.lines, strict=True):
        first = row[0].split("\n")[0]
        assert first.replace('"', '""') in parts.split("\n")[int(line) - 1]


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(0).standard_normal(500) * 10.0 ** np.random.default_rng(1).integers(
        -30, 30, 500
    )
    path = tmp_path / "t.csv"
    path.write_text("y\n" + "".join(f"{value!r}\n" for value in values.tolist()))
    np.testing.assert_array_equal(sources.read(path, target="y").numbers(), values)
