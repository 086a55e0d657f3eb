"""Where a run has diverged, what is left of it, and what to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from descend.engines import finite
from descend.engines.plan import Plan
from descend.engines.protocol import Chunk, Inputs, Program, State
from descend.engines.reference.loss import loss_terms
from descend.networks import Network

_EXPLODED = 1e12
_ROWS_AT_ONCE = 4096


class LossLimit:
    """Tells a loss that is a number but has exploded: beyond 1e12 times the first step's.

    A first step may find its rows predicted to the last digit, as one that goes on from a finished run does.
    So a loss must also be beyond 1e12 times the one of outputs that are all 0, which is measured when first
    needed. Where both are 0 there is nothing to measure by.

    network, inputs : what is trained, and on which rows.
    first : loss of the first step whose rows have weight, given where a run goes on; None before there is
        one.
    """

    def __init__(self, network: Network, inputs: Inputs, first: float | None = None) -> None:
        self._network, self._inputs = network, inputs
        self._zero_outputs: float | None = None
        self.first = first

    def first_beyond(self, losses: NDArray[np.float64], weights: NDArray[np.float64]) -> int | None:
        """The place of the first of the next steps that is beyond, or None. losses, weights : (steps,)."""
        if self.first is None:
            counting = np.flatnonzero(weights)
            if not len(counting):
                return None
            self.first = float(losses[counting[0]])
        beyond = losses > _EXPLODED * self.first
        if not beyond.any():
            return None
        if self._zero_outputs is None:
            self._zero_outputs = _loss_of_zeros(self._network, self._inputs)
        measure = max(self.first, self._zero_outputs)
        beyond &= losses > _EXPLODED * measure
        return int(beyond.argmax()) if beyond.any() and measure > 0 else None

    def explosion(self, step: int, per_epoch: int, rate: float, loss: float) -> str:
        """What a Diverged says of a step whose loss is still a number."""
        return f"the loss grew from {self.first:.3g} to {loss:.3g} at {_place(step, per_epoch, rate)}"


def _loss_of_zeros(network: Network, inputs: Inputs) -> float:
    """Mean over all rows; 0 where none has a weight."""
    loss = weight = 0.0
    for start in range(0, inputs.rows, _ROWS_AT_ONCE):
        y = inputs.y[start : start + _ROWS_AT_ONCE]
        own = np.ones(len(y))
        if inputs.weight is not None:
            own = inputs.weight[start : start + _ROWS_AT_ONCE].astype(np.float64)
        with np.errstate(over="ignore"):
            terms = loss_terms(network.loss, np.zeros((len(y), network.outputs)), y, own)
        loss, weight = loss + terms.total, weight + terms.weight
    return loss / weight if weight > 0 else 0.0


def first_steps(chunk: Chunk, count: int) -> Chunk:
    """What a chunk's first steps did."""
    columns = ("step_loss", "step_weight", "step_rows", "step_correct")
    return replace(chunk, done=count, **{name: getattr(chunk, name)[:count] for name in columns})


def last_finite(
    program: Program, plan: Callable[[int, int], Plan], safe_step: int, safe_state: State,
    bad_step: int, names: tuple[str, ...],
) -> State:  # fmt: skip
    """The newest weights after at most ``bad_step`` steps that are all finite: made again from a kept state.

    plan : (first, end) → the plan of the steps between.
    """
    end = bad_step
    while end > safe_step:
        program.load(safe_state)
        at = safe_step
        while at < end:
            done = program.run(plan(at, end), float("inf")).done
            if done == 0:  # its loss is not finite, and it makes no step however often it is asked
                break
            at += done
        state = program.state()
        if all_finite(state, names):
            return {name: state[name] for name in names}
        end = at - 1
    return {name: safe_state[name] for name in names}


def all_finite(state: State, names: tuple[str, ...]) -> bool:
    """Whether the parameters of these names hold no NaN and no infinity."""
    return all(finite.all_finite(state[name]) for name in names)


def divergence(step: int, per_epoch: int, rate: float, updated: bool, dtype: object) -> str:
    """The message of a Diverged: where it was, and what to try.

    updated : whether the step's update had been made; before the first one no rate has played a part.
    """
    if step == 0 and not updated:
        return (
            "the loss is not finite at step 0, before any update: values of X or y are too large for "
            f"{dtype}; scale them, such as to mean 0 and deviation 1"
        )
    return f"the loss stopped being finite at {_place(step, per_epoch, rate)}"


def _place(step: int, per_epoch: int, rate: float) -> str:
    return (
        f"step {step} (epoch {step // per_epoch + 1}, learning rate {rate:.6g}): try a learning rate of "
        f"{_plain(rate / 10)} or lower"
    )


def _plain(rate: float) -> str:
    """Two significant digits, without an exponent where that is short."""
    return f"{float(f'{rate:.2g}'):g}"
