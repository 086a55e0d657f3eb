"""Train, validation and test: every row once, by seed, alike in classes."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from hypothesis import given

from descend import streams
from descend.data import sources
from descend.data.dataset import Dataset
from descend.data.split import FEWEST_ROWS, PARTS, Split, gather, split
from descend.errors import DataError, OptionError


def together(parts: Split) -> list[int]:
    return sorted(np.concatenate((parts.train, parts.validation, parts.test)).tolist())


@given(st.integers(10, 500), st.integers(0, 2**64 - 1))
def test_the_parts_are_a_partition_of_the_rows(rows: int, seed: int) -> None:
    parts = split(rows, seed)
    assert together(parts) == list(range(rows))
    for part, fraction in ((parts.train, 0.70), (parts.validation, 0.15), (parts.test, 0.15)):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()
        assert abs(len(part) - fraction * rows) <= 1.01


@given(st.lists(st.integers(0, 6), min_size=40, max_size=400), st.integers(0, 1000))
def test_every_class_has_its_share_in_every_part(labels: list[int], seed: int) -> None:
    y = np.array(labels)
    parts = split(len(y), seed, labels=y)
    assert together(parts) == list(range(len(y)))
    for label in np.unique(y):
        rows = int((y == label).sum())
        assert (y[parts.train] == label).any()
        for part in (parts.validation, parts.test):
            assert abs((y[part] == label).sum() - 0.15 * rows) <= 1.01


def test_the_parts_follow_the_seeds_own_stream() -> None:
    order = streams.permutation(7, streams.SPLIT, 0, 20)
    parts = split(20, 7)
    assert parts.test.tolist() == sorted(order[:3].tolist())
    assert parts.validation.tolist() == sorted(order[3:6].tolist())
    assert split(20, 8).test.tolist() != parts.test.tolist()


def test_a_class_of_one_row_trains() -> None:
    labels = np.array([0] * 30 + [1])
    assert all(30 in split(31, seed, labels=labels).train for seed in range(20))


def test_many_small_classes_still_reach_validation_and_test() -> None:
    labels = np.repeat(np.arange(30), 3)
    parts = split(90, 0, labels=labels)
    assert len(np.unique(labels[parts.train])) == 30
    assert len(parts.test) == pytest.approx(13.5, abs=1)
    assert len(parts.validation) == pytest.approx(13.5, abs=1)


def test_rows_that_are_the_test_already_stay_so() -> None:
    own = np.arange(80, 100)
    labels = np.arange(100) % 2
    for given_labels in (None, labels):
        parts = split(100, 3, labels=given_labels, test_rows=own)
        assert parts.test.tolist() == own.tolist()
        assert len(parts.validation) == pytest.approx(80 * 0.15 / 0.85, abs=1)
        assert together(parts) == list(range(100))


def test_parts_may_be_empty_where_asked() -> None:
    parts = split(50, 0, fractions=(1.0, 0.0, 0.0))
    assert parts.train.tolist() == list(range(50))
    assert len(parts.validation) == len(parts.test) == 0


@pytest.mark.parametrize("rows", [0, 1, FEWEST_ROWS - 1])
def test_too_few_rows(rows: int) -> None:
    with pytest.raises(DataError, match=f"{rows} rows? (is|are) too few to divide .* at least 10 are needed"):
        split(rows, 0)


def test_classes_that_leave_nothing_to_judge_by() -> None:
    with pytest.raises(DataError, match="12 rows leave none for validation: more rows for each class"):
        split(12, 0, labels=np.arange(12))


@pytest.mark.parametrize(
    "fractions", [(0.5, 0.2, 0.2), (0.0, 0.5, 0.5), (1.2, -0.1, -0.1), (float("nan"), 0.5, 0.5), (1.0, 0.0)]
)
def test_fractions_that_are_no_shares(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(OptionError, match="three shares that sum to 1"):
        split(100, 0, fractions=fractions)


def _pictures(rows: int) -> Dataset:
    images = np.repeat(np.arange(rows, dtype=np.uint8)[:, None], 12, axis=1).copy()
    labels = pl.Series("label", np.arange(rows) % 2)
    names = tuple(f"{row}.png" for row in range(rows))
    return Dataset("pictures", None, "label", labels, None, images, (3, 4, 1), row_names=names)


@given(st.integers(10, 250), st.integers(0, 2**64 - 1), st.booleans())
def test_gathered_images_keep_their_parts_labels_and_fingerprint(
    rows: int, seed: int, own_test: bool
) -> None:
    test_rows = np.arange(rows - rows // 4, rows) if own_test and rows >= 20 else None
    before, dataset = (replace(_pictures(rows), test_rows=test_rows) for _ in range(2))
    parts = split(rows, seed, before.labels.to_numpy(), test_rows=test_rows)  # type: ignore[union-attr]
    gathered, places = gather(dataset, parts)
    assert gathered.fingerprint == before.fingerprint
    for part in PARTS:
        was, now = before.take(getattr(parts, part)), gathered.take(getattr(places, part))
        np.testing.assert_array_equal(now.images, was.images)
        assert now.labels.equals(was.labels)  # type: ignore[union-attr, arg-type]
        assert now.row_names == was.row_names
        assert np.shares_memory(now.images, gathered.images)  # type: ignore[arg-type]
    assert (gathered.test_rows is None) == (test_rows is None)


def test_the_callers_images_are_not_moved() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 4), np.uint8)
    kept = images.copy()
    dataset = sources.read((images, np.arange(40) % 2))
    gathered, _ = gather(dataset, split(40, 0))
    assert gathered is dataset
    np.testing.assert_array_equal(images, kept)
