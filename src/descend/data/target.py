"""The target: whether it is a class or a number, and how a network sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.dataset import Dataset
from descend.data.kinds import infer_column
from descend.data.moments import mean_and_deviation
from descend.data.table import Table, listing
from descend.errors import DataError, ModelFileError

Task = Literal["regression", "classification"]

MOST_CLASSES = 20
_ALL_DIFFERENT = 0.9
_FEWEST_DIFFERENT = 10
TASK_RULE = f"""\
Text and yes/no values are classes. Whole numbers are classes where they take at most {MOST_CLASSES} different
values and at most one for every ten rows, or two values only. All other numbers are predicted as numbers."""


def infer_task(dataset: Dataset, number_loss: str = "") -> tuple[Task, str]:
    """Whether the target is predicted as a class or as a number, and why; the rule is ``TASK_RULE``.

    number_loss : name of a chosen loss that compares numbers: numbers are then predicted as such.

    Raises DataError for a target of dates, and where there is no target.
    """
    labels = dataset.known_labels()
    if labels.dtype == pl.String:
        return "classification", "the target is text"
    if labels.dtype == pl.Boolean:
        return "classification", "the target is yes or no"
    if dataset.table is not None and dataset.target in dataset.table.categories:
        return "classification", "the target is a category"
    if not labels.dtype.is_numeric():
        raise DataError(
            f"{dataset.name}: the target {dataset.target!r} holds dates; give a number or a class"
        )
    if number_loss:
        return "regression", f"loss {number_loss} compares numbers"
    if not _whole(labels):
        return "regression", "the target has numbers with decimals"
    distinct, rows = labels.n_unique(), len(labels)
    found = f"{distinct:,} different whole numbers in {rows:,} rows"
    if distinct <= 2 or (distinct <= MOST_CLASSES and 10 * distinct <= rows):
        return "classification", f"the target has {found}"
    return "regression", f"the target has {found}, too many for classes"


@dataclass(frozen=True, eq=False)
class ClassTarget:
    """Classes in ascending order, in the user's own type.

    classes : (classes,) bool, int64, float64, or object for text and for integers beyond 64 bits.
    notes : classes with fewer than three rows, noticed while fitting.
    """

    classes: NDArray[Any]
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(cls, dataset: Dataset) -> ClassTarget:
        """The classes of a dataset.

        Raises DataError for dates, for fewer than two classes, and where nearly every row is its own.
        """
        labels = dataset.known_labels()
        _refuse_dates(dataset, labels)
        values = sorted(labels.unique().to_list())
        if len(values) < 2:
            raise DataError(
                f"{dataset.name}: the target {dataset.target!r} is {values[0]!r} in every row; "
                "at least two classes are needed; add rows of other values, or name another target"
            )
        _refuse_uniques(dataset, labels)
        # A source's own test rows are divided otherwise than the notes say.
        return cls(_class_array(values), () if dataset.test_rows is not None else _rare_classes(labels))

    def encode(self, dataset: Dataset) -> NDArray[np.int64]:
        """Class number of every row, (rows,). Raises DataError for a label that is not a class."""
        labels = dataset.known_labels()
        codes = self._codes(labels)
        if codes.null_count():
            row = int(codes.is_null().arg_max() or 0)
            raise DataError(f"{dataset.place(row)}: {self._unknown(labels[row])}")
        return codes.to_numpy()

    def _codes(self, labels: pl.Series) -> pl.Series:
        """Class numbers, null for a label that is none.

        Text is compared as written, all else as numbers; numbers and yes/no values are written out
        where the classes are text, and text is read where they are not.
        """
        numbers = range(len(self.classes))
        if self.classes.dtype == np.float64 or labels.dtype == pl.Float64:
            values = _as_float(labels)
            keys = pl.Series(np.array([_float(value) for value in self.classes.tolist()]))
        else:
            values = _as_text(labels)
            keys = pl.Series([_text(value) for value in self.classes.tolist()], dtype=pl.String)
        return values.replace_strict(
            keys, pl.Series(list(numbers), dtype=pl.Int64), default=None, return_dtype=pl.Int64
        )

    def _unknown(self, label: object) -> str:
        classes = listing([repr(value) for value in self.classes.tolist()])
        return f"{label!r} is not a class the model knows; classes: {classes}"


@dataclass(frozen=True, slots=True)
class NumberTarget:
    """A number, standardised: z = (y − mean) / deviation, of the training rows. Losses are in units of z.

    Counts keep their zero: their mean here is 0 and their deviation the training rows' mean.
    """

    notes: ClassVar[tuple[str, ...]] = ()
    mean: float
    deviation: float

    @classmethod
    def fit(cls, dataset: Dataset) -> NumberTarget:
        """Mean and deviation of a dataset's target. Raises DataError where it is constant or no number."""
        return cls(*mean_and_deviation(_varying(dataset)))

    @classmethod
    def fit_counts(cls, dataset: Dataset) -> NumberTarget:
        """Counts in units of their mean. Raises DataError where the target is constant or no number."""
        return cls(0.0, float(_varying(dataset).mean()))

    def encode(self, dataset: Dataset) -> NDArray[np.float64]:
        """Standardised target, (rows,)."""
        return (dataset.numbers() - self.mean) / self.deviation

    def decode(self, z: NDArray[Any]) -> NDArray[np.float64]:
        """Numbers in the target's own units, of z's shape: y = z · deviation + mean."""
        return z.astype(np.float64) * self.deviation + self.mean

    def to_json(self) -> dict[str, float]:
        """Plain JSON values."""
        return {"mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> NumberTarget:
        """The target again, exactly. Raises ModelFileError for a damaged description."""
        try:
            mean, deviation = float(described["mean"]), float(described["deviation"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the target in the model file cannot be read: {error!r}") from None
        if not (np.isfinite(mean) and 0 < deviation < np.inf):
            raise ModelFileError(f"the target in the model file has mean {mean} and deviation {deviation}")
        return cls(mean, deviation)


def check_counts(dataset: Dataset) -> None:
    """Raises DataError for the first target below 0."""
    values = dataset.numbers()
    below = np.flatnonzero(values < 0)
    if len(below):
        row = int(below[0])
        raise DataError(
            f"{dataset.place(row)}: the target is {values[row]:g}; a Poisson loss takes counts of at least 0"
        )


def _varying(dataset: Dataset) -> NDArray[np.float64]:
    values = dataset.numbers()
    if values.min() == values.max():
        raise DataError(
            f"{dataset.name}: the target {dataset.target!r} is {values[0]:g} in every training row; "
            "there is nothing to predict; add rows of other values, or name another target"
        )
    return values


def _refuse_dates(dataset: Dataset, labels: pl.Series) -> None:
    dates = isinstance(labels.dtype, pl.Datetime | pl.Date)
    if labels.dtype == pl.String:
        dates = infer_column(Table(labels.to_frame(), dataset.name), labels.name).kind == "date"
    if dates:
        raise DataError(
            f"{dataset.name}: the target {dataset.target!r} holds dates and cannot be predicted; "
            "give a column of classes or numbers"
        )


def _refuse_uniques(dataset: Dataset, labels: pl.Series) -> None:
    distinct, rows = labels.n_unique(), len(labels)
    if rows < _FEWEST_DIFFERENT or distinct < _ALL_DIFFERENT * rows:
        return
    text = labels.dtype == pl.String
    remedy = (
        "classes that repeat, or of numbers" if text else "classes that repeat, or predict it as a number"
    )
    raise DataError(
        f"{dataset.name}: the target {dataset.target!r} holds {distinct:,} different "
        f"{'texts' if text else 'numbers'} in {rows:,} rows and cannot be predicted as a class; "
        f"give a column of {remedy}"
    )


def _rare_classes(labels: pl.Series) -> tuple[str, ...]:
    """What a split into three parts does to classes of one or two rows."""
    counts = labels.alias("class").value_counts(name="rows").sort("class")
    notes = []
    for rows, fate in (
        (1, "only in the training rows"),
        (2, "in at most two of training, validation and test"),
    ):
        rare = [repr(value) for value in counts.filter(pl.col("rows") == rows)["class"].to_list()]
        size = "1 row" if rows == 1 else f"{rows} rows"
        if len(rare) == 1:
            notes.append(f"class {rare[0]} has {size}: it is {fate}")
        elif rare:
            notes.append(f"classes {listing(rare, 5)} have {size} each: each is {fate}")
    return tuple(notes)


def _whole(labels: pl.Series) -> bool:
    return labels.dtype.is_integer() or bool((labels == labels.round()).all())


def _class_array(values: list[Any]) -> NDArray[Any]:
    if all(isinstance(value, bool) for value in values):
        return np.array(values, np.bool_)
    if any(isinstance(value, float) for value in values):
        return np.array(values, np.float64)
    if all(isinstance(value, int) and -(2**63) <= value < 2**63 for value in values):
        return np.array(values, np.int64)
    return np.array(values, object)


def _as_float(labels: pl.Series) -> pl.Series:
    return labels.cast(pl.Float64, strict=False) + 0.0  # −0 and 0 are one class


def _as_text(labels: pl.Series) -> pl.Series:
    return labels if labels.dtype == pl.String else labels.cast(pl.String)


def _float(value: object) -> float:
    try:
        return float(value) + 0.0  # type: ignore[arg-type]
    except ValueError:
        return float("nan")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
