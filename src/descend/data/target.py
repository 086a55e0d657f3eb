"""The target: whether it is a class or a number, and how a network sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.class_spellings import class_spellings, note_on_classes
from descend.data.dataset import Dataset
from descend.data.decimals import rounded
from descend.data.described import checked_fields
from descend.data.kinds import infer_column
from descend.data.moments import mean_and_deviation
from descend.data.spellings import composed
from descend.data.table import Table, listing
from descend.data.yes_no import meanings
from descend.errors import DataError, ModelFileError

Task = Literal["regression", "classification"]

MOST_CLASSES = 20
_ALL_DIFFERENT = 0.9
_MOST_DIFFERENT = 0.5  # where there are more classes than MOST_CLASSES
_MOST_DECIMALS = 100  # different numbers with decimals that can be classes, such as prices of a short list
_FEWEST_DIFFERENT = 10
TASK_RULE = f"""\
Text and yes/no values are classes. Whole numbers, written plainly, are classes where they take at
most {MOST_CLASSES} different values and at most one for every ten rows, or two values only. All other numbers
are predicted as numbers."""


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
    by_file = dataset.table is not None and dataset.target in dataset.table.pointed  # as all its numbers are
    if dataset.target_format is not None and dataset.target_format.dressed and not by_file:
        return "regression", "the target's numbers have a unit or marks, as measurements have"
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

    Yes and no are two classes in whatever way they are written, and a word is one in any Unicode form; such
    a class has the commonest of its spellings.

    classes : (classes,) bool, int64, float64, or object for text and for integers beyond 64 bits.
    notes : spellings, and classes with fewer than three rows, noticed while fitting.
    """

    classes: NDArray[Any]
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(cls, dataset: Dataset) -> ClassTarget:
        """The classes of a dataset.

        Raises DataError for dates, for fewer than two classes, and where nearly every row is its own.
        """
        labels = _as_given(dataset)
        _refuse_dates(dataset, labels)
        spellings = class_spellings(labels) if labels.dtype == pl.String else {}
        values = sorted(spellings or labels.unique().to_list())
        if len(values) < 2:
            words = dataset.missing_words()
            others = f"; others are missing{words}" if words else ""
            raise DataError(
                f"{dataset.name}: the target {dataset.target!r} is {values[0]!r} in every row{others}; "
                "at least two classes are needed; add rows of other values, or name another target"
            )
        _refuse_uniques(dataset, labels)
        classes = cls(_class_array(values))
        notes = note_on_classes(spellings)
        if dataset.test_rows is None and dataset.validation_rows is None:  # own parts are divided otherwise
            notes += _rare_classes(values, classes._codes(labels))
        return replace(classes, notes=notes)

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

        Yes and no are compared by what they mean, text in one Unicode form, all else as numbers; numbers
        and yes/no values are written out where the classes are text, and text is read where they are not.
        """
        numbers = range(len(self.classes))
        labels = labels.alias("label")
        written = [_text(value) for value in self.classes.tolist()]
        meant = meanings(pl.Series(written, dtype=pl.String))
        if len(meant) == 2 and set(meant) == {0.0, 1.0}:
            values, keys = meanings(labels), meant
        elif self.classes.dtype == np.float64 or labels.dtype == pl.Float64:
            values = _as_float(labels)
            keys = pl.Series(np.array([_float(value) for value in self.classes.tolist()]))
        else:
            values = composed(labels.cast(pl.String))
            keys = composed(pl.Series(written, dtype=pl.String))
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
        """Numbers in the target's own units, of z's shape: y = z · deviation + mean, in float64.

        Of z in float32 they have the decimals that float32 can tell apart at z, or at 1 beside a mean.
        """
        y = z.astype(np.float64) * self.deviation + self.mean
        if z.dtype != np.float32:
            return y
        size = np.maximum(np.abs(z), np.float32(1.0 if self.mean else 0.0))
        return rounded(y, np.spacing(size).astype(np.float64) * self.deviation)

    def to_json(self) -> dict[str, float]:
        """Plain JSON values."""
        return {"mean": self.mean, "deviation": self.deviation}

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> NumberTarget:
        """The target again, exactly. Raises ModelFileError for a damaged description."""
        try:
            fields = checked_fields(cls, described)
            mean, deviation = float(fields["mean"]), float(fields["deviation"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(f"the target in the model file cannot be read: {error!r}") from None
        if not deviation > 0:
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


def _as_given(dataset: Dataset) -> pl.Series:
    """The labels in the user's own type: text of a frame stays text where it reads as numbers, too."""
    labels = dataset.known_labels()
    if dataset.table is None or not dataset.table.typed:
        return labels
    given = dataset.table.column(str(dataset.target))
    return given if given.dtype == pl.String else labels


def _refuse_dates(dataset: Dataset, labels: pl.Series) -> None:
    dates = isinstance(labels.dtype, pl.Datetime | pl.Date)
    if labels.dtype == pl.String:
        table = Table(labels.to_frame(), dataset.name) if dataset.table is None else dataset.table
        name = labels.name if dataset.table is None else str(dataset.target)
        dates = infer_column(table, name).kind == "date"
    if dates:
        raise DataError(
            f"{dataset.name}: the target {dataset.target!r} holds dates and cannot be predicted; "
            "give a column of classes or numbers"
        )


def _refuse_uniques(dataset: Dataset, labels: pl.Series) -> None:
    """Raises DataError where classes hardly repeat, and where they are many measured numbers."""
    distinct, rows = labels.n_unique(), len(labels)
    if not (_hardly_repeat(distinct, rows) or (_are_decimals(labels) and _are_many(distinct, rows))):
        return
    text = labels.dtype == pl.String
    found = "texts" if text else "numbers with decimals" if _are_decimals(labels) else "numbers"
    remedy = "or of numbers" if text else "or predict it as a number (task regression)"
    raise DataError(
        f"{dataset.name}: the target {dataset.target!r} holds {distinct:,} different {found} in {rows:,} "
        f"rows and cannot be predicted as a class; give a column of classes that repeat, {remedy}"
    )


def _hardly_repeat(distinct: int, rows: int) -> bool:
    if rows < _FEWEST_DIFFERENT:
        return False
    return distinct >= _ALL_DIFFERENT * rows or (
        distinct > MOST_CLASSES and distinct > _MOST_DIFFERENT * rows
    )


def _are_many(distinct: int, rows: int) -> bool:
    return distinct > _MOST_DECIMALS or (distinct > MOST_CLASSES and 10 * distinct > rows)


def _are_decimals(labels: pl.Series) -> bool:
    return labels.dtype == pl.Float64 and not _whole(labels)


def _rare_classes(classes: Sequence[object], codes: pl.Series) -> tuple[str, ...]:
    """What a split into three parts does to classes of one or two rows."""
    counts = np.bincount(codes.to_numpy(), minlength=len(classes))
    notes = []
    for rows, fate in (
        (1, "only in the training rows"),
        (2, "in at most two of training, validation and test"),
    ):
        rare = [repr(value) for value, count in zip(classes, counts, strict=True) if count == rows]
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


def _float(value: object) -> float:
    try:
        return float(value) + 0.0  # type: ignore[arg-type]
    except ValueError:
        return float("nan")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
