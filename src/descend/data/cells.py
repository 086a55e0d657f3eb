"""Cells read as numbers, dates or words, a column at a time.

A text file's cells have no type, so their text is read; a cell that cannot be is named by its line,
its column and its text.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.table import Table
from descend.errors import DataError

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "-", "?")
"""What stands for a missing value in a text file, spelled exactly so."""

DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M",
    "%Y年%m月%d日",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y",
    "%d/%m/%Y %H:%M",
)
"""Ways of writing a date that are understood; where several read a whole column, the first one holds."""

YES_NO = {
    "yes": True, "no": False, "y": True, "n": False, "true": True, "false": False, "t": True, "f": False,
    "on": True, "off": False, "是": True, "否": False, "1": True, "0": False,
}  # fmt: skip
"""Words that mean yes and no, in any case."""

_DECORATED = r"^[$€£¥]?\s*[+-]?\d[\d,]*(\.\d+)?$"
PADDED = r"^[+-]?0\d+$"
"""How a whole number with leading zeros is written."""


def parsed_numbers(cells: pl.Series) -> pl.Series:
    """Text as float64, null where it is no number; correctly rounded."""
    return cells.cast(pl.Float64, strict=False)


def parsed_dates(cells: pl.Series, date_format: str) -> pl.Series:
    """Text as datetimes in microseconds, null where it is not written so."""
    return cells.str.to_datetime(date_format, time_unit="us", strict=False)


def is_padded_code(cells: pl.Series) -> bool:
    """Whether whole numbers are written with leading zeros to one length, as codes such as 02139 are."""
    return bool(cells.str.contains(PADDED).any()) and cells.str.len_chars().drop_nulls().n_unique() == 1


def is_decorated(cells: pl.Series) -> pl.Series:
    """Which cells are numbers but for commas or a currency sign."""
    return cells.str.contains(_DECORATED)


def first_unread(before: pl.Series, after: pl.Series) -> int | None:
    """The first row that had a value before it was read and has none after; None where all were read."""
    lost = before.is_not_null() & after.is_null()
    return lost.arg_max() if lost.any() else None


def refuse_number(table: Table, name: str, row: int, text: str, remedy: str = "") -> DataError:
    """The error for a cell of a number column that is no number; ``remedy`` is put after the others."""
    hint = "write it as a number, or leave the cell empty"
    if is_decorated(pl.Series([text])).item():
        hint = "write plain digits with a point before the decimals, as in 1234.5"
    return DataError(f"{table.place(row, name)}: {text!r} is not a number; {hint}{remedy}")


def check_finite(table: Table, name: str, numbers: pl.Series, cells: pl.Series) -> None:
    """Raise DataError for the first infinite number."""
    infinite = numbers.is_infinite().fill_null(False)
    if infinite.any():
        row = infinite.arg_max() or 0
        raise DataError(
            f"{table.place(row, name)}: {str(cells[row])!r} is not a finite number; "
            "mend the cell, or leave it empty"
        )


def numbers(table: Table, name: str) -> NDArray[np.float64]:
    """A column as float64 (rows,), missing as NaN. Raises DataError for text and for infinite numbers."""
    plain = table.number_columns.get(name)
    if plain is not None:
        return plain
    cells = table.column(name)
    if isinstance(cells.dtype, pl.Datetime | pl.Date):
        raise DataError(f"{table.name}, column {name!r} holds dates where numbers are expected")
    read = parsed_numbers(_without_missing(cells)) if cells.dtype == pl.String else cells.cast(pl.Float64)
    if cells.dtype == pl.String:
        row = first_unread(_without_missing(cells), read)
        if row is not None:
            raise refuse_number(table, name, row, cells[row])
        read = read.fill_nan(None)
    check_finite(table, name, read, cells)
    return read.fill_null(np.nan).to_numpy().astype(np.float64, copy=False)


def days(table: Table, name: str, date_format: str | None) -> NDArray[np.float64]:
    """A column of dates as days since 1970-01-01, (rows,) float64, missing as NaN.

    Raises DataError for text that is not written in ``date_format`` (None: any that is understood).
    """
    cells = table.column(name)
    if cells.dtype == pl.String:
        cells = _read_dates(table, name, _without_missing(cells), date_format)
    if not isinstance(cells.dtype, pl.Datetime | pl.Date):
        raise DataError(f"{table.name}, column {name!r} holds numbers where dates are expected")
    moments = cells.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64)
    return moments.fill_null(np.nan).to_numpy() / 86_400_000_000.0


def words(table: Table, name: str) -> pl.Series:
    """A column as text, missing as null; numbers and yes/no values are written out, 2.0 as 2."""
    cells = table.column(name).alias("cell")
    if cells.dtype == pl.String:
        return _without_missing(cells)
    if cells.dtype != pl.Float64:
        return cells.cast(pl.String)
    # Whole numbers become floats wherever a neighbour is missing.
    whole = cells.round().cast(pl.Int64, strict=False)
    return whole.cast(pl.String).zip_with(whole.cast(pl.Float64) == cells, cells.cast(pl.String))


def _without_missing(cells: pl.Series) -> pl.Series:
    """Text with empty cells as null: readers of text files have done so, other sources may not have."""
    return cells.set(cells == "", None) if (cells == "").any() else cells


def _read_dates(table: Table, name: str, cells: pl.Series, date_format: str | None) -> pl.Series:
    formats = DATE_FORMATS if date_format is None else (date_format,)
    read = [parsed_dates(cells, each) for each in formats]
    best = min(read, key=lambda dates: dates.null_count())
    row = first_unread(cells, best)
    if row is not None:
        expected = "a date" if date_format is None else f"a date written as {date_format}"
        raise DataError(f"{table.place(row, name)}: {cells[row]!r} is not {expected}")
    return best
