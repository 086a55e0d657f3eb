"""The progress of a run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from descend.training.display import progress_console
from descend.training.loop import Listener, Progress

if TYPE_CHECKING:
    from rich.console import Console

_LINE_SECONDS = 5.0  # between plain lines
_FRAME_SECONDS = 0.1  # between two pictures of the bar
_TEXT_WIDTH = 76  # of the text beside the bar
_WIDE = 1000  # plain lines are never cut
_PLAIN_LINES = 10  # at most so many for the epochs of a run


@contextmanager
def progress_bar(shown: bool, classifies: bool, console: Console | None = None) -> Iterator[Listener | None]:
    """A listener that shows epoch, loss, validation, rows per second and the time left.

    console : where to; standard error by default.
    """
    if not shown:
        yield None
        return
    console = console or progress_console()
    if not console.is_terminal:
        yield _PlainLines(console, classifies)
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    bar_width = max(0, min(24, console.width - _TEXT_WIDTH))
    line = TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="crop"))
    columns = (*([BarColumn(bar_width)] if bar_width > 4 else []), line)
    with Bar(*columns, console=console, auto_refresh=False) as bar:  # its thread may be refused
        task = bar.add_task("", total=None)
        room = console.width - (bar_width + 1 if bar_width > 4 else 0)
        shown_at = 0.0

        def listen(told: Progress) -> None:
            nonlocal shown_at
            if told.step < told.steps and time.perf_counter() - shown_at < _FRAME_SECONDS:
                return
            shown_at = time.perf_counter()
            text = _line(told, classifies, room)
            bar.update(task, total=told.steps, completed=told.step, description=text, refresh=True)

        yield listen


class _PlainLines:
    """A line every few seconds and at most ten in a short run."""

    def __init__(self, console: Console, classifies: bool) -> None:
        self._console, self._classifies = console, classifies
        self._epoch = 0
        self._at = time.perf_counter()

    def __call__(self, told: Progress) -> None:
        epochs = -(-told.steps // told.per_epoch)
        epoch = told.step // told.per_epoch
        due = epoch * _PLAIN_LINES // epochs > self._epoch * _PLAIN_LINES // epochs
        now = time.perf_counter()
        if due or told.step == told.steps or now - self._at > _LINE_SECONDS:
            self._epoch, self._at = epoch, now
            self._console.print(_line(told, self._classifies, _WIDE), highlight=False, soft_wrap=True)


def _line(told: Progress, classifies: bool, room: int) -> str:
    """What matters most comes first; the speed only where there is room."""
    under_way, planned = (-(-steps // told.per_epoch) for steps in (told.step, told.steps))
    parts = [f"epoch {under_way}/{planned}"]
    if told.step < told.steps:
        parts.append(f"{_clock(told.seconds * (told.steps - told.step) / max(told.step, 1))} left")
    else:
        parts.append(_clock(told.seconds))
    parts.append(f"loss {told.loss:.4g}")
    if told.validation is not None:
        loss, accuracy = told.validation
        parts.append(f"validation accuracy {accuracy:.4f}" if classifies else f"validation loss {loss:.4g}")
    speed = told.rows / told.seconds if told.seconds > 0 else 0.0
    line = "  ".join(parts)
    whole = f"{line}  {_short(speed)} rows/s"
    return whole if len(whole) <= room else line


def _short(number: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
