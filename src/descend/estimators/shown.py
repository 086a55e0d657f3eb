"""What ``verbose`` shows of a fit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from descend.training.loop import Listener, Progress
from descend.training.progress import progress_bar


@contextmanager
def shown_progress(verbose: bool | int, classifies: bool) -> Iterator[Listener | None]:
    """None for 0; for 1 a bar on standard error; above that scikit-learn's lines on standard output."""
    if verbose > 1:
        yield _print_epoch
    else:
        with progress_bar(shown=bool(verbose), classifies=classifies) as listener:
            yield listener


def print_step(number: int, loss: float) -> None:
    """A line on standard error after an iteration over all rows."""
    print(f"step {number}: loss {loss:.6g}", file=sys.stderr, flush=True)


def _print_epoch(told: Progress) -> None:
    print(f"Iteration {told.step // told.per_epoch}, loss = {told.loss:.8f}", flush=True)
    if told.validation is not None:
        print(f"Validation score: {told.validation[1]:f}", flush=True)
