"""What is noticed while rows are encoded: counted over all of them, however many blocks they come in."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field

import polars as pl

from descend.errors import DataWarning

_MOST_WORDS = 3
_log = logging.getLogger("descend")


@dataclass
class _OfColumn:
    """Words that training had not, in how many rows, and missing cells, each with what became of them."""

    words: set[str] = field(default_factory=set)
    rows: int = 0
    fate_of_words: str = ""
    missing: int = 0
    fate_of_missing: str = ""


class Notices:
    """Gathers notes for the user; ``texts`` are the notes, one line each.

    Whoever encodes rows in several blocks hands the same Notices to all of them.
    """

    def __init__(self) -> None:
        self._said: dict[str, None] = {}
        self._columns: dict[str, _OfColumn] = {}

    def say(self, *texts: str) -> None:
        """Takes notes as they are, each of them once."""
        self._said.update(dict.fromkeys(texts))

    def unseen(self, column: str, words: pl.Series, fate: str) -> None:
        """Takes the cells, (cells,) text, that training had not; ``fate`` says what became of them."""
        if len(words):
            found = self._columns.setdefault(column, _OfColumn())
            found.words.update(words.unique().to_list())
            found.rows += len(words)
            found.fate_of_words = fate

    def missing(self, column: str, count: int, fate: str) -> None:
        """Takes ``count`` missing cells of a column where none was missing in training."""
        if count:
            found = self._columns.setdefault(column, _OfColumn())
            found.missing += count
            found.fate_of_missing = fate

    @property
    def texts(self) -> tuple[str, ...]:
        """The notes: first those that were taken as they are, then one for each column."""
        return (*self._said, *(_text(name, found) for name, found in self._columns.items()))


def tell(notes: Iterable[str], stacklevel: int) -> None:
    """Warns of each note, and logs it to ``descend`` at level INFO for those who keep logs.

    stacklevel : as of ``warnings.warn``, counted from the caller.
    """
    for note in notes:
        _log.info(note)
        warnings.warn(note, DataWarning, stacklevel=stacklevel + 1)


def _text(name: str, found: _OfColumn) -> str:
    parts = []
    if found.rows:
        words = sorted(found.words)
        shown = ", ".join(repr(word) for word in words[:_MOST_WORDS])
        more = ", …" if len(words) > _MOST_WORDS else ""
        rows = "1 row" if found.rows == 1 else f"{found.rows:,} rows"
        parts.append(
            f"column {name!r}: {shown}{more} in {rows} was not seen in training and {found.fate_of_words}"
        )
    if found.missing:
        cells = "cell was" if found.missing == 1 else "cells were"
        parts.append(f"column {name!r}: {found.missing:,} missing {cells} {found.fate_of_missing}")
    return "; ".join(parts)
