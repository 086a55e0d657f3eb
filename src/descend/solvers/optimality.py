"""How near a fit is to the best there is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from descend.solvers.cross_entropy import CrossEntropyObjective, Point

_MOST_STEPS = 50
_ROUNDING = 1e-16  # of a mean loss; no gap is told more finely


class Optimality(float):
    """Largest absolute entry of the objective's gradient (smallest subgradient, with an L1 penalty).

    gap : how far the objective is above its least value at most, in its own unit (mean loss a row); infinite
        where no bound is known, as without a penalty.
    """

    gap: float

    def __new__(cls, gradient: float, gap: float = math.inf) -> Optimality:
        """From the gradient's largest entry and the bound."""
        made = super().__new__(cls, gradient)
        made.gap = gap
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:  # pickle and copy make a float from these
        return float(self), self.gap

    def __str__(self) -> str:
        if math.isfinite(self.gap):
            return f"within {max(self.gap, _ROUNDING):.0e} of the optimum"
        return f"no entry of the gradient larger than {float(self):.0e}"

    def __repr__(self) -> str:
        return f"Optimality({float(self):.3g}, gap={self.gap:.3g})"


def judged(objective: CrossEntropyObjective, point: Point) -> Optimality:
    """How near the point is to the optimum.

    The dual bound needs an optimal intercept, so it is taken where the intercept is, and what the objective
    falls on the way there is added.
    """
    settled = _with_best_intercept(objective, point) if objective.design.intercept else point
    gap = objective.gap(settled) + max(0.0, point.value - settled.value)
    return Optimality(objective.optimality(point), gap)


def _with_best_intercept(objective: CrossEntropyObjective, point: Point) -> Point:
    """Newton's method on the intercept alone: passes over the scores, not over the rows."""
    moved = np.zeros(objective.outputs)
    scores, loss = point.scores, point.loss
    for _ in range(_MOST_STEPS):
        gradient, curvature = objective.intercept_derivatives(scores)
        step = -np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        lowered = objective.fit(point.scores + moved + step).loss
        if not lowered < loss:
            break
        moved, loss = moved + step, lowered
        scores = point.scores + moved
    if not moved.any():
        return point
    coefficients = point.coefficients.copy()
    coefficients[-1] += moved
    return objective.at(coefficients, scores)
