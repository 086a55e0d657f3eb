"""Numbers with decimal commas, as most of Europe writes them: a convention of a whole file.

1,250 may be a thousand and more, and 1.250 too: columns of such cells are read by the convention only where
another column, or another cell, leaves no doubt of it.
"""

from __future__ import annotations

import polars as pl

from descend.data.number_format import NumberFormat
from descend.data.table import listing

_COMMA = r"^[+-]?\d+(,\d+)?([eE][+-]?\d+)?$"
_SURE = r"^[+-]?(0,|\d{4,},|\d+,(\d{1,2}|\d{4,})([eE]|$)|\d{1,3}(\.\d{3})+,)"  # no thousands are written so
_GROUPED = r"^[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d+)?$"
_GROUP = r"\.\d{3}"
_GROUPS = r"\.\d{3}\."
_WHOLE = r"^[+-]?\d+$"


def with_decimal_points(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, NumberFormat], tuple[str, ...]]:
    """The frame with such columns as plain numbers, how those were written, and notes that tell of them.

    A column must be one of numbers throughout, written with a comma before the decimals or with points
    that part thousands, or both. Points beside whole numbers that nothing decides are decimal, and said.
    """
    is_comma = _columns(frame, pl.all().str.contains(_COMMA).all())
    is_grouped = _columns(frame, pl.all().str.contains(_GROUPED).all())
    commas = (is_comma | is_grouped) & _columns(frame, pl.all().str.contains(",", literal=True).any())
    points = is_grouped & _columns(frame, pl.all().str.contains(_GROUP).any())
    notes = []
    if not commas & _columns(frame, pl.all().str.contains(_SURE).any()):
        commas = set()
        sure = points & _columns(frame, pl.all().str.contains(_GROUPS).any())
        doubtful = (points - sure) & _columns(frame, pl.all().str.contains(_WHOLE).any())
        if doubtful:
            notes.append(
                f"{_named(frame, doubtful)}: points were read as decimal, 1.234 as 1.234; "
                "leave them out if they mark thousands"
            )
        points = sure
    for names, before, after, note in (
        (points, ".", "", "points were read as marks of thousands, 1.234 as 1234"),
        (commas, ",", ".", "commas were read as decimal points, 1,5 as 1.5"),
    ):
        if names:
            columns = (frame.get_column(name) for name in names)
            frame = frame.with_columns(each.str.replace_all(before, after, literal=True) for each in columns)
            notes.append(f"{_named(frame, names)}: {note}")
    written = NumberFormat(decimal=",", grouping="." if points else "")
    return frame, dict.fromkeys(points | commas, written), tuple(notes)


def _columns(frame: pl.DataFrame, fact: pl.Expr) -> set[str]:
    """The columns of which a fact holds."""
    return {name for name, holds in zip(frame.columns, frame.select(fact).row(0), strict=True) if holds}


def _named(frame: pl.DataFrame, names: set[str]) -> str:
    quoted = listing([repr(name) for name in frame.columns if name in names], 5)
    return f"{'column' if len(names) == 1 else 'columns'} {quoted}"
