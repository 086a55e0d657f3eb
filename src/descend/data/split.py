"""Which rows train, which choose when to stop, and which judge."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from descend import streams
from descend.data.dataset import Dataset
from descend.errors import DataError, OptionError

Rows = NDArray[np.int64]

PARTS = ("train", "validation", "test")
FEWEST_ROWS = 10
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the three parts, each ascending; together every row once."""

    train: Rows
    validation: Rows
    test: Rows


def split(
    rows: int,
    seed: int,
    labels: Rows | None = None,
    fractions: tuple[float, float, float] = (0.70, 0.15, 0.15),
    test_rows: Rows | None = None,
    validation_rows: Rows | None = None,
) -> Split:
    """Divides rows 0 … rows−1 by the seed's SPLIT stream.

    Parameters
    ----------
    rows : number of rows, at least 10 (not counting ``test_rows`` and ``validation_rows``).
    seed : 0 … 2⁶⁴−1; the same seed, rows and labels give the same parts everywhere.
    labels : (rows,) class numbers, to keep each class's share alike in all parts: within one row of
        its fraction. A class's first row always goes to train. None where there are no classes.
    fractions : of train, validation and test, sum 1. The latter two may be 0.
    test_rows, validation_rows : rows that are the test, or validation, already; what is not given is then
        held out of the others, in the proportion of its fraction to that of train.

    Raises
    ------
    OptionError : fractions that are no shares of one whole.
    DataError : too few rows.
    """
    _check_fractions(fractions)
    open_rows = np.arange(rows, dtype=np.int64)
    fixed = (None, validation_rows, test_rows)
    if any(each is not None for each in fixed):
        open_rows = np.setdiff1d(open_rows, np.concatenate([each for each in fixed if each is not None]))
        shares = [share if given is None else 0.0 for share, given in zip(fractions, fixed, strict=True)]
        fractions = (shares[0] / sum(shares), shares[1] / sum(shares), shares[2] / sum(shares))
    if len(open_rows) < FEWEST_ROWS:
        found = "1 row is" if len(open_rows) == 1 else f"{len(open_rows)} rows are"
        raise DataError(
            f"{found} too few to divide into {', '.join(PARTS)}: at least {FEWEST_ROWS} are needed"
        )
    order = open_rows[streams.permutation(seed, streams.SPLIT, 0, len(open_rows))]
    groups = [order] if labels is None else _by_class(order, labels)
    parts = _share(groups, fractions)
    for name, part, fraction in zip(PARTS, parts, fractions, strict=True):
        if fraction > 0 and not len(part):
            raise DataError(
                f"{len(open_rows)} rows leave none for {name}: more rows for each class are needed"
            )
    return Split(
        *(drawn if given is None else np.sort(given) for drawn, given in zip(parts, fixed, strict=True))
    )


def check_enough(dataset: Dataset) -> None:
    """Raises DataError for a table of fewer than 10 rows, which cannot be divided into three parts."""
    own_parts = dataset.test_rows is not None or dataset.validation_rows is not None
    if not own_parts and dataset.rows < FEWEST_ROWS:
        found = "1 row" if dataset.rows == 1 else f"{dataset.rows} rows"
        raise DataError(
            f"{dataset.name} has {found} with a target: at least {FEWEST_ROWS} are needed, to train, "
            "validate and test; add rows"
        )


def gather(dataset: Dataset, parts: Split) -> tuple[Dataset, Split]:
    """The rows of each part side by side, in the same order, and where they now are.

    Then ``take`` copies no image of a part. They are moved in place: the dataset that was given is spent.
    Tables, and images in an array that is the caller's, stay as they are.
    """
    images = dataset.images
    if images is None or not images.flags.owndata:  # a view: the array belongs to someone else
        return dataset, parts
    order = np.concatenate((parts.train, parts.validation, parts.test))
    fingerprint = dataset.fingerprint  # of the rows as they came
    first = len(parts.train)
    moved = first + np.flatnonzero(order[first:] != np.arange(first, len(order)))
    held = images[order[moved]]
    for start in range(0, first, _ROWS_AT_ONCE):
        rows = parts.train[start : start + _ROWS_AT_ONCE]  # ascending: none moves over one yet to move
        images[start : start + len(rows)] = images[rows]
    images[moved] = held
    train, validation, test = np.split(np.arange(len(order)), (first, first + len(parts.validation)))
    gathered = replace(
        replace(dataset, images=None).take(order),
        images=images,
        validation_rows=None if dataset.validation_rows is None else validation,
        test_rows=None if dataset.test_rows is None else test,
    )
    vars(gathered)["fingerprint"] = fingerprint
    return gathered, Split(train, validation, test)


def _check_fractions(fractions: tuple[float, float, float]) -> None:
    shares = all(math.isfinite(each) and each >= 0 for each in fractions)
    if len(fractions) != 3 or not shares or fractions[0] == 0 or abs(sum(fractions) - 1) > 1e-9:
        raise OptionError(f"fractions must be three shares that sum to 1, train above 0, not {fractions}")


def _by_class(order: Rows, labels: Rows) -> list[Rows]:
    grouped = order[np.argsort(labels[order], kind="stable")]
    bounds = np.flatnonzero(np.diff(labels[grouped])) + 1
    return np.split(grouped, bounds)


def _share(groups: list[Rows], fractions: tuple[float, float, float]) -> tuple[Rows, Rows, Rows]:
    """Cuts every group into train, validation and test; what rounding owes passes to the next group."""
    parts: tuple[list[Rows], list[Rows], list[Rows]] = ([], [], [])
    owed = [0.0, 0.0]
    for group in groups:
        free = len(group) - 1  # one row of each group trains
        counts = [0, 0]
        for place in (1, 0) if free else ():  # test first, then validation
            wanted = fractions[place + 1] * len(group) + owed[place]
            counts[place] = max(0, min(math.floor(wanted + 0.5), free))
            owed[place] = min(max(wanted - counts[place], -0.5), 0.5)
            free -= counts[place]
        validation, test = counts
        parts[2].append(group[:test])
        parts[1].append(group[test : test + validation])
        parts[0].append(group[test + validation :])
    train, held, judged = (np.sort(np.concatenate(part)) for part in parts)
    return train, held, judged
