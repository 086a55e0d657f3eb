"""The number columns of a table, read together: a call for many costs little more than one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.number_format import plain_numbers

_NUMBERS = (
    pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32,
)  # fmt: skip
_CELLS_AT_ONCE = 1 << 20  # read in one piece: bounds the memory beside the table


@dataclass(frozen=True, eq=False)
class NumberColumns:
    """The columns whose every cell is a finite number, text that reads as one, or missing.

    places : each column's row in ``values``.
    values : (columns, rows) float64, correctly rounded, missing as NaN.
    """

    places: dict[str, int]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> NumberColumns:
        """Those of a frame; columns with any other cell are left to those who can name it."""
        texts = [series for series in frame.get_columns() if series.dtype == pl.String]
        typed = [series for series in frame.get_columns() if series.dtype in _NUMBERS]
        names: list[str] = []
        read: list[NDArray[np.float64]] = []
        for columns in blocks(texts, frame.height):
            values, plain = _read_texts(columns, frame.height)
            names += [series.name for series, each in zip(columns, plain, strict=True) if each]
            read.append(values[plain])
        for series in typed:
            values = series.cast(pl.Float64).to_numpy()
            if not np.isinf(values).any():
                names.append(series.name)
                read.append(values[None])
        together = np.concatenate(read) if read else np.empty((0, frame.height))
        return cls({name: place for place, name in enumerate(names)}, together)

    def get(self, name: str) -> NDArray[np.float64] | None:
        """One column, (rows,), or None where it is not among them."""
        place = self.places.get(name)
        return None if place is None else self.values[place]

    def take(self, rows: NDArray[np.int64]) -> NumberColumns:
        """Those of these rows, in their order; ``rows`` (n,) counts from 0."""
        return NumberColumns(self.places, self.values[:, rows])


def blocks(columns: Sequence[pl.Series], rows: int) -> Iterator[Sequence[pl.Series]]:
    """The columns, ``rows`` long each, in blocks of about a million cells."""
    at_once = max(1, _CELLS_AT_ONCE // max(1, rows))
    for start in range(0, len(columns), at_once):
        yield columns[start : start + at_once]


def end_to_end(columns: Sequence[pl.Series]) -> pl.Series:
    """Columns of one type as one: a single call then does for all of them."""
    return pl.concat([series.alias("") for series in columns])


def _read_texts(columns: Sequence[pl.Series], rows: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values (columns, rows), and whether every cell of a column is a number or missing, (columns,)."""
    cells = end_to_end(columns)
    read = plain_numbers(cells)
    odd = (read.is_null() & cells.is_not_null()) | ~read.is_finite().fill_null(True)
    shape = (len(columns), rows)
    return read.to_numpy().reshape(shape), ~np.logical_or.reduce(odd.to_numpy().reshape(shape), axis=1)
