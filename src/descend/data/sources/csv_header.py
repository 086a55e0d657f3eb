"""The names of a text table's columns: from its header, or beside it where the header is short or absent."""

from __future__ import annotations

import re
import unicodedata

import polars as pl

from descend.data.missing import MISSING
from descend.data.table import listing
from descend.errors import DataError

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"


def fitted_header(
    header: list[str], body: pl.DataFrame, quoted: bool
) -> tuple[list[str], pl.DataFrame, tuple[str, ...]]:
    """A header as wide as the body, the body, and notes; as they came where nothing is known to help.

    A separator at the end of every row, or of the header alone, makes an empty column that is left out. R
    gives row names but their column no name. ``quoted`` : whether the first cell of the first row is.
    """
    missing = body.width - len(header)
    if missing == -1 and not header[-1].strip():
        return header[:-1], body, ()
    if missing != 1:
        return header, body, ()
    last = body.to_series(-1)
    if (last.fill_null("").str.strip_chars() == "").all():
        note = "every row ends in a separator, and the header does not: the empty last column was left out"
        return header, body[:, :-1], (note,)
    first = body.to_series(0)
    numbers = first.cast(pl.Int64, strict=False)
    counted = (numbers == pl.int_range(1, body.height + 1, eager=True)).all() and not numbers.null_count()
    named = quoted or counted or first.str.contains(rf"^({_NUMBER})?$").sum() == 0
    if len(header) > 1 and named and first.n_unique() == body.height:
        note = "the header has one cell less than the rows: their first cells were taken as row names"
        return ["", *header], body, (note,)
    return header, body, ()


def column_names(
    header: list[str], body: pl.DataFrame, table: str
) -> tuple[list[str], bool, tuple[str, ...]]:
    """Names, whether the first line is one of the rows, and notes. Raises DataError for duplicates.

    Names are stripped and in Unicode's composed form (NFC); one without is called ``column 3`` by its place.
    """
    names = [
        unicodedata.normalize("NFC", cell.strip()) or f"column {place + 1}"
        for place, cell in enumerate(header)
    ]
    numeric = [bool(re.fullmatch(_NUMBER, name)) for name in names]
    shown = listing(names, 5)
    if any(numeric) and not all(numeric) and _is_a_row([cell.strip() for cell in header], numeric, body):
        unnamed = [f"column {place + 1}" for place in range(len(names))]
        note = (
            f"there is no header: the first line, {shown}, is like the rows beneath and was read as one; the "
            f"columns are called {unnamed[0]!r} to {unnamed[-1]!r}"
        )
        return unnamed, True, (note,)
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        are_cells = all(_occurs(name, column) for name, column in zip(names, body, strict=True))
        numbers = all(re.fullmatch(_NUMBER, name) for name in twice)
        remedy = "is the header line missing?" if numbers or are_cells else "rename them"
        raise DataError(
            f"{table}: duplicate column names {listing([repr(name) for name in twice])}; {remedy}"
        )
    if all(numeric):
        return names, False, (
            f"the first line, {shown}, is taken as the header: its cells are numbers; "
            "add a header line if it is data",
        )  # fmt: skip
    if sum(numeric) > len(names) / 2:
        return names, False, (
            f"the first line, {shown}, is taken as the header, though most of its cells are numbers; "
            "add a header line if it is data",
        )  # fmt: skip
    return names, False, ()


def _is_a_row(line: list[str], numeric: list[bool], body: pl.DataFrame) -> bool:
    """Whether a first line with numbers is data: at least half of it is as the cells beneath, texts too.

    A number above texts, or a text above numbers, is a name.
    """
    numbers = texts = 0
    for column, cell, is_number in zip(body, line, numeric, strict=True):
        cells = column.str.strip_chars()
        above_numbers = (cells.cast(pl.Float64, strict=False).is_not_null().sum() or 0) >= 0.5 * len(cells)
        again = _occurs(cell, column)
        if above_numbers != is_number and not again and cell not in MISSING:
            return False
        numbers += is_number
        texts += again and not is_number
    return texts > 0 and numbers + texts >= 0.5 * len(line)


def _occurs(name: str, column: pl.Series) -> bool:
    return bool((column.str.strip_chars() == name).any())
