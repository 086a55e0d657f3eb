"""Where the command writes: tables and sentences on standard output, progress on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_WIDTH = 100  # columns assumed where there is no terminal to ask


class _Output(Console):
    """A console whose reader may go away, as ``head`` does: the work goes on without it."""

    def on_broken_pipe(self) -> None:
        """Stops writing."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def output(quiet: bool = False) -> Console:
    """Standard output; ``NO_COLOR``, narrow windows and pipes are respected."""
    console = _Output(quiet=quiet, highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPE_WIDTH
    return console


def progress(quiet: bool = False) -> Console:
    """Standard error."""
    return Console(stderr=True, quiet=quiet, highlight=False)


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    show_headings: bool = True,
) -> Table:
    """A plain table; ``right`` lists the columns aligned to the right."""
    built = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=show_headings)
    for index, heading in enumerate(headings):
        built.add_column(heading, justify="right" if index in right else "left", header_style="bold")
    for row in rows:
        built.add_row(*(Text(cell) for cell in row))
    return built
