"""Epochs one at a time, for callers that decide after each whether there is another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.engines.plan import Explicit, LastBatch, Plan
from descend.engines.protocol import Program, State
from descend.errors import Diverged
from descend.training.loop import CHUNK_SECONDS, all_finite, divergence, last_finite


@dataclass(frozen=True, slots=True)
class Epoch:
    """What is told after an epoch.

    number : counted from 1 in each fit.
    loss : what was made small, penalty included, mean over the epoch's batches before their updates.
    validation_loss, validation_score : of the validation rows after the epoch, or None.
    training_score : of the training rows after the epoch, or None.
    rate : learning rate of the epoch's last step.
    parameters : name → array, after the epoch.
    """

    number: int
    loss: float
    validation_loss: float | None
    validation_score: float | None
    training_score: float | None
    rate: float
    parameters: Mapping[str, NDArray[Any]]


EpochCallback = Callable[[Epoch], bool | None]


def epoch_batches(
    rows: NDArray[np.int64], size: int, last: LastBatch, shuffle: np.random.RandomState | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Row numbers of one epoch after the other, and where its batches begin and end, (steps + 1,).

    rows : numbers of the rows to learn from, (n,).  shuffle : permutes them anew for each epoch, as
    scikit-learn does: the permutation of the last epoch is permuted again; None keeps their order.
    """
    count = len(rows)
    steps = count // size if last == "drop" else -(-count // size)
    offsets = np.minimum(np.arange(steps + 1, dtype=np.int64) * size, count)
    if last == "wrap":
        offsets = np.arange(steps + 1, dtype=np.int64) * size
    present = _permuted(rows, shuffle)
    while True:
        used = present[: offsets[-1]]
        if last == "wrap" and offsets[-1] > count:
            following = _permuted(present, shuffle)
            used = np.concatenate((present, np.resize(following, offsets[-1] - count)))
            yield used, offsets
            present = following
        else:
            yield used, offsets
            present = _permuted(present, shuffle)


def _permuted(rows: NDArray[np.int64], shuffle: np.random.RandomState | None) -> NDArray[np.int64]:
    if shuffle is None:
        return rows
    places = np.arange(len(rows))
    shuffle.shuffle(places)
    return rows[places]


class Epochs:
    """A program's way through epochs whose batches are listed.

    names : of the parameters, in order.
    state, previous : the program's state after and before the last epoch.
    """

    def __init__(self, program: Program, names: tuple[str, ...]) -> None:
        self._program, self._names = program, names
        self.state = self.previous = program.state()
        self._made = 0

    def load(self, state: State) -> None:
        """Goes on from ``state``."""
        self._program.load(state)
        self.state = state

    def make(
        self, rows: NDArray[np.int64], offsets: NDArray[np.int64], rate: NDArray[np.float64],
        decay: NDArray[np.float64], factor: float = 1.0, clip_norm: float | None = None,
    ) -> NDArray[np.float64]:  # fmt: skip
        """One epoch; step s reads rows[offsets[s] : offsets[s + 1]]. Losses before each update, (steps,).

        rate : (steps,).  decay : (steps, parameters).  factor : what the engine's rate is multiplied by.
        clip_norm : as Plan.clip.

        Raises
        ------
        Diverged : a loss or, after the epoch, a weight was not finite.
        KeyboardInterrupt : the program then holds the state before the epoch.
        """
        first, steps = int(self.state["updates"]), len(rate)
        listed = Explicit(rows, np.concatenate((np.zeros(first, np.int64), offsets)))

        def plan(begin: int, end: int) -> Plan:
            part = slice(begin - first, end - first)
            return Plan(begin, end - begin, listed, factor * rate[part], decay[part], clip_norm)

        losses: list[NDArray[np.float64]] = []
        at, bad = first, False
        try:
            while at < first + steps and not bad:
                chunk = self._program.run(plan(at, first + steps), CHUNK_SECONDS)
                losses.append(chunk.step_loss)
                at += chunk.done
                bad = chunk.stopped == "nonfinite"
            state = self._program.state()
        except KeyboardInterrupt:
            self._program.load(self.state)
            raise
        overflowed = not bad and not all_finite(state, self._names)
        if bad or overflowed:
            at -= overflowed
            kept = last_finite(self._program, plan, first, self.state, at + overflowed, self._names)
            step = self._made + at - first
            dtype = kept[self._names[0]].dtype
            raise Diverged(divergence(step, steps, float(rate[at - first]), overflowed, dtype), step, kept)
        self._made += steps
        self.previous, self.state = self.state, state
        return np.concatenate(losses)
