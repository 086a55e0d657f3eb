"""The loop around an engine: plan a chunk of steps, run it, record it, until all steps are made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from descend.engines.plan import Explicit, Order, Plan
from descend.engines.protocol import Inputs, Program, State
from descend.errors import Diverged
from descend.optimizers import Optimizer, parameter_decay, step_rates
from descend.optimizers.schedules import Span
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


def run_steps(
    program: Program,
    run_plan: RunPlan,
    optimizer: Optimizer,
    names: tuple[str, ...],
    validation: Inputs | None,
    classifies: bool,
    listener: Listener | None,
) -> History:
    """Makes all steps on the bound rows.

    names : of the parameters, in order, for the weight decay.

    Raises
    ------
    Diverged : a loss was not finite; ``parameters`` holds the last finite weights.
    """
    recorder = Recorder(run_plan.per_epoch, classifies)
    decay = parameter_decay(optimizer.weight_decay, names)
    safe_step, safe_state = 0, program.state()
    started = safe_at = time.perf_counter()
    step, rows, checked = 0, 0.0, None

    def plan(first: int, last: int) -> Plan:
        span = Span(first, last - first, run_plan.per_epoch, run_plan.steps)
        return Plan(first, last - first, run_plan.batches, step_rates(optimizer.lr, span), decay)

    while step < run_plan.steps:
        epoch_end = (step // run_plan.per_epoch + 1) * run_plan.per_epoch
        last = min(run_plan.steps, step + _STEPS_AT_ONCE)
        if validation is not None:
            last = min(last, epoch_end)
        chunk_plan = plan(step, last)
        chunk = program.run(chunk_plan, CHUNK_SECONDS)
        clock = time.perf_counter() - started
        columns = (
            chunk.step_loss,
            chunk.step_weight,
            chunk.step_rows,
            chunk.step_correct,
            chunk_plan.rate[: chunk.done],
        )
        recorder.steps(np.array(columns), clock)
        step += chunk.done
        rows += float(chunk.step_rows.sum())
        ended = step == run_plan.steps
        overflowed = ended and not _all_finite(program.state(), names)  # the very last update
        if chunk.stopped == "nonfinite" or overflowed:
            step -= overflowed
            rate = float(chunk_plan.rate[chunk.done - overflowed])
            kept = _last_finite(program, plan, safe_step, safe_state, step + overflowed, names)
            raise Diverged(_divergence(step, run_plan.per_epoch, rate), step, kept)
        if validation is not None and (step == epoch_end or ended):
            sums = program.evaluate(validation)
            checked = (_mean(sums.loss, sums.weight), _mean(sums.correct, sums.rows))
            recorder.validation(*checked)
        if listener is not None:
            told = Progress(
                step, run_plan.steps, run_plan.per_epoch, rows, clock, recorder.last_loss, checked
            )
            listener(told)
        if time.perf_counter() - safe_at > CHUNK_SECONDS and not ended:
            safe_step, safe_state, safe_at = step, program.state(), time.perf_counter()
    return recorder.history()


def _last_finite(
    program: Program, plan: Callable[[int, int], Plan], safe_step: int, safe_state: State,
    bad_step: int, names: tuple[str, ...],
) -> State:  # fmt: skip
    """The newest weights that were all finite: the same steps again from the last kept state."""
    for end in range(bad_step, safe_step, -1):
        program.load(safe_state)
        at = safe_step
        while at < end:
            at += program.run(plan(at, end), float("inf")).done
        state = program.state()
        if _all_finite(state, names):
            return {name: state[name] for name in names}
    return {name: safe_state[name] for name in names}


def _all_finite(state: State, names: tuple[str, ...]) -> bool:
    return all(bool(np.isfinite(state[name]).all()) for name in names)


def _divergence(step: int, per_epoch: int, rate: float) -> str:
    return (
        f"the loss stopped being finite at step {step} (epoch {step // per_epoch + 1}, "
        f"learning rate {rate:.6g}): try a learning rate of {_plain(rate / 10)} or lower"
    )


def _plain(rate: float) -> str:
    """Two significant digits, without an exponent where that is short."""
    return f"{float(f'{rate:.2g}'):g}"


def _mean(total: float, weight: float) -> float:
    return total / weight if weight > 0 else 0.0
