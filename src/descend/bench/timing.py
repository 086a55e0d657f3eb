"""Times of programs that take turns, and ratios of times taken in the same turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

LONG_ENOUGH = 0.5  # seconds that a measured stretch should take
_FEWEST_EPOCHS = 2  # an epoch is the difference of two times: one alone is too noisy
_MOST_UNITS = 1_000_000
_MOST_TRIES = 5


def epoch_timer(train: Callable[[int], Any]) -> tuple[Callable[[], float], int]:
    """What measures the seconds of one epoch, and E, the epochs it takes for that.

    An epoch is (time of 1 + E epochs − time of 1) / E: what a run costs once counts for nobody. E is
    chosen for about half a second, and is at least 2, however slow ``train`` is. The single epoch is timed
    before and after, and the shorter time counts: the first one finds the caches as another program left
    them, which would be taken off the epochs' time.
    """
    epochs = _long_enough(lambda count: train(count + 1))
    epochs = max(epochs, _FEWEST_EPOCHS)

    def measure() -> float:
        for _ in range(_MOST_TRIES):
            before, many, after = (_seconds(partial(train, count)) for count in (1, 1 + epochs, 1))
            seconds = (many - min(before, after)) / epochs
            if seconds > 0:  # a pause of the machine in both short runs makes nonsense of it
                return seconds
        raise RuntimeError(f"{1 + epochs} epochs took less time than one, {_MOST_TRIES} times in a row")

    return measure, epochs


def call_timer(call: Callable[[], Any]) -> tuple[Callable[[], float], int]:
    """What measures the seconds of one warm call in a loop, and the calls it makes for that."""

    def repeat(count: int) -> None:
        for _ in range(count):
            call()

    calls = _long_enough(repeat)
    return (lambda: _seconds(lambda: repeat(calls)) / calls), calls


def take_turns(timers: dict[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """Each timer once a turn, one after the other: times of the same place belong together."""
    taken: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(turns):
        for name, timer in timers.items():
            taken[name].append(timer())
    return taken


def ratios(times: Sequence[float], of: Sequence[float]) -> dict[str, Any]:
    """``ratio``, the median of times[i] / of[i], and ``range``, the smallest and the largest of them."""
    pairwise = [one / other for one, other in zip(times, of, strict=True)]
    return {"ratio": statistics.median(pairwise), "range": [min(pairwise), max(pairwise)]}


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _long_enough(run: Callable[[int], Any]) -> int:
    """A count with which ``run`` takes about half a second, at most eight times the last one tried."""
    run(1)  # compiles, allocates, warms up
    count = 1
    while (taken := _seconds(partial(run, count))) < LONG_ENOUGH and count < _MOST_UNITS:
        count = max(count + 1, min(count * 8, int(count * LONG_ENOUGH / taken)))
    return min(count, _MOST_UNITS)
