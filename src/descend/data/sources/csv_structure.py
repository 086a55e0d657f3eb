"""Where the records and cells of a text table begin and end, found on its bytes at once.

Bytes inside quotes are told by parity: a quote turns the state over, and a doubled one turns it twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

_NEWLINE = ord("\n")

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Records:
    """The records of a text: all arrays (records,).

    starts, ends : first byte, and the newline's. cells : how many each has. lines : as an editor counts.
    total : the number of records in the text, blank ones included.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    cells: NDArray[np.int64]
    lines: NDArray[np.int64]
    total: int

    def without_blanks(self) -> Records:
        """The records that have at least one character."""
        kept = self.ends > self.starts
        if kept.all():
            return self
        return replace(
            self,
            starts=self.starts[kept],
            ends=self.ends[kept],
            cells=self.cells[kept],
            lines=self.lines[kept],
        )


def find_records(data: bytes, separator: str, quote: str = '"') -> Records:
    """The records of a text that ends in a newline, whose lines end in \\n alone; leading blanks dropped."""
    text = np.frombuffer(data, np.uint8)
    newlines = np.flatnonzero(text == _NEWLINE)
    separators = np.flatnonzero(text == ord(separator))
    ends = newlines
    if quote.encode() in data:
        quoted = _quoted(text, quote)
        ends = newlines[~quoted[newlines]]
        if not len(ends):  # a quote that never closes
            ends = newlines[-1:]
        separators = separators[~quoted[separators]]
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)
    first = int(np.argmax(ends > starts))
    cells = np.diff(np.searchsorted(separators, ends), prepend=0) + 1
    lines = np.searchsorted(newlines, starts) + 1
    return Records(starts[first:], ends[first:], cells[first:], lines[first:], len(ends) - first)


def is_well_quoted(data: bytes, separator: str, quote: str = '"') -> bool:
    """Whether every quote opens or closes a whole cell, or is doubled inside one."""
    text = np.frombuffer(b"\n" + data.rstrip(b"\n") + b"\n", np.uint8)
    quotes = np.flatnonzero(text == ord(quote))
    if len(quotes) % 2:
        return False
    opening, closing = quotes[0::2], quotes[1::2]
    edges = (_NEWLINE, ord(quote), ord(separator))
    opened_well = np.isin(text[opening - 1], edges)
    closed_well = np.isin(text[closing + 1], edges)
    return bool(opened_well.all() and closed_well.all())


def _quoted(text: Bytes, quote: str) -> NDArray[np.bool_]:
    """Which bytes lie inside quotes."""
    return (np.cumsum(text == ord(quote), dtype=np.uint8) & 1).astype(np.bool_)
