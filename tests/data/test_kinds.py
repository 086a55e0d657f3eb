"""Column kinds, from text files and from typed sources."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from descend.data import sources
from descend.data.date_format import DateFormat
from descend.data.encoding import fit_encoder
from descend.data.kinds import RULES, Column, infer_columns
from descend.data.sources.csv_table import parse_csv
from descend.data.table import Table
from descend.errors import DataError


def kind_of(cells: list[str], name: str = "c") -> Column:
    text = f"{name},other\n" + "".join(f'"{cell}",1\n' for cell in cells)
    return infer_columns(parse_csv(text.encode(), "t"))[0]


MANY = [str(place) for place in range(30)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", "2"], "number"),
        (["1.5", "-2e3", "NA"], "number"),
        (["0", "1", "1"], "yes/no"),
        (["0", "1", "2"], "number"),
        (["0", "0.5", "1"], "number"),
        (["yes", "no", "yes"], "yes/no"),
        (["Yes", "NO", "Yes", ""], "yes/no"),
        (["是", "否", "是"], "yes/no"),
        (["true", "false"], "yes/no"),
        (["yes", "maybe"], "category"),
        (["yes", "Y"], "category"),
        (["red", "green", "red"], "category"),
        (["02139", "10001", "94103"], "category"),
        (["a1", "5", "b2", "7"], "category"),
        (["same", "same", "same"], "constant"),
        (["3", "3"], "constant"),
        (["NA", "", "?"], "constant"),
        (["3", "3", ""], "number"),
        ([f"name {place}" for place in range(20)], "identifier"),
        ([f"name {place}" for place in range(9)], "category"),
        ([f"name {place % 7}" for place in range(20)], "category"),
        (["2013-01-05", "2014-02-01", ""], "date"),
        (["2013-1-5", "2014-12-31"], "date"),
        (["2013-01-05T10:00:00Z", "2014-02-01T11:30:00.5Z"], "date"),
        (["2013/01/05 10:20", "2014/02/01 11:30"], "date"),
        (["2013年1月5日", "2014年12月31日"], "date"),
        (["31.12.2013", "01.02.2014"], "date"),
        (["12-34-56-78", "98-76-54-32", "12-34-56-78"], "category"),
    ],
)
def test_kind_of_text_cells(cells: list[str], kind: str) -> None:
    assert kind_of(cells).kind == kind


@pytest.mark.parametrize(
    ("cells", "date_format"),
    [
        (["12/31/2013", "01/02/2014"], "%m/%d/%Y"),
        (["31/12/2013", "01/02/2014"], "%d/%m/%Y"),
        (["01/02/2013", "03/02/2014"], "%m/%d/%Y"),
    ],
)
def test_days_and_months_are_told_apart_where_they_can_be(cells: list[str], date_format: str) -> None:
    column = kind_of(cells)
    assert column.date_format == DateFormat(date_format)
    assert f"read as {date_format}" in column.note


@pytest.mark.parametrize(
    ("name", "cells", "kind"),
    [
        ("id", MANY, "identifier"),
        ("customer_id", MANY[::-1], "identifier"),
        ("PassengerId", MANY, "identifier"),
        ("", MANY, "identifier"),
        ("id", [*MANY, "3"], "number"),
        ("paid", MANY, "number"),
        ("size", MANY, "number"),
    ],
)
def test_whole_numbers_named_as_identifiers(name: str, cells: list[str], kind: str) -> None:
    assert kind_of(cells, name).kind == kind


@pytest.mark.parametrize(
    "name",
    ["Unnamed: 0", "Unnamed: 0.1", "__index_level_0__", "level_0", "rownames", "RowNumber", "Row.No",
     "Serial No.", "S.No", "sr no", "...1", "obs_id", "№", "номер", "行号", "번호", "Lfd. Nr.", "L.p."],
)  # fmt: skip
def test_names_that_programs_and_people_give_to_row_numbers(name: str) -> None:
    assert kind_of(MANY, name).kind == "identifier"
    assert kind_of(MANY[::-1], name).kind == "identifier"
    assert kind_of([*MANY, "3"], name).kind == "number"


def kind_beside_others(values: list[int], name: str, others: int = 2) -> Column:
    frame = {name: values, **{f"c{place}": [0.5] * len(values) for place in range(others)}}
    return infer_columns(Table(pl.DataFrame(frame), "t"))[0]


@pytest.mark.parametrize("name", ["X", "instant", "obs", "record"])
@pytest.mark.parametrize("first", [0, 1])
def test_some_names_are_identifiers_only_where_they_count_the_rows(name: str, first: int) -> None:
    counting = list(range(first, first + 20))
    assert kind_beside_others(counting, name).kind == "identifier"
    assert kind_beside_others(counting[::-1], name).kind == "number"
    assert kind_beside_others(counting, name, others=1).kind == "number"  # the table has nothing else


@pytest.mark.parametrize("first", [0, 1])
def test_any_column_that_counts_the_rows_is_kept_and_said(first: int) -> None:
    column = kind_beside_others(list(range(first, first + 20)), "year of life")
    assert column.kind == "number"
    assert column.remark == (
        "counts the rows from the first to the last; if it tells no more, leave it out "
        "(--ignore 'year of life')"
    )
    for other in (range(2, 22), range(0, 40, 2), [*range(19), 30]):
        assert kind_beside_others(list(other), "year").remark == ""


@pytest.mark.parametrize("start", [2**53 - 1, -(2**53) - 5, 2**63 - 3, 2**70])
def test_whole_numbers_that_float64_cannot_tell_apart_are_said(start: int) -> None:
    column = kind_of([str(start + place) for place in (0, 2, 2, 3)])
    assert column.kind == "number"
    assert column.remark == "whole numbers beyond 2^53: neighbours cannot be told apart"
    assert kind_of([str(2**53 - place) for place in (0, 2, 2, 3)]).remark == ""


@pytest.mark.parametrize("name", ["*", "^a$", "^.*$", "a", ""])
def test_names_that_are_patterns_elsewhere_are_names(name: str) -> None:
    frame = pl.DataFrame({name: [1, 2, 4], "a b": [0.5, 1.5, 0.25], "t": ["x", "1.5", "z"]})
    dataset = sources.read(frame, target="a b")
    assert [column.name for column in dataset.columns] == [name, "a b", "t"]
    assert [column.name for column in sources.read(frame, target="a b", ignore=[name]).columns] == [
        "a b",
        "t",
    ]
    assert fit_encoder(dataset).transform(frame).shape == (3, 5)
    assert len({dataset.fingerprint, sources.read(frame.rename({name: "other"})).fingerprint}) == 2


@pytest.mark.parametrize("spelling", ["NAN", "Nan", "-nan", "+NaN", "nan"])
def test_nan_is_missing_in_any_case(spelling: str) -> None:
    assert kind_of(["1.5", spelling, "2.5"]) == Column("c", "number")
    assert kind_of(["Ann", "Nan", "Ann"]).kind == "category"


def test_a_table_of_many_columns_is_understood_in_few_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {f"c{place}": [str(place % 7), "0.5", "12"] for place in range(2000)}
    table = Table(pl.DataFrame(columns), "t", typed=False)
    calls = 0
    collect = pl.LazyFrame.collect

    def counted(self: pl.LazyFrame, *args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        return collect(self, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(pl.LazyFrame, "collect", counted)
    assert {column.kind for column in infer_columns(table)} == {"number"}
    assert calls < 100


def test_left_out_columns_say_why() -> None:
    assert kind_of(["3", "3"]).note == "every cell is '3'"
    assert kind_of(["", "NA"]).note == "every cell is missing"
    assert kind_of([f"n{place}" for place in range(20)]).note == "left out: 20 different texts in 20 cells"
    assert "left out" in kind_of(MANY, "id").note
    assert not kind_of(MANY, "id").used


def test_nine_in_ten_numbers_make_a_number_column() -> None:
    with pytest.raises(DataError, match="t, line 11, column 'c': 'x' is not a number"):
        kind_of([*MANY[:9], "x"])
    assert kind_of([*MANY[:8], "x"]).kind == "category"
    with pytest.raises(DataError, match="t, line 4, column 'c': 'x' is not a number"):
        kind_of(["1", "NA", "x", *MANY[:10]])


def test_typed_sources_keep_their_types() -> None:
    frame = pl.DataFrame(
        {
            "text": ["1", "2", "2"],
            "small": pl.Series([1, 2, 4], dtype=pl.Int8),
            "single": pl.Series([0.5, float("nan"), 1.0], dtype=pl.Float32),
            "flag": [True, False, None],
            "bits": pl.Series([0, 1, 1], dtype=pl.UInt64),
            "huge": pl.Series([2**64 - 1, 1, 2], dtype=pl.UInt64),
            "day": [date(2020, 1, 1), None, date(2020, 1, 3)],
            "moment": [datetime(2020, 1, 1, 5), datetime(2020, 1, 2), None],
            "level": pl.Series(["a", "b", "a"], dtype=pl.Categorical),
            "money": pl.Series(["1.10", "2.20", "3.30"]).cast(pl.Decimal(10, 2)),
            "nothing": pl.Series([None, None, None]),
        }
    )
    kinds = {column.name: column.kind for column in sources.read(frame).columns}
    assert kinds == {
        "text": "category", "small": "number", "single": "number", "flag": "yes/no", "bits": "yes/no",
        "huge": "number", "day": "date", "moment": "date", "level": "category", "money": "number",
        "nothing": "constant",
    }  # fmt: skip


def test_the_rules_name_every_kind() -> None:
    for kind in ("number", "yes/no", "date", "identifier", "category", "constant"):
        assert f"- {kind}" in RULES


def test_ignored_columns_are_not_looked_at() -> None:
    table = Table(pl.DataFrame({"a": [1.0, float("inf")], "b": [1, 2]}), "t")
    assert [column.name for column in infer_columns(table, ["a"])] == ["b"]
