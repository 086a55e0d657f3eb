"""Where the rows of a source stand, as messages name them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RowPlaces:
    """Beginnings of messages about rows: ``places(3)`` is ``new.csv, line 5``.

    source : what messages call where the rows are from.
    lines : (rows,) line of each row in its file, or None where rows have no lines.
    names : what each row is called, or None where rows have no names; they are then counted from 1.
    """

    source: str
    lines: NDArray[np.int64] | None = None
    names: tuple[str, ...] | None = None

    def __call__(self, row: int) -> str:
        """The place of a row, which counts from 0."""
        if self.names is not None:
            return f"{self.source}, {self.names[row]}"
        where = f"row {row + 1:,}" if self.lines is None else f"line {int(self.lines[row])}"
        return f"{self.source}, {where}"
