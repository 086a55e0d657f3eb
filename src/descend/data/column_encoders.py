"""One column of each kind as numbers for a network, fitted on training rows.

Every encoder has ``feature_names``, one for each number it makes of a cell, and
``write(table, into, notices)``, which fills ``into`` (rows, features), zeros before, and gives ``notices``
what the user should know of it.
Only + − × ÷ √ take part, so the same rows give the same bits on every machine.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data import cells as reading
from descend.data.date_format import DateFormat
from descend.data.described import checked_fields
from descend.data.kinds import Column
from descend.data.moments import mean_and_deviation, median
from descend.data.notices import Notices
from descend.data.number_format import NumberFormat
from descend.data.spellings import composed
from descend.data.table import Table
from descend.data.yes_no import meanings

Array = NDArray[Any]

MOST_CATEGORIES = 50
_SECONDS = 86_400.0
_MONDAY_WEEKDAY = 4  # 1970-01-01, day 0, was a Thursday; Monday is 1


@dataclass(frozen=True, slots=True)
class NumberEncoder:
    """(x − mean) / deviation, with missing cells at the median.

    Where training had missing cells, one more feature is 1 for a missing cell. A column that is constant
    in training has deviation 0 and gives no other feature. ``number_format`` says how text may be written
    beside Python's own spelling.
    """

    kind: ClassVar[str] = "number"
    name: str
    mean: float
    deviation: float
    median: float
    had_missing: bool
    number_format: NumberFormat | None = None

    @classmethod
    def fit(cls, table: Table, column: Column) -> NumberEncoder:
        """Fitted on the table's rows."""
        written = column.number_format
        values = reading.numbers(table, column.name, written)
        return cls(column.name, *_fit_numbers(values), bool(np.isnan(values).any()), written)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column's name, and ``… is missing``."""
        return (self.name,) * (self.deviation > 0) + (f"{self.name} is missing",) * self.had_missing

    def write(self, table: Table, into: Array, notices: Notices) -> None:
        """Fills in the column's features. Raises DataError for a cell that is no finite number."""
        _write_numbers(self, reading.numbers(table, self.name, self.number_format), into, notices)


@dataclass(frozen=True, slots=True)
class YesNoEncoder:
    """1 for yes and 0 for no, however they are written; missing cells at training's share of yes.

    ``worded`` says that the column holds words or yes/no values, where unknown words and other numbers are
    as missing; in one of 0 and 1 any number stands for itself, and an unknown word is an error. Where
    training had missing cells, one more feature is 1 for a missing cell.
    """

    kind: ClassVar[str] = "yes/no"
    name: str
    worded: bool
    share: float
    had_missing: bool
    number_format: NumberFormat | None = None

    @classmethod
    def fit(cls, table: Table, column: Column) -> YesNoEncoder:
        """Fitted on the table's rows."""
        cells = table.column(column.name)
        written = column.number_format
        words = table.number_columns.get(column.name) is None and written is None
        worded = cells.dtype in (pl.Boolean, pl.String) and words
        unfitted = cls(column.name, worded, 0.0, False, written)
        values, _ = unfitted._values(table)
        known = values[~np.isnan(values)]
        share = mean_and_deviation(known)[0] if len(known) else 0.0
        return cls(column.name, worded, share, len(known) < len(values), written)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The column's name, and ``… is missing``."""
        return (self.name,) + (f"{self.name} is missing",) * self.had_missing

    def write(self, table: Table, into: Array, notices: Notices) -> None:
        """Fills in the column's features."""
        values, unknown = self._values(table)
        missing = np.isnan(values)
        into[:, 0] = np.where(missing, self.share, values)
        if self.had_missing:
            into[:, 1] = missing
        notices.unseen(self.name, unknown, "was read as missing")
        if not self.had_missing:
            empty = int(missing.sum()) - len(unknown)
            notices.missing(self.name, empty, "filled with training's share of yes")

    def _values(self, table: Table) -> tuple[NDArray[np.float64], pl.Series]:
        """1, 0 or NaN, and the words that mean neither; any number of a column of 0 and 1."""
        written = self.number_format
        if not self.worded and (written is not None or table.number_columns.get(self.name) is not None):
            return reading.numbers(table, self.name, written), pl.Series([], dtype=pl.String)
        words = reading.words(table, self.name)
        values = meanings(words)
        unknown = words.is_not_null() & values.is_null()
        if not self.worded and unknown.any():  # words for yes and no stand beside numbers
            numbers = values.cast(pl.String).zip_with(~unknown, words).alias(self.name)
            return reading.numbers(replace(table, frame=numbers.to_frame()), self.name), words.clear()
        return values.fill_null(np.nan).to_numpy(), words.filter(unknown)


@dataclass(frozen=True, slots=True)
class CategoryEncoder:
    """One feature for each category, 1 where the cell holds it, and one more for ``other``.

    The categories are training's most frequent, at most 50, in the order of their text and in Unicode's form
    NFC. ``other`` takes rarer and unseen ones. Missing is a category of its own where training had missing
    cells, else other.
    """

    kind: ClassVar[str] = "category"
    name: str
    categories: tuple[str, ...]
    rare: int
    had_missing: bool

    @classmethod
    def fit(cls, table: Table, column: Column) -> CategoryEncoder:
        """Fitted on the table's rows."""
        words = composed(reading.words(table, column.name))
        counts = (
            words.drop_nulls()
            .alias("word")  # counts have a name of their own
            .value_counts(name="count")
            .sort(["count", "word"], descending=[True, False])
        )
        kept = counts["word"].head(MOST_CATEGORIES).sort().to_list()
        return cls(column.name, tuple(kept), counts.height - len(kept), words.null_count() > 0)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """``column=category`` for each, ``column=other``, and ``… is missing``."""
        names = tuple(f"{self.name}={category}" for category in (*self.categories, "other"))
        return names + (f"{self.name} is missing",) * self.had_missing

    def write(self, table: Table, into: Array, notices: Notices) -> None:
        """Fills in the column's features."""
        words = composed(reading.words(table, self.name))
        other = len(self.categories)
        places = words.replace_strict(
            list(self.categories), list(range(other)), default=other, return_dtype=pl.Int64
        )
        missing = words.is_null().to_numpy()
        numbers = np.where(missing, other + self.had_missing, places.fill_null(other).to_numpy())
        into[np.arange(len(numbers)), numbers] = 1
        if not self.rare:
            unseen = words.filter((places == other) & words.is_not_null())
            notices.unseen(self.name, unseen, "was encoded as 'other'")
        if not self.had_missing:
            notices.missing(self.name, int(missing.sum()), "encoded as 'other'")


@dataclass(frozen=True, slots=True)
class DateEncoder:
    """Days, standardised as numbers are, and the weekdays and months that vary in training, one-hot.

    The time of day, in whole seconds, is standardised to one more feature where it varies in training;
    a missing date has the mean there, 0. ``time_deviation`` is 0 where it does not vary. ``mean``,
    ``deviation`` and ``median`` count days since 1970-01-01. A missing date stands at the median, without
    weekday and month. ``weekdays`` count from Monday, 1; both are empty where they do not vary.
    ``date_format`` says how text is written, and the zone whose clock is read.
    """

    kind: ClassVar[str] = "date"
    name: str
    mean: float
    deviation: float
    median: float
    had_missing: bool
    weekdays: tuple[int, ...]
    months: tuple[int, ...]
    date_format: DateFormat
    time_mean: float = 0.0
    time_deviation: float = 0.0

    @classmethod
    def fit(cls, table: Table, column: Column) -> DateEncoder:
        """Fitted on the table's rows."""
        written = column.date_format or DateFormat()
        days = reading.days(table, column.name, written)
        known = days[~np.isnan(days)]
        return cls(
            column.name,
            *_fit_numbers(days),
            len(known) < len(days),
            _varying(_weekdays(known)),
            _varying(_months(known)),
            written,
            *_fit_numbers(_seconds(known))[:2],
        )

    @property
    def feature_names(self) -> tuple[str, ...]:
        """``column``, ``… is missing``, ``… weekday=1`` …, ``… month=1`` …, ``… time of day``."""
        return (
            (self.name,) * (self.deviation > 0)
            + (f"{self.name} is missing",) * self.had_missing
            + tuple(f"{self.name} weekday={day}" for day in self.weekdays)
            + tuple(f"{self.name} month={month}" for month in self.months)
            + (f"{self.name} time of day",) * (self.time_deviation > 0)
        )

    def write(self, table: Table, into: Array, notices: Notices) -> None:
        """Fills in the column's features. Raises DataError for a cell that is no date."""
        days = reading.days(table, self.name, self.date_format)
        _write_numbers(self, days, into, notices)
        known = ~np.isnan(days)
        weekdays, months = _weekdays(days[known]), _months(days[known])
        place = (self.deviation > 0) + self.had_missing
        for part, values in ((weekdays, self.weekdays), (months, self.months)):
            for value in values:
                into[known, place] = part == value
                place += 1
        if self.time_deviation > 0:
            into[known, place] = (_seconds(days[known]) - self.time_mean) / self.time_deviation


ColumnEncoder = NumberEncoder | YesNoEncoder | CategoryEncoder | DateEncoder

ENCODERS: dict[str, type[ColumnEncoder]] = {
    each.kind: each for each in (NumberEncoder, YesNoEncoder, CategoryEncoder, DateEncoder)
}


def to_json(encoder: ColumnEncoder) -> dict[str, Any]:
    """The encoder as plain JSON values, its kind among them."""
    return {"kind": encoder.kind, **asdict(encoder)}


def from_json(described: dict[str, Any]) -> ColumnEncoder:
    """The encoder again, exactly. Raises KeyError or TypeError for a description that is none."""
    values = dict(described)
    kind = ENCODERS[values.pop("kind")]
    return kind(**checked_fields(kind, {name: _format(name, value) for name, value in values.items()}))


def _format(field: str, value: Any) -> Any:
    """How text is written as its own type again, where the field holds that."""
    if field == "number_format" and value is not None:
        return NumberFormat(**checked_fields(NumberFormat, value))
    if field == "date_format":
        return DateFormat(**checked_fields(DateFormat, value))
    return value


def _fit_numbers(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean and deviation with missing values at the median, and the median; (0, 0, 0) of none."""
    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 0.0, 0.0
    middle = median(known)
    if known.min() == known.max():
        return middle, 0.0, middle
    return *mean_and_deviation(np.where(np.isnan(values), middle, values)), middle


def _write_numbers(
    encoder: NumberEncoder | DateEncoder, values: NDArray[np.float64], into: Array, notices: Notices
) -> None:
    missing = np.isnan(values)
    place = 0
    if encoder.deviation > 0:
        into[:, 0] = (np.where(missing, encoder.median, values) - encoder.mean) / encoder.deviation
        place = 1
    if encoder.had_missing:
        into[:, place] = missing
    else:
        notices.missing(encoder.name, int(missing.sum()), "filled with the median")


def _weekdays(days: NDArray[np.float64]) -> NDArray[np.int64]:
    return (np.floor(days).astype(np.int64) + _MONDAY_WEEKDAY - 1) % 7 + 1


def _months(days: NDArray[np.float64]) -> NDArray[np.int64]:
    whole = np.floor(days).astype(np.int64).astype("datetime64[D]")
    return whole.astype("datetime64[M]").astype(np.int64) % 12 + 1


def _seconds(days: NDArray[np.float64]) -> NDArray[np.float64]:
    """Time of day in whole seconds, 0 … 86,399: days in float64 are finer than that, but not exact."""
    return np.floor((days - np.floor(days)) * _SECONDS + 0.5) % _SECONDS


def _varying(values: NDArray[np.int64]) -> tuple[int, ...]:
    found = np.unique(values).tolist()
    return tuple(found) if len(found) > 1 else ()
