"""The number columns of a table, read together: a call for many costs little more than one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

_NUMBERS = (
    pl.Float32, pl.Float64, pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32,
)  # fmt: skip


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
        names = [name for name, dtype in frame.schema.items() if dtype == pl.String or dtype in _NUMBERS]
        if not names:
            return cls({}, np.empty((0, frame.height)))
        cells = frame.select(names)
        read = cells.select(pl.all().cast(pl.Float64, strict=False))
        facts = zip(
            names,
            cells.dtypes,
            cells.null_count().row(0),
            read.null_count().row(0),
            read.select(pl.all().is_infinite().any()).row(0),
            read.select(pl.all().is_nan().any()).row(0),
            strict=True,
        )
        kept = [
            name
            for name, dtype, missing, unread, infinite, nan in facts
            if unread == missing and not infinite and not (nan and dtype == pl.String)
        ]
        values = read.select(kept).to_numpy().T if kept else np.empty((0, frame.height))
        return cls({name: place for place, name in enumerate(kept)}, values)

    def get(self, name: str) -> NDArray[np.float64] | None:
        """One column, (rows,), or None where it is not among them."""
        place = self.places.get(name)
        return None if place is None else self.values[place]

    def take(self, rows: NDArray[np.int64]) -> NumberColumns:
        """Those of these rows, in their order; ``rows`` (n,) counts from 0."""
        return NumberColumns(self.places, self.values[:, rows])
