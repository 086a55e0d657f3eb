"""A table as its source gave it: columns of one simple type each, and where every row stood in the file."""

from __future__ import annotations

import difflib
import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.date_format import on_clock
from descend.data.number_columns import NumberColumns
from descend.data.number_format import NumberFormat
from descend.data.places import RowPlaces
from descend.errors import DataError

_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.UInt8, pl.UInt16, pl.UInt32)
_KEPT = (pl.String, pl.Int64, pl.Int128, pl.Float64, pl.Boolean, pl.Date)
_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31 in days since 1970-01-01
_SHORT = 3  # letters of a name
_CELLS_AT_ONCE = 1 << 20  # written out for the fingerprint in one piece: bounds the memory beside the table


@dataclass(frozen=True, eq=False)
class Table:
    """Rows and columns before anything is understood about them.

    frame : the cells. A text file's cells are all text, stripped, with missing ones null.
    name : what messages call the table, a file's name or for instance ``the given table``.
    lines : (rows,) line of each row as an editor counts them (the header is line 1), or None where rows
        have no lines; messages then count rows from 1.
    typed : whether the source gave types; False for text files, whose cells may be read as numbers.
    notes : what was done while reading, for the user.
    categories : columns that the source calls categories, whatever type they hold.
    missing_words : by column, how often each word for a missing value was met in the whole of a text file.
    pointed : columns whose numbers have decimal commas or points between thousands in the file, and how they
        are written there; their text here is plain.
    """

    frame: pl.DataFrame
    name: str
    lines: NDArray[np.int64] | None = None
    typed: bool = True
    notes: tuple[str, ...] = ()
    categories: frozenset[str] = frozenset()
    missing_words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pointed: Mapping[str, NumberFormat] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.frame.height

    def place(self, row: int, column: str) -> str:
        """Beginning of a message about one cell; ``row`` counts from 0."""
        return f"{self.places(row)}, column {column!r}"

    @property
    def places(self) -> RowPlaces:
        """Where the rows stand."""
        return RowPlaces(self.name, self.lines)

    @cached_property
    def number_columns(self) -> NumberColumns:
        """The columns that read as numbers throughout, as float64."""
        return NumberColumns.of(self.frame)

    def take(self, rows: NDArray[np.int64]) -> Table:
        """The table of these rows, in their order; ``rows`` (n,) counts from 0."""
        lines = None if self.lines is None else self.lines[rows]
        taken = replace(self, frame=self.frame[rows], lines=lines)
        # Text is read as numbers once, for the whole table, and not again for each of its parts.
        vars(taken)["number_columns"] = self.number_columns.take(rows)
        return taken

    def column(self, name: str) -> pl.Series:
        """One column as text, int64, int128, float64, yes/no, date or datetime; NaN becomes null.

        Dates with a zone become what its clocks show. Raises DataError where the column is absent, its type
        is none that can be learned from, or a date lies outside the years 1 to 9999.
        """
        try:
            cells = self.frame.get_column(name)
        except pl.exceptions.ColumnNotFoundError:
            hint = columns_hint(name, self.frame.columns)
            raise DataError(f"{self.name} has no column {name!r}; {hint}") from None
        self._check_years(cells)
        return _simple(cells, self.name)

    def on_clock(self, name: str, zone: str) -> pl.Series:
        """A column of dates on the clock of a zone; dates without a zone of their own stay as they are.

        zone : a name such as Asia/Shanghai, or an offset such as +08:00.
        """
        self.column(name)
        cells = self.frame.get_column(name)
        if time_zone(cells.dtype):
            return on_clock(
                cells.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("us")), zone
            )
        return cells

    def _check_years(self, cells: pl.Series) -> None:
        """Raises DataError for the first date outside the years 1 to 9999."""
        if not isinstance(cells.dtype, pl.Datetime | pl.Date):
            return
        unit = _PER_DAY[cells.dtype.time_unit] if isinstance(cells.dtype, pl.Datetime) else 1
        days = cells.to_physical() // unit
        outside = ~days.is_between(_FIRST_DAY, _LAST_DAY).fill_null(True)
        if outside.any():
            row = int(outside.arg_max() or 0)
            raise DataError(
                f"{self.place(row, cells.name)}: a date outside the years 1 to 9999; mend the cell, or leave "
                f"the column out (--ignore {shlex.quote(cells.name)})"
            )

    def fingerprint(self) -> str:
        """SHA-256 over names, types and values, 64 hexadecimal digits; the table's name takes no part."""
        digest = hashlib.sha256()
        names = self.frame.columns
        at_once = max(1, _CELLS_AT_ONCE // max(1, self.rows))
        for start in range(0, len(names), at_once):
            cells = self.frame[names[start : start + at_once]]
            together = _digestible(cells)
            for series in cells:
                name = series.name
                parts = together.get(name)
                if parts is not None:
                    kind = str(series.dtype)
                else:
                    try:
                        series = _simple(_in_utc(series), self.name)
                    except DataError:
                        series = pl.Series(name, [str(series.dtype)])
                    kind = "datetime" if isinstance(series.dtype, pl.Datetime) else str(series.dtype)
                    parts = _digestible_values(series)
                digest.update(f"{len(name.encode())}:{name}:{kind}:".encode())
                for part in parts:
                    digest.update(part)
        return digest.hexdigest()


def columns_hint(found: str, columns: Iterable[str], shown: int = 30) -> str:
    """End of a message about an unknown column: the nearest name, then the columns there are."""
    names = list(columns)
    folded = {name.casefold(): name for name in names}
    alike = 0.6 if len(found) > _SHORT else 0.5  # one wrong letter of two is a slip, too
    near = difflib.get_close_matches(found.casefold(), folded, n=1, cutoff=alike)
    hint = f"did you mean {folded[near[0]]!r}? " if near else ""
    return f"{hint}columns: {listing(names, shown)}"


def listing(names: Sequence[str], shown: int = 30) -> str:
    """Names with commas, the rest beyond ``shown`` as a number."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest:,} more" if rest > 0 else "")


def time_zone(dtype: pl.DataType) -> str:
    """The zone of a type of dates, "" where it has none."""
    return (dtype.time_zone or "") if isinstance(dtype, pl.Datetime) else ""


def _in_utc(series: pl.Series) -> pl.Series:
    return series.dt.convert_time_zone("UTC") if time_zone(series.dtype) else series


def _simple(series: pl.Series, table: str) -> pl.Series:
    dtype = series.dtype
    if dtype in _KEPT and dtype != pl.Float64:
        return series
    if dtype.is_float() or dtype.is_decimal():
        return series.cast(pl.Float64).fill_nan(None)
    if dtype in _INTEGERS:
        return series.cast(pl.Int64)
    if dtype == pl.UInt64:
        narrow = series.cast(pl.Int64, strict=False)
        return narrow if narrow.null_count() == series.null_count() else series.cast(pl.Int128)
    if isinstance(dtype, pl.Categorical | pl.Enum) or dtype == pl.Null:
        return series.cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        return series.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    if dtype == pl.Object:
        return _from_objects(series, table)
    raise DataError(
        f"{table}, column {series.name!r} holds {dtype} values, which cannot be learned from; "
        "ignore the column"
    )


def _from_objects(series: pl.Series, table: str) -> pl.Series:
    """A column of Python objects that are all of one simple type, None and NaN aside."""
    values: list[Any] = [None if value is None or value != value else value for value in series.to_list()]
    try:
        found = pl.Series(series.name, values, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        kinds = sorted({type(value).__name__ for value in values if value is not None})
        reason = f"mixes {' and '.join(kinds)}" if len(kinds) > 1 else "cannot be read"
        raise DataError(f"{table}, column {series.name!r} {reason}; give one type") from error
    if found.dtype == pl.Object:
        raise DataError(f"{table}, column {series.name!r} holds Python objects; give numbers, text or dates")
    return _simple(found, table)


def _digestible(frame: pl.DataFrame) -> dict[str, list[bytes]]:
    """``_digestible_values`` of the columns of text, int64 and float64, all of a type at once."""
    found: dict[str, list[bytes]] = {}
    for dtype in (pl.String, pl.Int64, pl.Float64):
        names = [name for name, each in frame.schema.items() if each == dtype]
        if not names:
            continue
        cells = frame[names]
        if dtype == pl.Float64:
            cells = cells.select(pl.all().fill_nan(None))
        missing = cells.select(pl.all().is_null())
        if dtype == pl.String:
            lengths = cells.select(pl.all().str.len_bytes().fill_null(0))
            joined = cells.select(pl.all().fill_null("").str.join("")).row(0)
            values = [
                series.to_numpy().astype("<u8").tobytes() + (text or "").encode()
                for series, text in zip(lengths, joined, strict=True)
            ]
        else:
            filled = cells.select(pl.all().fill_null(0))
            kind = "<f8" if dtype == pl.Float64 else "<i8"
            values = [series.to_numpy().astype(kind).tobytes() for series in filled]
        masks = [np.packbits(series.to_numpy()).tobytes() for series in missing]
        found.update({name: [*parts] for name, *parts in zip(names, masks, values, strict=True)})
    return found


def _digestible_values(series: pl.Series) -> list[bytes]:
    """Which cells are missing, a bit each, and the values: text by its lengths and then its bytes."""
    if isinstance(series.dtype, pl.Datetime) or series.dtype == pl.Date:
        series = series.cast(pl.Int64)
    elif series.dtype == pl.Int128:
        series = series.cast(pl.String)
    if series.dtype != pl.Boolean:
        return _digestible(series.to_frame())[series.name]
    bits = (series.is_null(), series.fill_null(False))
    return [np.packbits(each.to_numpy()).tobytes() for each in bits]
