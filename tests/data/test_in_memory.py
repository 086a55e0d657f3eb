"""Tables, arrays and images in memory: what is taken, and what is refused by its name."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

import descend
from descend.data import sources
from descend.errors import DataError, DataWarning


@pytest.mark.parametrize(
    "name", ["count", "word", "class", "rows", "len", "literal", "index", "column_0", "", "x=1"]
)
def test_a_column_or_target_may_have_any_name(name: str) -> None:
    cells, numbers = ["u", "v", "w"] * 8, [0.5, 1.5, 2.5, 3.5] * 6
    assert sources.read({name: cells, "y": numbers}, target="y").features[0].kind == "category"
    assert descend.fit({name: cells, "y": numbers}, "y", epochs=1).model.encoder.feature_names[:3] == (
        f"{name}=u", f"{name}=v", f"{name}=w",
    )  # fmt: skip
    assert descend.fit({name: cells, "n": numbers}, name, epochs=1).model.classes.tolist() == ["u", "v", "w"]


ROWS = 40
TEXT = [("u", "v", "w")[place % 3] for place in range(ROWS)]
Y = [place % 3 * 1.5 + place / 100 for place in range(ROWS)]


def kind_of(values: Any) -> str:
    return sources.read({"x": values, "y": Y}).columns[0].kind


def pandas_series(values: object, dtype: str | None = None) -> Any:
    return pytest.importorskip("pandas").Series(values, dtype=dtype)


class TestCategories:
    """A column that the user made a category is one, whatever it holds."""

    @pytest.mark.parametrize(
        "values",
        [
            [1, 2, 3],
            [1.0, 2.5, 3.0],
            ["1", "2", "3"],
            ["x", "y", "z"],
            [date(2024, 1, 1 + day) for day in range(3)],
        ],
    )
    def test_of_pandas(self, values: list[object]) -> None:
        pandas = pytest.importorskip("pandas")
        cells = pandas.Series([values[place % 3] for place in range(ROWS)]).astype("category")
        frame = pandas.DataFrame({"x": cells, "y": Y})
        assert sources.read(frame).columns[0].kind == "category"
        model = descend.fit(frame, "y", epochs=1).model
        assert len(model.encoder.feature_names) == 4
        assert np.array_equal(model.predict(frame), model.predict(frame.astype({"x": object})))

    def test_of_numbers_is_known_again_as_numbers_and_text(self) -> None:
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame({"x": pandas.Categorical([place % 3 + 1 for place in range(ROWS)]), "y": Y})
        model = descend.fit(frame, "y", epochs=1).model
        x = [1, 2, 3]
        whole = model.predict({"x": x})
        for same in (["1", "2", "3"], [1.0, 2.0, 3.0], np.array(x, "uint8"), pandas_series(x)):
            assert model.predict({"x": same}).tolist() == whole.tolist()

    def test_as_a_target_keeps_the_labels_type(self) -> None:
        pandas = pytest.importorskip("pandas")
        labels = pandas.Series([place % 10 for place in range(ROWS)]).astype("category")
        for given in (({"x": Y}, labels), (np.array(Y)[:, None], labels.to_frame())):
            training = descend.fit(given, epochs=1)
            assert training.metrics is not None
            assert training.metrics["task"] == "classification"
            assert training.model.classes.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array(Y, "longdouble"), "number"),
        (np.array(Y, "float16"), "number"),
        (np.array(Y, ">f8"), "number"),
        (np.ma.array(Y, mask=[place == 3 for place in range(ROWS)]), "number"),
        ([np.float16(value) for value in Y], "number"),
        ([Decimal(place) / 4 for place in range(ROWS)], "number"),
        (np.array([[value] for value in Y]), "number"),
        (np.array(["2024", "2025"] * 20, "datetime64[Y]"), "date"),
        (np.array(["2024-01-01", "NaT"] * 20, "datetime64[h]"), "date"),
        ([np.datetime64("2024-01-01", "ns"), np.datetime64("2025-01-01", "ns")] * 20, "date"),
        (np.array(TEXT, np.dtypes.StringDType()), "category"),
    ],
)  # fmt: skip
def test_types_that_are_read(values: object, kind: str) -> None:
    assert kind_of(values) == kind


def test_masked_cells_are_missing() -> None:
    table = sources.read_table({"x": np.ma.array([1, 2, 3], mask=[0, 1, 0])})
    assert table.frame["x"].to_list() == [1, None, 3]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array(Y) * 1j, "column 'x' holds complex numbers"),
        (np.arange(ROWS).astype("timedelta64[D]"), "column 'x' holds lengths of time"),
        (np.array([10**15] * ROWS, "datetime64[s]"), "column 'x', row 1: the year is out of range"),
        ([b"a"] * ROWS, "column 'x' holds Binary values"),
        ([{1}] * ROWS, "column 'x' holds Python objects"),
        (np.zeros(ROWS, "i4,i4"), "column 'x' holds records"),
        (np.zeros((ROWS, 2)), r"column 'x' must have shape \(rows,\), not \(40, 2\)"),
        (1.5, "column 'x' must be a list or an array, not float"),
    ],
)
def test_types_that_are_refused_by_column(values: object, message: str) -> None:
    with pytest.raises(DataError, match=message) as refused:
        kind_of(values)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("make", ["period", "interval", "timedelta"])
def test_types_of_pandas_that_are_refused_by_column(make: str) -> None:
    pandas = pytest.importorskip("pandas")
    values = {
        "period": lambda: pandas.period_range("2020-01", periods=ROWS, freq="M"),
        "interval": lambda: pandas.interval_range(0, ROWS),
        "timedelta": lambda: pandas.to_timedelta(range(ROWS), unit="h"),
    }[make]()
    with pytest.raises(DataError, match="column 'x' holds"):
        sources.read(pandas.DataFrame({"x": values, "y": Y})).columns  # noqa: B018


class TestNames:
    def test_duplicates_are_refused_by_name(self) -> None:
        pandas = pytest.importorskip("pandas")
        for names in (["a", "a", "y"], [1, "1", "y"], ["café", "cafe\u0301", "y"]):
            frame = pandas.DataFrame(np.ones((ROWS, 3)), columns=names)
            with pytest.raises(DataError, match=f"duplicate column names '{names[0]}'; rename them"):
                descend.fit(frame, "y")
        for same in ({1: Y, "1": Y}, [{1: 0.5, "1": 1.5}], pl.DataFrame({"café": Y, "cafe\u0301": Y})):
            with pytest.raises(DataError, match="duplicate column names"):
                sources.read(same)

    def test_a_frames_own_label_names_the_target(self) -> None:
        pandas = pytest.importorskip("pandas")
        frame = pandas.DataFrame(np.random.default_rng(0).normal(size=(ROWS, 3)))
        for target in (0, np.int64(0), "0"):
            model = descend.fit(frame, target, ignore=[1], epochs=1).model
            assert model.encoder.feature_names == ("2",)
            assert model.about["ignore"] == ["1"]
        pairs = pandas.DataFrame(frame.to_numpy(), columns=pandas.MultiIndex.from_product([["a"], [*"xyz"]]))
        assert descend.fit(pairs, ("a", "z"), epochs=1).model.about["target"] == "('a', 'z')"

    def test_a_column_is_no_name(self) -> None:
        for target in (pandas_series(Y), np.array(Y), Y):
            with pytest.raises(DataError, match="a column is given by its name, not by"):
                descend.fit({"x": Y, "y": Y}, target)

    def test_one_name_in_two_unicode_forms(self, tmp_path: Path) -> None:
        composed, decomposed = "température", "tempe\u0301rature"
        for one, other in ((composed, decomposed), (decomposed, composed)):
            frame = pl.DataFrame({one: Y, "x": Y[::-1], "no": TEXT})
            assert sources.read(frame, target=other, ignore=["no"]).target == composed
            model = descend.fit(frame, "x", epochs=1).model
            frame.rename({one: other}).write_parquet(tmp_path / "t.parquet")
            assert np.array_equal(model.predict(frame), model.predict(tmp_path / "t.parquet"))
            assert descend.fit(frame, "x", ignore=[other], epochs=1).model.encoder.columns[0].name == "no"


class TestPairs:
    def test_a_target_of_one_column_is_a_target(self) -> None:
        x = np.array(Y)[:, None]
        pandas = pytest.importorskip("pandas")
        given = [
            np.array(Y),
            x,
            Y,
            pandas_series(Y),
            pandas.DataFrame({"p": Y}),
            pl.DataFrame({"p": Y}),
            pl.Series(Y),
        ]
        found = [sources.read((x, y), target="y") for y in given]
        assert len({dataset.fingerprint for dataset in found}) == 1

    def test_series_and_tensors_are_columns(self) -> None:
        class Tensor:
            """What NumPy can look into, such as a tensor of PyTorch."""

            def __init__(self, values: Any) -> None:
                self.values = np.asarray(values)
                self.shape = self.values.shape

            def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
                return self.values

        plain = sources.read({"x": Y, "y": TEXT}).fingerprint
        assert sources.read({"x": pandas_series(Y), "y": pl.Series(TEXT)}).fingerprint == plain
        assert sources.read({"x": Tensor(Y), "y": TEXT}).fingerprint == plain
        x = np.array(Y)[:, None]
        assert sources.read((Tensor(x), Tensor(Y))).fingerprint == sources.read((x, Y)).fingerprint
        images = np.arange(48, dtype=np.uint8).reshape(4, 3, 4)
        for given in (Tensor(images), list(images), images.tolist()):
            if not isinstance(given, list) or isinstance(given[0], np.ndarray):
                assert sources.read((given, Tensor(range(4)))).image_shape == (3, 4, 1)

    @pytest.mark.parametrize(
        ("x", "y", "message"),
        [
            (np.zeros((ROWS, 8, 8)), Y, "must be uint8 from 0 to 255, not float64; where 1 is white"),
            (np.zeros((ROWS, 8, 8, 3), "int64"), Y, "must be uint8 from 0 to 255, not int64"),
            (csr_array(np.eye(ROWS)), Y, r"X is a sparse table, .*give X.toarray\(\)"),
            (np.zeros(ROWS), Y, r"one column is X.reshape\(-1, 1\)"),
            ([[1.0], [1.0, 2.0]], Y, "X cannot be read as an array"),
            (np.zeros((ROWS, 1)), np.eye(ROWS), r"y .* must have shape \(rows,\), not \(40, 40\)"),
            (np.zeros((ROWS, 1)), pl.DataFrame({"a": Y, "b": Y}), "y must be one column, not 2"),
        ],
    )
    def test_others_are_refused_with_a_remedy(self, x: Any, y: Any, message: str) -> None:
        with pytest.raises(DataError, match=message):
            descend.fit((x, y))

    def test_a_list_of_two_is_no_pair(self) -> None:
        with pytest.raises(DataError, match=r"not list; arrays to learn from come as a pair \(X, y\)"):
            descend.fit([np.zeros((ROWS, 1)), Y])


class TestTextThatReadsAsNumbers:
    """Numbers that a database or a form hands over as text."""

    def test_as_features(self) -> None:
        many = [f"{place % 25}" for place in range(ROWS)]
        text = {
            "x": [f"{value}" for value in Y[:-1]] + [""],
            "n": many,
            "k": [f"{place % 5}" for place in range(ROWS)],
        }
        with pytest.warns(DataWarning) as said:
            model = descend.fit({**text, "y": Y}, "y", epochs=1).model
        assert [str(each.message) for each in said] == [
            "text that reads as numbers was read as numbers in 'x', 'n'; make it a category where it is one",
            "text that reads as numbers was kept as categories in 'k'; convert it where it is numbers",
        ]
        assert [column.kind for column in model.encoder.columns] == ["number", "number", "category"]
        numbers = {**text, "x": [*Y[:-1], None], "n": [int(cell) for cell in many]}
        assert model.predict(text).tolist() == model.predict(numbers).tolist()

    def test_codes_categories_and_words_stay_text(self) -> None:
        assert kind_of([f"0{place % 3}1" for place in range(ROWS)]) == "category"
        assert kind_of(pl.Series(["1", "2"] * 20, dtype=pl.Categorical)) == "category"
        assert kind_of(["1", "2", "x", "3"] * 10) == "category"

    def test_as_a_target_of_numbers(self) -> None:
        training = descend.fit({"x": Y, "y": [f"{value}" for value in Y]}, "y", epochs=1)
        assert training.metrics is not None
        assert training.metrics["task"] == "regression"

    @pytest.mark.parametrize("texts", [["0", "1"], ["1.50", "2.50"], ["10", "9", "8"]])
    def test_as_a_target_of_classes_they_stay_text(self, texts: list[str]) -> None:
        labels = (texts * ROWS)[:ROWS]
        model = descend.fit({"x": Y, "y": labels}, "y", task="classification", epochs=1).model
        assert model.classes.tolist() == sorted(texts)
        assert set(model.predict({"x": Y})) <= set(texts)
