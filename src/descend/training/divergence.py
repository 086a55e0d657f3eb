"""Where a run has diverged, what is left of it, and what to say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from descend.engines import finite
from descend.engines.plan import Plan
from descend.engines.protocol import Inputs, Program, State
from descend.engines.reference.loss import loss_terms
from descend.networks import Network

_EXPLODED = 1e12


class LossLimit:
    """Tells a loss that is a number but has exploded: beyond 1e12 times the first step's.

    A first step may find its rows predicted to the last digit, as one that goes on from a finished run does.
    So a loss must also be beyond 1e12 times the one of outputs that are all 0, which is measured when first
    needed.

    first : the first step's loss, NaN before there is one.
    """

    def __init__(self, network: Network, inputs: Inputs) -> None:
        self._network, self._inputs = network, inputs
        self._zero_outputs: float | None = None
        self.first = np.nan

    def first_beyond(self, losses: NDArray[np.float64]) -> int | None:
        """The place of the first of the next steps' losses (steps,) that is beyond, or None."""
        if np.isnan(self.first) and len(losses):
            self.first = float(losses[0])
        beyond = losses > _EXPLODED * self.first
        if not beyond.any():
            return None
        if self._zero_outputs is None:
            self._zero_outputs = _loss_of_zeros(self._network, self._inputs)
        beyond &= losses > _EXPLODED * self._zero_outputs
        return int(beyond.argmax()) if beyond.any() else None


def _loss_of_zeros(network: Network, inputs: Inputs) -> float:
    rows = len(inputs.y)
    y = inputs.y if inputs.y.dtype.kind == "i" else inputs.y.astype(np.float64)
    weight = np.ones(rows) if inputs.weight is None else inputs.weight.astype(np.float64)
    return loss_terms(network.loss, np.zeros((rows, network.outputs)), y, weight).mean


def last_finite(
    program: Program, plan: Callable[[int, int], Plan], safe_step: int, safe_state: State,
    bad_step: int, names: tuple[str, ...],
) -> State:  # fmt: skip
    """The newest weights that were all finite: the same steps again from the last kept state."""
    for end in range(bad_step, safe_step, -1):
        program.load(safe_state)
        at = safe_step
        while at < end:
            chunk = program.run(plan(at, end), float("inf"))
            at += chunk.done
            if chunk.stopped == "nonfinite":  # and it makes no more steps, however often it is asked
                break
        state = program.state()
        if all_finite(state, names):
            return {name: state[name] for name in names}
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


def explosion(step: int, per_epoch: int, rate: float, first: float, loss: float) -> str:
    """The message of a Diverged whose loss is still a number."""
    return f"the loss grew from {first:.3g} to {loss:.3g} at {_place(step, per_epoch, rate)}"


def _place(step: int, per_epoch: int, rate: float) -> str:
    return (
        f"step {step} (epoch {step // per_epoch + 1}, learning rate {rate:.6g}): try a learning rate of "
        f"{_plain(rate / 10)} or lower"
    )


def _plain(rate: float) -> str:
    """Two significant digits, without an exponent where that is short."""
    return f"{float(f'{rate:.2g}'):g}"
