"""Tables and sentences on standard output. No square bracket or colon in a name is markup."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TextIO, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from descend.cli.lines import visible
from descend.training.display import Display, set_width


class _Output(Console):
    """A console whose reader may go away, as ``head`` does: the work goes on without it."""

    def on_broken_pipe(self) -> None:
        """Stops writing."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def output(quiet: bool = False) -> Console:
    """Standard output for what was asked for; ``NO_COLOR``, narrow windows and pipes are respected.

    Printing raises OSError where it fails.
    """
    return _console(sys.stdout, quiet)


def report(quiet: bool) -> tuple[Console, Display]:
    """Standard output for what may be missed, and the stream, which knows whether it failed."""
    display = Display(sys.stdout)
    return _console(cast(TextIO, display), quiet), display


def _console(stream: TextIO, quiet: bool = False) -> Console:
    console = _Output(file=stream, quiet=quiet, highlight=False, markup=False, emoji=False, soft_wrap=False)
    set_width(console)
    return console


def line(console: Console, text: str, bold: str = "") -> None:
    """Prints ``bold`` in bold type and ``text`` after it, on one line however long."""
    console.print(Text.assemble((visible(bold), "bold"), visible(text)), soft_wrap=True)


def table(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Sequence[int] = (),
    show_headings: bool = True,
) -> Table:
    """A plain table; ``right`` lists the columns aligned to the right. A cell may have several lines."""
    built = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=show_headings)
    for index, heading in enumerate(headings):
        shown = Text(visible(heading))
        built.add_column(shown, justify="right" if index in right else "left", header_style="bold")
    for row in rows:
        built.add_row(*(Text("\n".join(map(visible, cell.split("\n")))) for cell in row))
    return built
