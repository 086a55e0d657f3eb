"""Streams to show a run's progress on, whose failures never end the run."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from rich.console import Console

_PIPE_WIDTH = 100  # columns assumed where nothing says how many there are
_NARROWEST = 20  # below that a table would lose its words


class Display(io.TextIOBase):
    """A stream for what may be missed: where it fails (full, closed, its reader gone), the rest is not shown.

    failure : what it failed with, or None.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | ValueError | None = None

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's own."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Writes, or passes over."""
        if self.failure is None:
            try:
                self._stream.write(text)
            except (OSError, ValueError) as error:
                self.failure = error
        return len(text)

    def flush(self) -> None:
        """Flushes, or passes over."""
        if self.failure is None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self.failure = error

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        try:
            return self._stream.isatty()
        except (OSError, ValueError):
            return False

    def fileno(self) -> int:
        """The stream's own descriptor."""
        return self._stream.fileno()


def progress_console(quiet: bool = False) -> Console:
    """Standard error, of which a failure is passed over."""
    from rich.console import Console  # imported here: costs a tenth of a second

    stream = sys.stderr or io.StringIO()  # None where the caller closed it
    file = cast(TextIO, Display(stream))
    console = Console(file=file, quiet=quiet, highlight=False, markup=False, emoji=False)
    set_width(console)
    return console


def set_width(console: Console) -> None:
    """Gives it a width to write in where there is no terminal to ask, or where COLUMNS says none."""
    if (not console.is_terminal and "COLUMNS" not in os.environ) or console.width < 1:
        console.width = _PIPE_WIDTH
    console.width = max(console.width, _NARROWEST)
