"""Classes or numbers, and how a network sees them."""

from __future__ import annotations

import json
import math
import statistics
import unicodedata
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given

from descend.data import sources
from descend.data.dataset import Dataset
from descend.data.moments import mean_and_deviation, median
from descend.data.target import TASK_RULE, ClassTarget, NumberTarget, infer_task
from descend.data.yes_no import are_yes_and_no
from descend.errors import DataError, ModelFileError
from descend.models.classes import classes_from_json, classes_to_json


def labelled(values: object) -> Dataset:
    rows = len(values)  # type: ignore[arg-type]
    return sources.read({"x": list(range(rows)), "y": values}, target="y")


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["a", "b"] * 5, "classification"),
        ([True, False] * 5, "classification"),
        ([0, 1] * 3, "classification"),
        ([0.0, 1.0] * 3, "classification"),
        (list(range(10)) * 10, "classification"),
        (list(range(20)) * 10, "classification"),
        (list(range(21)) * 100, "regression"),
        (list(range(10)) * 9, "regression"),
        ([0.5, 1.5] * 50, "regression"),
        (list(range(100)), "regression"),
    ],
)
def test_the_task_follows_the_rule(values: list[object], task: str) -> None:
    found, reason = infer_task(labelled(values))
    assert found == task
    assert reason.startswith("the target ")


def test_the_rule_says_its_numbers() -> None:
    assert "20 different" in TASK_RULE
    assert "one for every ten rows" in TASK_RULE


def test_dates_are_no_target() -> None:
    dataset = labelled(pl.Series(["2020-01-01", "2020-01-02"]).str.to_date())
    for attempt in (infer_task, ClassTarget.fit, NumberTarget.fit):
        with pytest.raises(DataError, match="dates"):
            attempt(dataset)


_labels = (
    st.one_of(
        st.lists(st.text(min_size=1, max_size=4), min_size=2, max_size=20),
        st.lists(st.integers(-(2**100), 2**100), min_size=2, max_size=20),
        st.lists(st.booleans(), min_size=2, max_size=20),
        st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20),
    )
    .filter(lambda values: len(set(values)) > 1)
    .map(lambda values: values * 2)
)


@given(_labels)
def test_classes_come_back_exactly_in_their_own_type(values: list[object]) -> None:
    assume(len({unicodedata.normalize("NFC", f"{value}") for value in values}) == len(set(values)))
    assume(not are_yes_and_no(map(str, values)))
    dataset = labelled(values)
    target = ClassTarget.fit(dataset)
    numbers = target.encode(dataset)
    assert numbers.dtype == np.int64
    assert sorted(set(numbers.tolist())) == list(range(len(target.classes)))
    back = target.classes[numbers].tolist()
    assert back == values
    assert {type(value) for value in back} == {type(value) for value in values}
    again = classes_from_json(json.loads(json.dumps(classes_to_json(target.classes))), len(target.classes))
    assert again.dtype == target.classes.dtype
    assert again.tolist() == target.classes.tolist()
    assert target.classes.tolist() == sorted(set(values))  # type: ignore[type-var]


def test_rare_classes_are_said() -> None:
    target = ClassTarget.fit(labelled(["a"] * 9 + ["b"] + ["c"] * 2))
    assert target.notes == (
        "class 'b' has 1 row: it is only in the training rows",
        "class 'c' has 2 rows: it is in at most two of training, validation and test",
    )
    many = ClassTarget.fit(labelled([0] * 99 + list(range(1, 8)) + [9, 10] * 2))
    assert many.notes == (
        "classes 1, 2, 3, 4, 5 and 2 more have 1 row each: each is only in the training rows",
        "classes 9, 10 have 2 rows each: each is in at most two of training, validation and test",
    )
    assert ClassTarget.fit(labelled(["a", "b"] * 3)).notes == ()


def test_an_unseen_label_is_named_with_its_place() -> None:
    target = ClassTarget.fit(labelled(["a", "b"]))
    with pytest.raises(
        DataError, match=r"the given table, row 3, column 'y': 'c' is not a class .* 'a', 'b'"
    ):
        target.encode(labelled(["a", "b", "c"]))


def test_labels_of_another_type_are_compared_by_value() -> None:
    numbers = ClassTarget(np.array([1, 2]))
    assert numbers.encode(labelled([2.0, 1.0])).tolist() == [1, 0]
    assert numbers.encode(labelled(["2", "1"])).tolist() == [1, 0]
    assert ClassTarget(np.array(["1", "2"], object)).encode(labelled([2, 1])).tolist() == [1, 0]
    assert ClassTarget(np.array([0.5, 2.0])).encode(labelled([2, 2])).tolist() == [1, 1]
    with pytest.raises(DataError, match=r"'1\.0' is not a class"):
        ClassTarget(np.array([1, 2])).encode(labelled(["1.0", "x"]))


def test_a_missing_label_is_refused() -> None:
    dataset = labelled(["a", None, "b"])
    with pytest.raises(DataError, match="the given table, row 2, column 'y': the target is missing"):
        ClassTarget.fit(dataset)


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=50).filter(lambda v: min(v) < max(v)))
def test_numbers_are_standardised_and_come_back(values: list[float]) -> None:
    dataset = labelled(values)
    target = NumberTarget.fit(dataset)
    z = target.encode(dataset)
    assert z.dtype == np.float64
    scale = max(abs(value) for value in values)
    np.testing.assert_allclose(target.decode(z) / scale, np.array(values) / scale, rtol=0, atol=1e-14)
    assert NumberTarget.from_json(json.loads(json.dumps(target.to_json()))) == target


@pytest.mark.parametrize(
    "described",
    [{}, {"mean": 0, "deviation": 0}, {"mean": "x", "deviation": 1}, {"mean": math.nan, "deviation": 1}],
)
def test_damaged_descriptions(described: dict[str, object]) -> None:
    with pytest.raises(ModelFileError):
        NumberTarget.from_json(described)


@given(st.lists(st.floats(-1e300, 1e300, allow_subnormal=False), min_size=1, max_size=200))
def test_moments_agree_with_exact_sums(values: list[float]) -> None:
    array = np.array(values)
    mean, deviation = mean_and_deviation(array)
    scale = float(np.abs(array).max()) or 1.0
    exact = math.fsum(value / scale for value in values) / len(values)
    assert abs(mean / scale - exact) <= 1e-14
    spread = math.sqrt(math.fsum((value / scale - exact) ** 2 for value in values) / len(values))
    assert abs(deviation / scale - spread) <= 1e-14
    assert median(array) == float(statistics.median(map(Fraction, values)))


def test_moments_of_powers_of_two_are_exact() -> None:
    assert mean_and_deviation(np.array([1.0, 3.0, 1.0, 3.0])) == (2.0, 1.0)
    assert mean_and_deviation(np.array([5.0])) == (5.0, 0.0)
    assert median(np.array([3.0, 1.0, 2.0])) == 2.0
    assert median(np.array([4.0, 1.0])) == 2.5


class TestSpellings:
    """One class in several spellings: yes and no are read by their meaning, others are told."""

    @pytest.mark.parametrize(
        ("values", "classes", "note"),
        [
            (
                ["Yes", "No", "YES", "no", "Yes", "No", "yes"] * 3,
                ["No", "Yes"],
                "classes: 'no' is read as 'No'; 'YES' and 'yes' are read as 'Yes'",
            ),
            (["TRUE", "False", "true"] * 4, ["False", "TRUE"], "classes: 'true' is read as 'TRUE'"),
            (
                ["Cat", "dog", "cat"] * 4,
                ["Cat", "cat", "dog"],
                "classes 'Cat' and 'cat' differ only in case and are learned as different ones; "
                "write them alike if they are one",
            ),
            (
                ["a\u200b", "a", "b"] * 4,
                ["a", "a\u200b", "b"],
                "classes 'a' and 'a\\u200b' differ only in case, width, or characters that are not seen and "
                "are learned as different ones; write them alike if they are one",
            ),
            (
                ["caf\u00e9", "cafe\u0301", "cafe\u0301", "bar"] * 3,
                ["bar", "cafe\u0301"],
                "classes 'caf\u00e9': written in several Unicode forms, which are read as one",
            ),
        ],
    )
    def test_classes(self, values: list[str], classes: list[str], note: str) -> None:
        dataset = labelled(values)
        target = ClassTarget.fit(dataset)
        assert target.classes.tolist() == classes
        assert target.notes == (note,)
        named = target.classes[target.encode(dataset)].tolist()
        for value, name in zip(values, named, strict=True):
            assert value == name or value in note or name in note

    @pytest.mark.parametrize(
        "values", [["yes", "no"], ["Alpha", "Beta"], ["A", "B", "a1"], ["é", "e"], ["²", "3"]]
    )
    def test_ordinary_classes_have_no_note(self, values: list[str]) -> None:
        assert ClassTarget.fit(labelled(values * 3)).notes == ()

    @pytest.mark.parametrize(
        "classes",
        [np.array([False, True]), np.array([0, 1]), np.array([0.0, 1.0]), np.array(["no", "yes"], object)],
    )
    @pytest.mark.parametrize(
        "labels", [[True, False], [1, 0], [1.0, 0.0], ["YES", "no"], ["True", "false"], ["1", "0"]]
    )
    def test_yes_and_no_are_known_however_they_are_written(self, classes: Any, labels: list[object]) -> None:
        assert ClassTarget(classes).encode(labelled(labels)).tolist() == [1, 0]
        with pytest.raises(DataError, match="is not a class the model knows"):
            ClassTarget(classes).encode(labelled([2, 1]))

    def test_the_words_of_missing_targets_are_named(self, tmp_path: Path) -> None:
        path = tmp_path / "t.csv"
        path.write_text("x,y\n" + "1,None\n2,Apnea\n3,\n4,Insomnia\n5,None\n6,NA\n" * 3)
        dataset = sources.read(path, target="y").with_known_target()
        assert dataset.notes == (
            "12 rows whose target is missing were left out (written as 'None' 6 times, 'NA' 3 times; if that "
            "is a class, give it another word)",
        )
        path.write_text("x,y\n1,None\n2,Apnea\n3,Apnea\n")
        with pytest.raises(
            DataError, match=r"'Apnea' in every row; others are missing \(written as 'None' once; if"
        ):
            ClassTarget.fit(sources.read(path, target="y").with_known_target())


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        ([place + 0.5 for place in range(40)] * 5, "40 different numbers with decimals in 200 rows"),
        ([place + 0.5 for place in range(101)] * 20, "101 different numbers with decimals in 2,020 rows"),
        ([place + 0.5 for place in range(40)] * 10, ""),
        ([place / 2 for place in range(10)] * 2, ""),
        ([f"n{place // 2}" for place in range(60)], ""),
        ([f"n{min(place, 40)}" for place in range(60)], "41 different texts in 60 rows"),
        (list(range(300)) * 2, ""),
        (list(range(40)) + [0] * 20, "40 different numbers in 60 rows"),
    ],
)
def test_numbers_and_texts_that_are_no_classes(values: list[object], refused: str) -> None:
    dataset = labelled(values)
    if refused:
        with pytest.raises(
            DataError, match=f"holds {refused} and cannot be predicted as a class; give a column"
        ):
            ClassTarget.fit(dataset)
    else:
        ClassTarget.fit(dataset)


@pytest.mark.parametrize("cell", ["{},0", "{},5"])
def test_decimal_commas_change_nothing_about_the_task(tmp_path: Path, cell: str) -> None:
    path, tasks = tmp_path / "t.csv", []
    for text in (cell, cell.replace(",", ".")):
        path.write_text("x;y\n" + "".join(f"{n};{text.format(n % 3)}\n" for n in range(60)))
        tasks.append(infer_task(sources.read(path, target="y")))
    assert tasks[0] == tasks[1]
