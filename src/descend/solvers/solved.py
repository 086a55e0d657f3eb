"""What a full-batch solver reports: after each step, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from descend.engines.protocol import State

Stopped = Literal["tolerance", "iterations", "rounding", "callback"]


@dataclass(frozen=True, slots=True)
class Solved:
    """Where a solver ended.

    parameters : name to array, in the program's dtype; the program holds them too.
    objective : mean loss + ½ l2 Σ‖W‖² as the engine computed it.
    optimality : largest absolute entry of the objective's gradient.
    iterations, evaluations : steps taken, and gradients of all rows asked for.
    stopped : ``"tolerance"`` where optimality is at most tol, else what ended it.
    message : the same in words.
    """

    parameters: State
    objective: float
    optimality: float
    iterations: int
    evaluations: int
    stopped: Stopped
    message: str

    @property
    def converged(self) -> bool:
        """Whether the gradient is within the tolerance."""
        return self.stopped == "tolerance"


@dataclass(frozen=True, slots=True)
class Progress:
    """One iteration: its number from 1, and what Solved says of the same names."""

    iteration: int
    objective: float
    optimality: float
    evaluations: int


Callback = Callable[[Progress], bool | None]
