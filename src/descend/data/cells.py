"""Cells read as numbers, dates or words, a column at a time.

A text file's cells have no type, so their text is read; a cell that cannot be is named by its line,
its column and its text.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.date_format import ISO, DateFormat
from descend.data.date_understanding import Dates, understand_dates
from descend.data.missing import without
from descend.data.number_format import NumberFormat, decompose
from descend.data.table import Table
from descend.errors import DataError

YES_NO = {
    "yes": True, "no": False, "y": True, "n": False, "true": True, "false": False, "t": True, "f": False,
    "on": True, "off": False, "是": True, "否": False, "1": True, "0": False,
}  # fmt: skip
"""Words that mean yes and no, in any case."""

PADDED = r"^[+-]?0\d+$"
"""How a whole number with leading zeros is written."""


def is_padded_code(cells: pl.Series) -> bool:
    """Whether whole numbers are written with leading zeros to one length, as codes such as 02139 are."""
    return bool(cells.str.contains(PADDED).any()) and cells.str.len_chars().drop_nulls().n_unique() == 1


def first_unread(before: pl.Series, after: pl.Series) -> int | None:
    """The first row that had a value before it was read and has none after; None where all were read."""
    lost = before.is_not_null() & after.is_null()
    return lost.arg_max() if lost.any() else None


def refuse_number(
    table: Table, name: str, row: int, text: str, written: NumberFormat | None = None
) -> DataError:
    """The error for a cell that is no number as ``written`` says numbers are, or as Python writes them."""
    hint = "write it as a number, or leave the cell empty"
    if decompose(pl.Series([text], dtype=pl.String))["body"][0] is not None:
        unit = f" in {written.unit!r} as in training" if written is not None and written.unit else ""
        hint = f"write plain digits with a point before the decimals, as in 1234.5{unit}"
    return DataError(f"{table.place(row, name)}: {text!r} is not a number; {hint}")


def check_finite(table: Table, name: str, numbers: pl.Series, cells: pl.Series) -> None:
    """Raise DataError for the first infinite number."""
    infinite = numbers.is_infinite().fill_null(False)
    if infinite.any():
        row = infinite.arg_max() or 0
        raise DataError(
            f"{table.place(row, name)}: {str(cells[row])!r} is not a finite number; "
            "mend the cell, or leave it empty"
        )


def numbers(table: Table, name: str, written: NumberFormat | None = None) -> NDArray[np.float64]:
    """A column as float64 (rows,), missing as NaN. Raises DataError for text and for infinite numbers.

    written : how text may be written beside Python's own spelling of numbers; None for that alone.
    """
    plain = table.number_columns.get(name)
    pointed = written is None or written.decimal == "." or name in table.pointed
    if plain is not None and (pointed or table.frame.get_column(name).dtype != pl.String):
        return plain
    cells = table.column(name)
    if isinstance(cells.dtype, pl.Datetime | pl.Date):
        raise DataError(f"{table.name}, column {name!r} holds dates where numbers are expected")
    read = cells.cast(pl.Float64) if cells.dtype != pl.String else _read_numbers(table, name, cells, written)
    check_finite(table, name, read, cells)
    return read.fill_null(np.nan).to_numpy().astype(np.float64, copy=False)


def _read_numbers(table: Table, name: str, cells: pl.Series, written: NumberFormat | None) -> pl.Series:
    written = NumberFormat() if written is None else written
    present = without(cells, written.missing)
    read = written.read(present)
    row = first_unread(present, read)
    if row is not None:
        raise refuse_number(table, name, row, cells[row], written)
    return read


def days(table: Table, name: str, written: DateFormat) -> NDArray[np.float64]:
    """A column of dates as days since 1970-01-01 on the column's own clock, (rows,) float64, missing as NaN.

    written : how text is written, and the zone that dates of another zone are moved to.

    Raises DataError for text that is not written so. Where ``written`` names no order, for training had
    typed dates, any order is taken that leaves no doubt.
    """
    cells = table.column(name)
    if cells.dtype == pl.String:
        cells = _read_dates(table, name, without(cells, written.missing), written)
    elif isinstance(cells.dtype, pl.Datetime) and written.zone:
        cells = table.on_clock(name, written.zone)
    if not isinstance(cells.dtype, pl.Datetime | pl.Date):
        raise DataError(f"{table.name}, column {name!r} holds numbers where dates are expected")
    moments = cells.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64)
    return moments.fill_null(np.nan).to_numpy() / 86_400_000_000.0


def words(table: Table, name: str) -> pl.Series:
    """A column as text, missing as null; numbers and yes/no values are written out, 2.0 as 2."""
    cells = table.column(name).alias("cell")
    if cells.dtype == pl.String:
        return _without_empty(cells)
    if cells.dtype != pl.Float64:
        return cells.cast(pl.String)
    # Whole numbers become floats wherever a neighbour is missing.
    whole = cells.round().cast(pl.Int64, strict=False)
    return whole.cast(pl.String).zip_with(whole.cast(pl.Float64) == cells, cells.cast(pl.String))


def _without_empty(cells: pl.Series) -> pl.Series:
    """Text with empty cells as null: readers of text files have done so, other sources may not have."""
    return cells.set(cells == "", None) if (cells == "").any() else cells


def _read_dates(table: Table, name: str, cells: pl.Series, written: DateFormat) -> pl.Series:
    if not written.order:
        understood = understand_dates(cells.drop_nulls()) if cells.null_count() < len(cells) else None
        if isinstance(understood, Dates) and not understood.doubt:
            written = replace(written, order=understood.declared.order)
    read = written.read(cells)
    row = first_unread(cells, read)
    if row is not None:
        expected = f"a date written as {written.order or ISO}"
        raise DataError(f"{table.place(row, name)}: {cells[row]!r} is not {expected}; write it so")
    return read
