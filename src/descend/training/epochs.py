"""Epochs one at a time, for callers that decide after each whether there is another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.engines.plan import Explicit, LastBatch, Plan
from descend.engines.protocol import Chunk, Program, State
from descend.errors import Diverged
from descend.training.divergence import LossLimit, all_finite, divergence, last_finite
from descend.training.loop import CHUNK_SECONDS


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


@dataclass(frozen=True, slots=True)
class _Listed:
    """The steps of an epoch, the first of which is step ``first``. ``factor`` multiplies the rates."""

    first: int
    rows: NDArray[np.int64]
    offsets: NDArray[np.int64]
    rate: NDArray[np.float64]
    decay: NDArray[np.float64]
    factor: float
    clip_norm: float | None

    def plan(self, begin: int, end: int) -> Plan:
        """Steps ``begin`` … ``end − 1``."""
        part = slice(begin - self.first, end - self.first)
        batches = Explicit(self.rows, self.offsets, self.first)
        rate, decay = self.factor * self.rate[part], self.decay[part]
        return Plan(begin, end - begin, batches, rate, decay, self.clip_norm)

    def run(self, program: Program) -> list[Chunk]:
        """All of them, or those before one whose loss is not finite."""
        chunks: list[Chunk] = []
        at, end = self.first, self.first + len(self.rate)
        while at < end and not (chunks and chunks[-1].stopped == "nonfinite"):
            chunks.append(program.run(self.plan(at, end), CHUNK_SECONDS))
            at += chunks[-1].done
        return chunks


class Epochs:
    """A program's way through epochs whose batches are listed.

    Reading the program's whole state takes as long as many a step, so that this is done now and then, and the
    epochs since are made again where a state between is asked for.

    names : of the parameters, in order.
    parameters : copies of them after the last epoch.
    """

    def __init__(self, program: Program, names: tuple[str, ...], limit: LossLimit) -> None:
        self._program, self._names, self._limit = program, names, limit
        self._keep(program.state())
        self._made = 0

    def _keep(self, state: State) -> None:
        self._kept, self._kept_at = state, time.perf_counter()
        self._since: list[_Listed] = []  # epochs after the kept state
        self._updates = int(state["updates"])
        self.parameters: State = {name: state[name] for name in self._names}

    def state(self) -> State:
        """The program's state after the last epoch."""
        if self._since:
            self._keep(self._program.state())
        return self._kept

    def load(self, state: State) -> None:
        """Goes on from ``state``."""
        self._program.load(state)
        self._keep(state)

    def make(
        self, rows: NDArray[np.int64], offsets: NDArray[np.int64], rate: NDArray[np.float64],
        decay: NDArray[np.float64], factor: float = 1.0, clip_norm: float | None = None,
    ) -> NDArray[np.float64]:  # fmt: skip
        """One epoch; step s reads rows[offsets[s] : offsets[s + 1]]. Losses before each update, (steps,).

        rate : (steps,).  decay : (steps, parameters).  factor : what the engine's rate is multiplied by.
        clip_norm : as Plan.clip.

        Raises
        ------
        Diverged : a loss or, after the epoch, a weight was not finite, or a loss has exploded.
        KeyboardInterrupt : the program then holds the state before the epoch.
        """
        epoch = _Listed(self._updates, rows, offsets, rate, decay, factor, clip_norm)
        try:
            chunks = epoch.run(self._program)
            parameters = self._program.parameters()
        except KeyboardInterrupt:
            self._go_back()
            raise
        losses, weights = (
            np.concatenate([getattr(chunk, name) for chunk in chunks])
            for name in ("step_loss", "step_weight")
        )
        place = self._limit.first_beyond(losses, weights)
        if place is not None:
            raise self._exploded(epoch, place, float(losses[place]))
        bad = chunks[-1].stopped == "nonfinite"
        overflowed = not bad and not all_finite(parameters, self._names)
        if bad or overflowed:
            raise self._diverged(epoch, len(losses), overflowed)
        self._made += len(rate)
        self._updates += int(np.count_nonzero(weights))
        self._since.append(epoch)
        self.parameters = parameters
        if time.perf_counter() - self._kept_at > CHUNK_SECONDS:
            self.state()
        return losses

    def _go_back(self) -> None:
        """Brings the program to the end of the last whole epoch, however often it is interrupted."""
        while True:
            try:
                self._program.load(self._kept)
                for epoch in self._since:
                    epoch.run(self._program)
                return
            except KeyboardInterrupt:
                continue  # it is being answered already

    def _diverged(self, epoch: _Listed, done: int, overflowed: bool) -> Diverged:
        """After so many steps of an epoch, the last of them counted where its update overflowed."""
        kept = self._last_finite(epoch, done)
        place = done - overflowed
        step, dtype = self._made + place, kept[self._names[0]].dtype
        message = divergence(step, len(epoch.rate), float(epoch.rate[place]), overflowed, dtype)
        return Diverged(message, step, kept)

    def _exploded(self, epoch: _Listed, place: int, loss: float) -> Diverged:
        """At the step that is ``place`` steps into an epoch."""
        step = self._made + place
        message = self._limit.explosion(step, len(epoch.rate), float(epoch.rate[place]), loss)
        return Diverged(message, step, self._last_finite(epoch, place - 1))

    def _last_finite(self, epoch: _Listed, done: int) -> State:
        """The newest finite weights after at most so many steps of an epoch."""
        self._go_back()
        end = epoch.first + done
        return last_finite(self._program, epoch.plan, epoch.first, self.state(), end, self._names)
