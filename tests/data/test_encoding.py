"""Columns as numbers: fitted on training rows, stored exactly, the same however rows are handed over."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given

from descend.data import sources
from descend.data.cells import numbers
from descend.data.encoding import TableEncoder, encoder_from_json, fit_encoder
from descend.data.kinds import infer_column
from descend.data.split import split
from descend.errors import DataError, ModelFileError


def fitted(**columns: object) -> TableEncoder:
    return TableEncoder.fit(sources.read(columns))


def test_numbers_are_imputed_by_the_median_and_standardised() -> None:
    encoder = fitted(n=[1.0, 2.0, None, 6.0])
    assert encoder.feature_names == ("n", "n is missing")
    x = encoder.transform({"n": [1.0, None, 10.0]}, "float64")
    filled = np.array([1.0, 2.0, 2.0, 6.0])
    np.testing.assert_allclose(
        x[:, 0], (np.array([1.0, 2.0, 10.0]) - filled.mean()) / filled.std(), rtol=1e-15
    )
    assert x[:, 1].tolist() == [0, 1, 0]


def test_training_rows_have_mean_0_and_deviation_1() -> None:
    dataset = sources.read("breast_cancer")
    x = fit_encoder(dataset).transform(dataset, "float64")
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(x.std(axis=0), 1, rtol=1e-13)


def test_yes_and_no() -> None:
    encoder = fitted(w=["yes", "No", None, "YES"], b=[True, False, True, True], i=[0, 1, 1, 1])
    assert encoder.feature_names == ("w", "w is missing", "b", "i")
    x = encoder.transform({"w": ["no", "Yes", None], "b": [False, True, None], "i": [1, 0, 2]}, "float64")
    np.testing.assert_array_equal(x, [[0, 0, 0, 1], [1, 0, 1, 0], [2 / 3, 1, 0.75, 2]])
    x = encoder.transform({"w": [True, False], "b": ["true", "no"], "i": ["1", "0"]}, "float64")
    np.testing.assert_array_equal(x, [[1, 0, 1, 1], [0, 0, 0, 0]])


@pytest.mark.parametrize("trained", [[True, False], [1, 0], ["yes", "no"], ["T", "F"], ["是", "否"]])
@pytest.mark.parametrize(
    "cells", [[True, False], [1, 0], [1.0, 0.0], ["Yes", "NO"], ["true", "False"], ["1", "0"], ["1.0", "0.0"]]
)
def test_yes_and_no_are_read_however_they_are_written(trained: list[object], cells: list[object]) -> None:
    encoder = fitted(b=trained * 3)
    np.testing.assert_array_equal(encoder.transform({"b": [*cells, None]}, "float64"), [[1], [0], [0.5]])
    assert encoder.notes_of_last_use == (
        "column 'b': 1 missing cell was filled with training's share of yes",
    )


def test_what_means_neither_yes_nor_no_is_said(tmp_path: Path) -> None:
    worded, numbers = fitted(b=["yes", "no"]), fitted(b=[0, 1])
    np.testing.assert_array_equal(worded.transform({"b": [2.0, 1.0]}, "float64"), [[0.5], [1]])
    assert worded.notes_of_last_use == (
        "column 'b': '2' in 1 row was not seen in training and was read as missing",
    )
    np.testing.assert_array_equal(numbers.transform({"b": ["2.5", "TRUE"]}, "float64"), [[2.5], [1]])
    path = tmp_path / "new.csv"
    path.write_text("b\nTrue\noui\n")
    with pytest.raises(DataError, match="line 3, column 'b': 'oui' is not a number"):
        numbers.transform(path)


def test_whole_floats_are_the_categories_of_whole_numbers() -> None:
    encoder = fitted(c=["1", "2", "x"])
    np.testing.assert_array_equal(encoder.transform({"c": [2.0, None, 1.0]})[:, :4], np.eye(4)[[1, 3, 0]])
    assert encoder.transform({"c": [2.5]})[0, 3] == 1


def test_spellings_of_one_category() -> None:
    encoder = fitted(c=["caf\u00e9", "cafe\u0301", "bar", "Bar"])
    assert encoder.feature_names == ("c=Bar", "c=bar", "c=caf\u00e9", "c=other")
    assert encoder.notes == (
        "column 'c': categories 'caf\u00e9': written in several Unicode forms, which are read as one",
        "column 'c': categories 'Bar' and 'bar' differ only in case and are learned as different ones; "
        "write them alike if they are one",
    )
    x = encoder.transform({"c": ["cafe\u0301", "caf\u00e9"]})
    np.testing.assert_array_equal(x, np.eye(4)[[2, 2]])
    assert encoder.notes_of_last_use == ()
    assert fitted(c=["red", "blue", "dark blue"]).notes == ()


def test_categories_missing_and_other() -> None:
    encoder = fitted(c=["b", "a", None, "b"])
    assert encoder.feature_names == ("c=a", "c=b", "c=other", "c is missing")
    x = encoder.transform({"c": ["a", "b", None, "new"]})
    np.testing.assert_array_equal(x, np.eye(4)[[0, 1, 3, 2]])
    assert fitted(c=["b", "a", "b"]).transform({"c": [None, "a"]}).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_the_fifty_most_frequent_categories_are_kept() -> None:
    cells = [f"c{place:03}" for place in range(70) for _ in range(1 + (place < 50))]
    encoder = fitted(c=cells)
    assert len(encoder.feature_names) == 51
    assert encoder.feature_names[:2] == ("c=c000", "c=c001")
    assert encoder.notes == (
        "column 'c' has 70 categories: the 50 most frequent are kept, the others share one feature",
    )
    assert encoder.transform({"c": cells})[:, 50].sum() == 20
    assert encoder.notes_of_last_use == ()


def test_dates_become_days_weekdays_and_months() -> None:
    days = [date(2024, 1, 1) + timedelta(days=place) for place in range(60)]
    encoder = fitted(d=days)
    assert encoder.feature_names == (
        "d", *(f"d weekday={day}" for day in range(1, 8)), "d month=1", "d month=2",
    )  # fmt: skip
    x = encoder.transform({"d": days}, "float64")
    np.testing.assert_allclose(x[:, 0].mean(), 0, atol=1e-13)
    np.testing.assert_allclose(x[:, 0].std(), 1, rtol=1e-13)
    assert [int(row.argmax()) + 1 for row in x[:, 1:8]] == [day.isoweekday() for day in days]
    assert [int(row.argmax()) + 1 for row in x[:, 8:]] == [day.month for day in days]
    text = [day.isoformat() for day in days]
    np.testing.assert_array_equal(encoder.transform({"d": text}, "float64"), x)
    before = encoder.transform({"d": [date(1969, 12, 31)]}, "float64")
    assert before[0, 3] == 1  # a Wednesday
    assert before[0, 8:].tolist() == [0, 0]
    assert encoder.transform({"d": [None]}, "float64")[0, 1:].tolist() == [0] * 9


def test_times_of_day_that_vary_are_a_feature() -> None:
    moments = [datetime(2024, 3, 4, 7, 30) + timedelta(hours=31 * place) for place in range(20)]
    encoder = fitted(d=[*moments, None])
    assert encoder.feature_names[-1] == "d time of day"
    x = encoder.transform({"d": [*moments, None]}, "float64")[:, -1]
    seconds = np.array([each.hour * 3600 + each.minute * 60 for each in moments], float)
    np.testing.assert_allclose(x[:-1], (seconds - seconds.mean()) / seconds.std(), rtol=1e-13)
    assert x[-1] == 0
    described = json.loads(json.dumps({"kind": "TableEncoder", **encoder.to_json()}))
    again = encoder_from_json(described)
    np.testing.assert_array_equal(again.transform({"d": moments}, "float64")[:, -1], x[:-1])
    del described["columns"][0]["time_mean"], described["columns"][0]["time_deviation"]
    assert encoder_from_json(described).feature_names == encoder.feature_names[:-1]  # an older file
    same_time = [datetime(1900 + place, 1 + place % 12, 5, 10, 17, 33, 123457) for place in range(300)]
    assert not any("time of day" in name for name in fitted(d=same_time).feature_names)


def test_an_array_takes_the_place_of_columns_named_by_number() -> None:
    x = np.arange(24.0).reshape(8, 3) ** 2
    encoder = fit_encoder(sources.read((x, np.arange(8) * 0.5)))
    expected = encoder.transform({"x1": x[:, 0], "x2": x[:, 1], "x3": x[:, 2]})
    np.testing.assert_array_equal(encoder.transform(x), expected)
    np.testing.assert_array_equal(encoder.transform(x[:1].astype(np.int64)), expected[:1])
    for other in (x[:, :2], np.ones((2, 4)), x[0], x.astype(str)):
        with pytest.raises(DataError):
            encoder.transform(other)
    named_by_target = sources.read({"x1": x[:, 0], "x2": x[:, 1], "x3": x[:, 2]}, target="x3")
    with pytest.raises(DataError, match="give a frame or a dict of columns"):
        fit_encoder(named_by_target).transform(x[:, :2])


def test_columns_read_together_are_what_each_is_alone(tmp_path: Path) -> None:
    cells = {
        "float": ["1.5", "-2e3", "", "7"], "whole": ["1", "2", "3", "9007199254740993"],
        "bits": ["0", "1", "1", "0"], "spelled": ["0.0", "1.0", "1.0", "0.0"],
        "code": ["01", "02", "03", "10"],
        "one": ["5", "5", "5", "5"], "none": ["", "", "", ""], "id": ["1", "2", "3", "4"],
        "word": ["a", "b", "a", "b"], "huge": ["1", "2", "3", str(2**70)], "mixed": ["0.5", "07", "10", "1"],
    }  # fmt: skip
    together = tmp_path / "together.csv"
    together.write_text("\n".join(map(",".join, [cells, *zip(*cells.values(), strict=True)])) + "\n")
    whole = sources.read(together)
    assert {column.name: column.kind for column in whole.columns} == {
        "float": "number", "whole": "number", "bits": "yes/no", "spelled": "number", "code": "category",
        "one": "constant", "none": "constant", "id": "identifier", "word": "category", "huge": "number",
        "mixed": "number",
    }  # fmt: skip
    rows = np.array([3, 0])
    for column in whole.columns:
        assert whole.table is not None
        assert infer_column(whole.table, column.name) == column
        if column.kind == "number":
            expected = np.array([float(cell or "nan") for cell in cells[column.name]])
            np.testing.assert_array_equal(numbers(whole.table, column.name), expected)
            np.testing.assert_array_equal(numbers(whole.table.take(rows), column.name), expected[rows])


def test_five_hundred_columns_take_few_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a fit does with a wide table must not ask polars anew for every column."""
    calls = 0
    collect = pl.LazyFrame.collect

    def counted(self: pl.LazyFrame, *args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        return collect(self, *args, **options)  # type: ignore[call-overload]

    x = np.random.default_rng(0).normal(size=(40, 500))
    path = tmp_path / "wide.csv"
    names = ",".join(f"c{place}" for place in range(500))
    np.savetxt(path, x, delimiter=",", header=names, comments="")
    monkeypatch.setattr(pl.LazyFrame, "collect", counted)
    dataset = sources.read(path, target="c0").with_known_target()
    encoder = fit_encoder(dataset.take(np.arange(20)))
    encoder.transform(dataset.take(np.arange(20, 40)))
    assert len(dataset.fingerprint) == 64
    assert calls < 100


def test_columns_without_variation_in_training_are_left_out_and_said() -> None:
    dataset = sources.read({"n": [1.0] * 5 + [2.0], "m": [1.0, 2.0] * 3}).take(np.arange(5))
    encoder = TableEncoder.fit(dataset)
    assert encoder.feature_names == ("m",)
    assert encoder.notes == ("column 'n' is constant in the training rows and was left out",)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_matrix_is_what_engines_take(dtype: str) -> None:
    dataset = sources.read("houses")
    encoder = fit_encoder(dataset)
    x = encoder.transform(dataset, dtype)
    assert x.shape == (546, len(encoder.feature_names))
    assert x.dtype == dtype
    assert x.flags.c_contiguous
    assert encoder.scale == 1.0


def test_every_way_of_handing_rows_over_gives_the_same_bits(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(
        f"{n * 0.1!r},{'ab'[n % 2]},{'yes' if n % 3 else 'no'},2020-01-{n + 1:02},{n}\n" for n in range(25)
    )
    path.write_text("num,cat,flag,day,y\n" + rows)
    dataset = sources.read(path, target="y")
    encoder = fit_encoder(dataset)
    expected = encoder.transform(dataset)
    assert dataset.table is not None
    typed = pl.read_csv(path, try_parse_dates=True)
    for same in (
        path,
        str(path),
        dataset.table.frame,
        typed,
        typed.drop("y"),
        typed.to_dict(as_series=False),
        typed.to_dicts(),
        typed.select(reversed(typed.columns)),
    ):
        np.testing.assert_array_equal(encoder.transform(same), expected)
        assert encoder.notes_of_last_use == ()
    for row in (0, 13):
        np.testing.assert_array_equal(encoder.transform(typed[row]), expected[row : row + 1])
    assert encoder.check(path) == ()
    with pytest.raises(DataError, match="lacks the column 'cat'"):
        encoder.check(typed.drop("cat"))


def test_codes_keep_their_zeros_when_predicting(tmp_path: Path) -> None:
    train, other = tmp_path / "train.csv", tmp_path / "other.csv"
    train.write_text("zip,y\n" + "02139,1.5\n10001,2.5\n" * 6)
    other.write_text("zip\n10001\n02139\n")
    encoder = fit_encoder(sources.read(train, target="y"))
    np.testing.assert_array_equal(encoder.transform(other), [[0, 1, 0], [1, 0, 0]])


_column = st.one_of(
    st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=12, max_size=12),
    st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", "ü", "城"])), min_size=12, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
    st.lists(st.one_of(st.none(), st.dates(date(1800, 1, 1), date(2200, 1, 1))), min_size=12, max_size=12),
)


@given(st.lists(_column, min_size=1, max_size=3))
def test_an_encoder_comes_back_from_json_exactly(columns: list[list[object]]) -> None:
    dataset = sources.read({f"c{place}": cells for place, cells in enumerate(columns)})
    try:
        encoder = TableEncoder.fit(dataset)
    except DataError as error:
        assert "no column to learn from" in str(error)  # noqa: PT017
        return
    again = encoder_from_json(json.loads(json.dumps({"kind": "TableEncoder", **encoder.to_json()})))
    assert again.to_json() == encoder.to_json()
    assert again.feature_names == encoder.feature_names
    x = encoder.transform(dataset, "float64")
    assert np.isfinite(x).all()
    np.testing.assert_array_equal(again.transform(dataset, "float64"), x)


@pytest.mark.parametrize(
    "described",
    [
        {},
        {"kind": "Pickle"},
        {"kind": "TableEncoder"},
        {"kind": "TableEncoder", "columns": [{"kind": "number"}], "left_out": [], "notes": []},
        {"kind": "TableEncoder", "columns": [{"kind": "x"}], "left_out": [], "notes": []},
        {"kind": "ImageEncoder", "shape": [28, 28]},
        {"kind": "ImageEncoder", "shape": [28, 28, 2]},
    ],
)
def test_damaged_descriptions(described: dict[str, object]) -> None:
    with pytest.raises(ModelFileError):
        encoder_from_json(described)


def test_nothing_of_the_test_rows_reaches_the_encoder() -> None:
    rng = np.random.default_rng(0)
    columns = {
        "n": rng.normal(size=100),
        "c": rng.choice(["a", "b", "c"], 100),
        "d": [date(2020, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 300, 100)],
        "y": rng.normal(size=100),
    }
    parts = split(100, 5)
    changed = {name: list(values) for name, values in columns.items()}
    for row in parts.test:
        changed["n"][row] = 1e6
        changed["c"][row] = "z"
        changed["d"][row] = date(1999, 1, 1)
    one, other = (
        fit_encoder(sources.read(each, target="y").take(parts.train)) for each in (columns, changed)
    )
    assert one.to_json() == other.to_json()
