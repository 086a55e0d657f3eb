"""Numbers with decimal commas, as most of Europe writes them: a convention of a whole file.

1,250 may be a thousand and more, and 1.250 too: columns of such cells are read by the convention only where
another column, or another cell, leaves no doubt of it.
"""

from __future__ import annotations

import polars as pl

from descend.data.table import listing

_COMMA = r"^[+-]?\d+(,\d+)?([eE][+-]?\d+)?$"
_SURE = r"^[+-]?(0,|\d{4,},|\d+,(\d{1,2}|\d{4,})([eE]|$)|\d{1,3}(\.\d{3})+,)"  # no thousands are written so
_GROUPED = r"^[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d+)?$"
_GROUP = r"^[+-]?\d{1,3}(\.\d{3})+(,|$)"


def with_decimal_points(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The frame with such columns as plain numbers, and notes that name them.

    A column must be one of numbers throughout, written with a comma before the decimals or with points
    that part thousands, or both.
    """
    cells = pl.all().str
    facts = zip(
        frame.columns,
        frame.select(cells.contains(_COMMA).all()).row(0),
        frame.select(cells.contains(",", literal=True).any()).row(0),
        frame.select(cells.contains(_SURE).any()).row(0),
        frame.select(cells.contains(_GROUPED).all()).row(0),
        frame.select(cells.contains(_GROUP).any()).row(0),
        strict=True,
    )
    commas, points, sure = [], [], False
    for name, is_comma, has_comma, is_sure, is_grouped, has_group in facts:
        if (is_comma or is_grouped) and has_comma:
            commas.append(name)
            sure = sure or is_sure
        if is_grouped and has_group:
            points.append(name)
    if not sure:
        return frame, ()
    columns = [column for column in frame.columns if column in {*commas, *points}]
    plain = frame.with_columns(
        frame.get_column(name).str.replace_all(".", "", literal=True) for name in points
    )
    plain = plain.with_columns(plain.get_column(name).str.replace(",", ".", literal=True) for name in columns)
    notes = [f"{_named(commas)}: commas were read as decimal points, 1,5 as 1.5"]
    if points:
        notes.append(f"{_named(points)}: points were read as marks of thousands, 1.234 as 1234")
    return plain, tuple(notes)


def _named(columns: list[str]) -> str:
    quoted = listing([repr(each) for each in columns], 5)
    return f"{'column' if len(columns) == 1 else 'columns'} {quoted}"
