"""The loop around an engine: plan a chunk of steps, run it, record it, until all steps are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from descend.engines.plan import Explicit, Order, Plan
from descend.engines.protocol import Chunk, Inputs, Program, State
from descend.errors import Diverged
from descend.optimizers import Optimizer, parameter_decay, step_rates
from descend.optimizers.schedules import Span
from descend.training.divergence import LossLimit, all_finite, divergence, first_steps, last_finite
from descend.training.history import History, Recorder

CHUNK_SECONDS = 0.05  # how long an engine runs before the interpreter looks at Ctrl-C and the progress
_STEPS_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, told after every chunk.

    step, steps : made and planned.  per_epoch : steps in an epoch.  rows : read so far.  seconds : since
    the start.  loss : mean of the last chunk.  validation : (loss, accuracy) of the last epoch, or None.
    """

    step: int
    steps: int
    per_epoch: int
    rows: float
    seconds: float
    loss: float
    validation: tuple[float, float] | None


Listener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A whole run: which batches, in how many steps, ``per_epoch`` of them an epoch."""

    batches: Order | Explicit
    steps: int
    per_epoch: int


class Run:
    """A program's way through a RunPlan: ``next_plan`` says what to make next, ``record`` what was made.

    names : of the parameters, in order, for the weight decay.
    """

    def __init__(
        self, program: Program, run_plan: RunPlan, optimizer: Optimizer, names: tuple[str, ...],
        validation: Inputs | None, classifies: bool, limit: LossLimit, clip_norm: float | None = None,
    ) -> None:  # fmt: skip
        self._program, self._run_plan, self._names = program, run_plan, names
        self._lr, self._decay = optimizer.lr, parameter_decay(optimizer.weight_decay, names)
        self._clip_norm, self._limit = clip_norm, limit
        self._validation, self._recorder = validation, Recorder(run_plan.per_epoch, classifies)
        self._step, self._rows = 0, 0.0
        self._checked: tuple[float, float] | None = None
        self._safe_step, self._safe_state = 0, program.state()
        self._started = self._safe_at = time.perf_counter()

    @property
    def over(self) -> bool:
        """Whether all steps are made."""
        return self._step == self._run_plan.steps

    def next_plan(self) -> Plan:
        """What to make next: the rest, or the rest of the epoch where each is validated."""
        last = min(self._run_plan.steps, self._step + _STEPS_AT_ONCE)
        if self._validation is not None:
            last = min(last, (self._step // self._run_plan.per_epoch + 1) * self._run_plan.per_epoch)
        return self._plan(self._step, last)

    def _plan(self, first: int, last: int) -> Plan:
        span = Span(first, last - first, self._run_plan.per_epoch, self._run_plan.steps)
        rates = step_rates(self._lr, span)
        return Plan(first, last - first, self._run_plan.batches, rates, self._decay, self._clip_norm)

    def record(self, plan: Plan, chunk: Chunk) -> None:
        """Writes down what was made of a plan, and validates at an epoch's end.

        Raises
        ------
        Diverged : a loss was not finite or has exploded; ``parameters`` holds the last finite weights, of an
            explosion those before it.
        """
        place, whole = self._limit.first_beyond(chunk.step_loss, chunk.step_weight), chunk
        if place is not None:
            chunk = first_steps(chunk, place)
        columns = (chunk.step_loss, chunk.step_weight, chunk.step_rows, chunk.step_correct)
        clock = time.perf_counter() - self._started
        self._recorder.steps(np.array((*columns, plan.rate[: chunk.done])), clock)
        self._step += chunk.done
        self._rows += float(chunk.step_rows.sum())
        if place is not None:
            raise self._exploded(float(plan.rate[place]), float(whole.step_loss[place]))
        self._check_finite(plan, chunk)
        if self._validation is not None and (self._step % self._run_plan.per_epoch == 0 or self.over):
            sums = self._program.evaluate(self._validation)
            self._checked = (_mean(sums.loss, sums.weight), _mean(sums.correct, sums.rows))
            self._recorder.validation(*self._checked)
        if time.perf_counter() - self._safe_at > CHUNK_SECONDS and not self.over:
            self._safe_step, self._safe_state = self._step, self._program.state()
            self._safe_at = time.perf_counter()

    def _check_finite(self, plan: Plan, chunk: Chunk) -> None:
        overflowed = self.over and not all_finite(self._program.state(), self._names)  # the very last update
        if chunk.stopped != "nonfinite" and not overflowed:
            return
        step = self._step - overflowed
        rate = float(plan.rate[chunk.done - overflowed])
        kept = self._last_finite(self._step)
        message = divergence(step, self._run_plan.per_epoch, rate, overflowed, kept[self._names[0]].dtype)
        raise Diverged(message, step, kept)

    def _exploded(self, rate: float, loss: float) -> Diverged:
        message = self._limit.explosion(self._step, self._run_plan.per_epoch, rate, loss)
        return Diverged(message, self._step, self._last_finite(self._step - 1))

    def _last_finite(self, bad_step: int) -> State:
        return last_finite(
            self._program, self._plan, self._safe_step, self._safe_state, bad_step, self._names
        )

    def progress(self) -> Progress:
        """Where the run stands."""
        plan, clock = self._run_plan, time.perf_counter() - self._started
        return Progress(
            self._step, plan.steps, plan.per_epoch, self._rows, clock, self._recorder.last_loss, self._checked
        )

    def history(self) -> History:
        """Everything recorded so far."""
        return self._recorder.history()


def run_steps(run: Run, program: Program, listener: Listener | None) -> History:
    """Makes all steps on the bound rows, about 50 ms at a time.

    Raises
    ------
    Diverged : a loss was not finite or has exploded; ``parameters`` holds the last finite weights.
    """
    while not run.over:
        plan = run.next_plan()
        run.record(plan, program.run(plan, CHUNK_SECONDS))
        if listener is not None:
            listener(run.progress())
    return run.history()


def _mean(total: float, weight: float) -> float:
    return total / weight if weight > 0 else 0.0
