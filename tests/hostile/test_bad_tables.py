"""Tables that cannot be used: one line that names the file, the line, the column and the remedy."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from descend.data import sources
from descend.data.encoding import fit_encoder
from descend.data.pixel_form import PixelForm
from descend.data.target import ClassTarget, NumberTarget
from descend.errors import DataError

ROWS = "".join(f"{place},{place * 2}\n" for place in range(20))


def refusal(source: object, **options: object) -> str:
    """The one line with which reading and understanding ``source`` is refused."""
    with pytest.raises(DataError) as caught:
        _ = sources.read(source, **options).columns  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    assert caught.value.exit_code == 2
    return message


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["table.csv is empty"]),
        (b"\n\n  \n", ["table.csv is empty"]),
        (b"\xef\xbb\xbf", ["table.csv is empty"]),
        (b"a,b\n", ["table.csv has a header and no rows"]),
        (b'"a","b"', ["table.csv has a header and no rows"]),
        (b"a,b\n1,2\n3\n", ["table.csv, line 3: 1 cell", "2 columns"]),
        (b"a,b\n1,2\n\n3,4,5\n", ["table.csv, line 4: 3 cells", "2 columns"]),
        (b'a,b\n"x\ny",2\n3,4,5\n', ["table.csv, line 4: 3 cells"]),
        (b'a,b\n5" x,2\n3\n', ["table.csv, line 3: 1 cell"]),
        (b"a,b,a\n1,2,3\n", ["duplicate column names 'a'", "rename"]),
        (b"a, a \n1,2\n", ["duplicate column names 'a'"]),
        (b"1.5,2\n3,2e3\n", []),
        (b"1.5,2.5,1.5\n3,4,5\n", ["duplicate column names '1.5'; is the header line missing?"]),
        (b"a,b\n1,2\n3,\x004\n", ["table.csv, line 3: a NUL byte"]),
        (b"<!DOCTYPE html>\n<html></html>", ["is a web page"]),
        (b"\n <html><body>a,b</body>", ["is a web page"]),
        (b'[{"a": 1}, {"a": 2}]', ["is JSON"]),
        (b'{"a": [1, 2]}', ["is JSON"]),
        (b"PAR1....", ["is not text but a Parquet file"]),
        (b"PK\x03\x04..", ["Excel workbook"]),
        (b"\x1f\x8b\x08\x00abc", ["truncated or damaged gzip"]),
        (b"a,b\nM\xfcller,1\n", ["line 2: the text is not UTF-8 (byte 0xfc)", "iconv"]),
        (b"\xff\xfea\x00,\x00b", ["UTF-16"]),
        (b'a,b\n"open,2\n3,4\n', ["line 2: a quoted cell does not end"]),
        (b'a,b\n1,2\n"x"y,4\n', ["line 3: a quoted cell does not end"]),
        (b"a,b\n1,2\n1e400,3\n", ["line 3, column 'a': '1e400' is not a finite number"]),
        (b"a,b\n1,-inf\n2,3\n", ["line 2, column 'b': '-inf' is not a finite number"]),
        (b"a;b\n1,500;2\n2,500;3\n",
         ["line 2, column 'a': '1,500' is not a number", "point before the decimals"]),
        (b"my money,b\n$1200,2\n900,3\n", ["or leave the column out (--ignore 'my money')"]),
        (b'a,b\n"1,200",2\n"900",3\n', ["line 2, column 'a': '1,200' is not a number"]),
        (b"a,b\n$1200,2\n900,3\n", ["line 3, column 'a': '900' is not a number as the others are"]),
        (b"d,b\n" + b"2020-01-02,1\n" * 19 + b"2020-02-30,1\n",
         ["line 21, column 'd': '2020-02-30' is not a date"]),
    ],
)  # fmt: skip
def test_unusable_text_is_refused_in_one_line(tmp_path: Path, content: bytes, parts: list[str]) -> None:
    path = written(tmp_path, content)
    if not parts:  # not all of the first line reads as decimals: these are names
        assert sources.read(path).columns[0].name == "1.5"
        return
    message = refusal(path)
    for part in parts:
        assert part in message


def test_a_stray_word_in_a_number_column_is_named_by_line(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + ROWS + "abc,1\n")
    assert "table.csv, line 22, column 'a': 'abc' is not a number" in refusal(path)


def test_lines_count_blank_lines_and_line_breaks_inside_quotes(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n\n"first\nsecond",1\n' + "x,2\n" * 20 + "x,oops\n")
    assert "line 25, column 'b': 'oops'" in refusal(path)


def test_truncated_gzip(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"a,b\n" + ROWS.encode())[:-12], "table.csv.gz")
    assert "table.csv.gz is a truncated or damaged gzip file" in refusal(path)


@pytest.mark.parametrize("cut", [0, 3, 8, 200, -5])
def test_truncated_parquet(tmp_path: Path, cut: int) -> None:
    whole = tmp_path / "whole.parquet"
    pl.DataFrame({"a": range(1000), "b": range(1000)}).write_parquet(whole)
    path = written(tmp_path, whole.read_bytes()[:cut], "cut.parquet")
    assert "cut.parquet" in refusal(path)


def test_parquet_by_name_only(tmp_path: Path) -> None:
    assert "is not Parquet" in refusal(written(tmp_path, "a,b\n1,2\n", "table.parquet"))


def test_a_parquet_column_of_lists_is_refused_by_name_and_can_be_ignored(tmp_path: Path) -> None:
    path = tmp_path / "lists.parquet"
    pl.DataFrame({"a": [1, 2, 3], "l": [[1], [2], [3]]}).write_parquet(path)
    assert "column 'l' holds List(Int64)" in refusal(path)
    assert [column.name for column in sources.read(path, ignore=["l"]).columns] == ["a"]


def test_missing_path_suggests_the_nearest(tmp_path: Path) -> None:
    written(tmp_path, "a,b\n1,2\n", "prices.csv")
    assert "did you mean" in refusal(tmp_path / "price.csv")
    assert "prices.csv" in refusal(tmp_path / "price.csv")
    assert "did you mean the built-in 'houses'?" in refusal("house")
    assert "built-in tables: houses, digits" in refusal("qqqqqqqq")


def test_unknown_format_and_folders(tmp_path: Path) -> None:
    assert "save the sheet as CSV" in refusal(written(tmp_path, "x", "book.xlsx"))
    assert "no format that is read" in refusal(written(tmp_path, "x", "table.json"))
    assert "no folder of images" in refusal(tmp_path)


def test_wrong_target_and_wrong_ignore(tmp_path: Path) -> None:
    path = written(tmp_path, "price,size\n" + ROWS)
    assert "has no column 'prize'; did you mean 'price'? columns: price, size" in refusal(
        path, target="prize"
    )
    assert "has no column 'siz' to ignore; did you mean 'size'?" in refusal(path, ignore=["siz"])
    assert "both the target and ignored" in refusal(path, target="price", ignore=["price"])


def test_no_target_lists_the_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "price,size\n" + ROWS)
    with pytest.raises(DataError, match=r"name the column to predict \(--target\); columns: price, size"):
        sources.read(path).with_known_target()


def test_all_missing_constant_and_one_class_targets(tmp_path: Path) -> None:
    path = written(tmp_path, "a,none,same,class\n" + "".join(f"{n},NA,3.5,x\n" for n in range(12)))
    with pytest.raises(DataError, match="the target 'none' is missing in every row"):
        sources.read(path, target="none").with_known_target()
    with pytest.raises(DataError, match=r"the target 'same' is 3\.5 in every training row"):
        NumberTarget.fit(sources.read(path, target="same"))
    with pytest.raises(DataError, match="the target 'class' is 'x' in every row; at least two"):
        ClassTarget.fit(sources.read(path, target="class"))
    with pytest.raises(DataError, match="holds text, for instance 'x'"):
        NumberTarget.fit(sources.read(path, target="class"))


def test_nothing_to_learn_from(tmp_path: Path) -> None:
    path = written(tmp_path, "id,y\n" + "".join(f"{n},{n % 5}\n" for n in range(20)))
    with pytest.raises(DataError, match="has no column to learn from: id: left out: whole numbers that are"):
        fit_encoder(sources.read(path, target="y"))


def test_why_each_column_cannot_be_learned_from() -> None:
    texts = [f"text {place}" for place in range(60)]
    columns = {"p": texts, "q": [3] * 60, "late": [1] * 59 + [2], "y": [0, 1] * 30}
    dataset = sources.read(columns, target="y").take(np.arange(59))
    with pytest.raises(DataError) as caught:
        fit_encoder(dataset)
    assert str(caught.value) == (
        "the given table has no column to learn from: p: left out: 60 different texts in 60 cells; "
        "q: every cell is '3'; late: constant in the training rows; add columns whose values vary"
    )
    many = {f"p{place}": texts for place in range(9)}
    with pytest.raises(DataError, match=r"p4: [^;]*; and 4 more; add columns"):
        fit_encoder(sources.read({**many, "y": columns["y"]}, target="y"))
    with pytest.raises(DataError, match="there is none besides the target"):
        fit_encoder(sources.read({"y": columns["y"]}, target="y"))


@pytest.mark.parametrize(
    ("cells", "part"),
    [
        (
            [f"2020-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(400)],
            "holds dates and cannot be predicted",
        ),
        ([f"note {n}" for n in range(400)], "holds 400 different texts in 400 rows and cannot be predicted"),
        (
            [n + 0.5 for n in range(400)],
            "holds 400 different numbers with decimals in 400 rows and cannot be predicted",
        ),
    ],
)
def test_targets_that_are_no_classes(cells: list[object], part: str) -> None:
    with pytest.raises(DataError, match=part) as caught:
        ClassTarget.fit(sources.read({"x": list(range(400)), "y": cells}, target="y"))
    assert "\n" not in str(caught.value)


def test_options_that_do_not_apply() -> None:
    table = {"a": [1, 2], "b": [3, 4]}
    assert "image_size is for a folder of images by class, not for 'iris'" in refusal("iris", image_size=8)
    assert "not for data in memory" in refusal(table, image_size=8)
    assert "image_size must be a side" in refusal("iris", image_size=0)
    dataset = sources.read(table, ignore=["b", "absent"], image_form=PixelForm((8, 8, 1)), lenient=True)
    assert [column.name for column in dataset.columns] == ["a"]


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({}, "no columns"),
        ({"a": []}, "no rows"),
        ({"a": [1, 2], "b": [1]}, "column 'a' has 2 rows and 'b' has 1"),
        ({"a": [1, "x"]}, "column 'a' mixes int and str"),
        ({"a": np.zeros((2, 2))}, "must have shape (rows,), not (2, 2)"),
        ({"a": 3}, "must be a list or an array, not int"),
        ({"a": [1.0, float("inf")]}, "the given table, row 2, column 'a': 'inf' is not a finite number"),
        ({"a": [object(), object()]}, "column 'a'"),
        (42, "a table is a path, a frame, a dict of columns or a list of dict rows, not int"),
        ((np.zeros((3, 2)), np.zeros(4)), "X has 3 rows and y has 4"),
        ((np.zeros(3), np.zeros(3)), "X must have shape (rows, columns), not (3,)"),
        ((1, 2, 3), "a pair (X, y), not as 3 values"),
        ((np.zeros((4, 2, 2, 7), np.uint8), np.arange(4)), "images must have shape"),
    ],
)
def test_unusable_tables_in_memory(source: object, part: str) -> None:
    assert part in refusal(source)


class TestPredict:
    """A model's encoder meets tables that are not like its own."""

    def encoder(self, folder: Path):  # type: ignore[no-untyped-def]
        rows = "".join(
            f"{n}.5,{'xyz'[n % 3]},{'yes' if n % 2 else 'no'},2020-01-{n + 1:02},{n}\n" for n in range(20)
        )
        path = written(folder, "num,cat,flag,day,y\n" + rows, "train.csv")
        return fit_encoder(sources.read(path, target="y"))

    def test_missing_columns_are_listed(self, tmp_path: Path) -> None:
        path = written(tmp_path, "cat,flag\nx,yes\n")
        with pytest.raises(
            DataError, match=r"table\.csv lacks the columns 'num', 'day', which the model needs"
        ):
            self.encoder(tmp_path).transform(path)

    def test_text_in_a_number_column(self, tmp_path: Path) -> None:
        path = written(tmp_path, "num,cat,flag,day\n1,x,yes,2020-01-01\nabc,x,yes,2020-01-01\n")
        with pytest.raises(DataError, match=r"table\.csv, line 3, column 'num': 'abc' is not a number"):
            self.encoder(tmp_path).transform(path)

    def test_infinity_and_numbers_beyond_the_dtype(self, tmp_path: Path) -> None:
        encoder = self.encoder(tmp_path)
        with pytest.raises(DataError, match="line 2, column 'num': '1e400' is not a finite number"):
            encoder.transform(written(tmp_path, "num,cat,flag,day\n1e400,x,yes,2020-01-01\n"))
        path = written(tmp_path, "num,cat,flag,day\n1e300,x,yes,2020-01-01\n")
        with pytest.raises(DataError, match="too far from training's values for float32"):
            encoder.transform(path, "float32")
        assert np.isfinite(encoder.transform(path, "float64")).all()

    def test_a_date_written_otherwise(self, tmp_path: Path) -> None:
        path = written(tmp_path, "num,cat,flag,day\n1,x,yes,01/02/2020\n")
        with pytest.raises(DataError, match="line 2, column 'day': '01/02/2020' is not a date written as"):
            self.encoder(tmp_path).transform(path)

    def test_unseen_values_and_extra_columns_are_noted_once(self, tmp_path: Path) -> None:
        encoder = self.encoder(tmp_path)
        path = written(tmp_path, "num,cat,flag,day,more\n1,new,maybe,2020-01-01,1\n,new,yes,2020-01-01,2\n")
        x = encoder.transform(path)
        other = encoder.feature_names.index("cat=other")
        assert x[:, other].tolist() == [1, 1]
        assert list(encoder.notes_of_last_use) == [
            "not used, for training had no such columns: 'more'",
            "column 'num': 1 missing cell was filled with the median",
            "column 'cat': 'new' in 2 rows was not seen in training and was encoded as 'other'",
            "column 'flag': 'maybe' in 1 row was not seen in training and was read as missing",
        ]

    def test_missing_words_are_noted_as_missing_numbers_are(self, tmp_path: Path) -> None:
        encoder = self.encoder(tmp_path)
        path = written(tmp_path, "num,cat,flag,day\n1,,,2020-01-01\n1,new,yes,2020-01-01\n")
        encoder.transform(path)
        assert list(encoder.notes_of_last_use) == [
            "column 'cat': 'new' in 1 row was not seen in training and was encoded as 'other'; "
            "column 'cat': 1 missing cell was encoded as 'other'",
            "column 'flag': 1 missing cell was filled with training's share of yes",
        ]

    def test_a_folder_for_a_table(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="is a folder, but the model was trained on a table"):
            self.encoder(tmp_path).transform(tmp_path)

    def test_an_array_for_named_columns(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"knows its columns by name .num, cat, flag, day.: give a frame"):
            self.encoder(tmp_path).transform(np.zeros((3, 4)))

    def test_images_for_a_table(self, tmp_path: Path) -> None:
        images = sources.read((np.zeros((4, 2, 2), np.uint8), np.array([0, 1, 0, 1])))
        with pytest.raises(DataError, match="holds images, but the model was trained on a table"):
            self.encoder(tmp_path).transform(images)
