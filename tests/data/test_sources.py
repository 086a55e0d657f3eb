"""Files, folders, built-ins and arrays become datasets."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from descend.data import sources
from descend.data.sources.built_in import NAMES
from descend.data.target import infer_task
from descend.errors import DataError

SHAPES = {
    "houses": (546, 12, "price", "regression"),
    "digits": (1797, 65, "target", "classification"),
    "diabetes": (442, 11, "target", "regression"),
    "breast_cancer": (569, 31, "target", "classification"),
    "iris": (150, 5, "target", "classification"),
    "wine": (178, 14, "target", "classification"),
    "synthetic": (1000, 3, "target", "regression"),
}


@pytest.mark.parametrize("name", NAMES)
def test_built_in_tables_know_their_target(name: str) -> None:
    dataset = sources.read(name)
    rows, columns, target, task = SHAPES[name]
    assert (dataset.rows, len(dataset.columns), dataset.target) == (rows, columns, target)
    assert infer_task(dataset)[0] == task


def test_a_file_named_as_a_built_in_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").mkdir()
    with pytest.raises(DataError, match="no folder of images"):
        sources.read("iris")


def test_synthetic_is_the_line_it_says() -> None:
    table = sources.read("synthetic").table
    assert table is not None
    x = table.frame.select("x1", "x2").to_numpy()
    residual = table.frame["target"].to_numpy() - (x @ [2.0, -3.4] + 4.2)
    assert abs(residual.std() - 0.01) < 0.001
    np.testing.assert_allclose(x.std(axis=0), 1.0, atol=0.1)


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather"])
def test_typed_files(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"a": [1, None, 3], "b": ["x", "y", None], "y": [0.5, 1.5, 2.5]})
    path = tmp_path / f"t.{suffix}"
    frame.write_parquet(path) if suffix == "parquet" else frame.write_ipc(path)
    dataset = sources.read(path, target="y")
    assert dataset.numbers().tolist() == [0.5, 1.5, 2.5]
    assert dataset.fingerprint == sources.read(frame).fingerprint


def test_ways_to_hand_over_the_same_table() -> None:
    columns = {"x1": [1.0, 2.0, 4.0], "x2": [0.5, 0.25, 0.0], "y": ["a", "b", "a"]}
    x = np.array([columns["x1"], columns["x2"]]).T
    given = [
        sources.read(columns, target="y"),
        sources.read(pl.DataFrame(columns), target="y"),
        sources.read(pl.LazyFrame(columns), target="y"),
        sources.read(pl.DataFrame(columns).to_dicts(), target="y"),
        sources.read({name: np.array(values) for name, values in columns.items()}, target="y"),
        sources.read((x, np.array(columns["y"])), target="y"),
        sources.read((pl.DataFrame({"x1": x[:, 0], "x2": x[:, 1]}), columns["y"]), target="y"),
    ]  # fmt: skip
    assert len({dataset.fingerprint for dataset in given}) == 1
    assert sources.read((x, columns["y"])).target == "target"


def test_pandas_frames() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(
        {
            "n": [1, 2, 3],
            "f": [0.5, None, 1.5],
            "t": ["a", None, "b"],
            "b": [True, False, True],
            "d": pandas.to_datetime(["2020-01-01", "2020-01-02", None]),
            "c": pandas.Categorical(["u", "v", "u"]),
        }
    )
    dataset = sources.read(frame)
    kinds = [column.kind for column in dataset.columns]
    assert kinds == ["number", "number", "category", "yes/no", "date", "category"]
    assert dataset.table is not None
    assert dataset.table.frame["t"].to_list() == ["a", None, "b"]


def test_missing_values_of_lists_and_object_arrays() -> None:
    dataset = sources.read(
        {
            "t": np.array(["a", None, float("nan")], object),
            "n": [1, None, 2.5],
            "i": np.array([2**70, 1, 2], object),
        }
    )
    assert dataset.table is not None
    assert dataset.table.frame["t"].to_list() == ["a", None, None]
    assert dataset.table.frame["n"].to_list() == [1.0, None, 2.5]
    assert dataset.table.frame["i"].to_list() == [2**70, 1, 2]


class TestFingerprint:
    def test_a_copy_elsewhere_is_known_again(self, tmp_path: Path, real_data: Path) -> None:
        copy = tmp_path / "另一个 folder" / "verkauf.csv"
        copy.parent.mkdir()
        shutil.copyfile(real_data / "houses.csv", copy)
        original = sources.read(real_data / "houses.csv", target="price")
        assert sources.read(copy, target="price", ignore=["stories"]).fingerprint == original.fingerprint
        assert sources.read("houses").fingerprint == original.fingerprint

    @pytest.mark.parametrize(
        "other",
        [
            {"a": ["x", "yz"], "b": [1, 2]},
            {"a": ["xy", "z"], "b": [1, 3]},
            {"a": ["xy", None], "b": [1, 2]},
            {"c": ["xy", "z"], "b": [1, 2]},
            {"a": ["xy", "z"], "b": [1.0, 2.0]},
            {"b": [1, 2], "a": ["xy", "z"]},
        ],
    )
    def test_any_change_is_seen(self, other: dict[str, list[object]]) -> None:
        assert sources.read({"a": ["xy", "z"], "b": [1, 2]}).fingerprint != sources.read(other).fingerprint

    def test_images(self) -> None:
        images = np.arange(48, dtype=np.uint8).reshape(4, 3, 4)
        one = sources.read((images, np.arange(4))).fingerprint
        assert one == sources.read((images.copy(), np.arange(4))).fingerprint
        assert one != sources.read((images, np.arange(4)[::-1])).fingerprint
        assert one != sources.read((images.reshape(4, 4, 3), np.arange(4))).fingerprint
        images[3, 2, 3] += 1
        assert one != sources.read((images, np.arange(4))).fingerprint


def test_rows_without_a_target_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n1,2.5\n2,NA\n3,1.5\n4,\n5,abc\n".replace("abc", "3.5"))
    dataset = sources.read(path, target="y").with_known_target()
    assert dataset.numbers().tolist() == [2.5, 1.5, 3.5]
    assert dataset.notes == ("2 rows whose target is missing were left out (written as 'NA' once)",)
    assert dataset.table is not None
    assert dataset.table.place(1, "a") == "t.csv, line 4, column 'a'"


def test_mnist(real_data: Path) -> None:
    dataset = sources.read(real_data / "mnist")
    assert dataset.images is not None
    assert dataset.labels is not None
    assert dataset.test_rows is not None
    assert dataset.images.shape == (70_000, 784)
    assert dataset.test_rows.tolist() == list(range(60_000, 70_000))
    assert dataset.labels[0] == 5
    assert dataset.labels[60_000] == 7
    assert np.bincount(dataset.labels.to_numpy()).min() > 6_000
    assert infer_task(dataset)[0] == "classification"


def test_departures_are_dates_and_numbers(real_data: Path) -> None:
    dataset = sources.read(real_data / "departures_per_day.csv", target="departures")
    assert [column.kind for column in dataset.columns] == ["date", "number"]
    assert dataset.columns[0].note.startswith("2013-01-01 to 2013-12-31")
