"""Newton's method for logistic and softmax regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from descend.solvers.cross_entropy import CrossEntropyObjective, Point
from descend.solvers.design import Doubles
from descend.solvers.newton_systems import ConjugateGradients, solve_symmetric

Ended = Literal["optimum", "rounding", "iterations", "callback"]
Watch = Callable[[int, Point, Doubles], bool]

# Beyond this the Hessian costs more than the products that solve with it.
_MOST_FACTORED = 128
_MOST_HALVINGS = 50
_DECREASE = 1e-4
_EPS = float(np.finfo(np.float64).eps)
_COARSEST, _FINEST = 0.3, 1e-2  # residuals of a step's system
_EXACT = 1e-10  # that of a system so small that solving it to the end costs next to nothing
_MARGIN = 0.3
_NEAR = 1e-3  # a relative decrease of the objective after which its gap is worth a look
_GAINED = 0.5  # of the gradient: a step that leaves more is followed by one in full precision
NOTHING = 64 * _EPS  # a relative decrease of the objective that counts as none
_LITTLE = 1e-9  # one that rounding may keep a step from


def newton(
    objective: CrossEntropyObjective,
    point: Point,
    *,
    max_iter: int = 100,
    factored: bool | None = None,
    most_products: int = 1_000_000,
    watch: Watch | None = None,
) -> tuple[Point, int, Ended]:
    """Makes a smooth cross-entropy objective as small as float64 tells; the point, iterations, why it ended.

    Each step solves H d = −g and is halved until F(w + t d) ≤ F(w) + 1e-4 t g·d; along a line only the scores
    change, so that costs no pass over the rows. It ends where the dual gap shows coefficients to 7 digits, or
    with the first whole step that lowers F by nothing but rounding: as it converges quadratically, the error
    then left is far smaller than that step.

    Parameters
    ----------
    objective : without an L1 penalty.
    point : where to start.
    factored : True for a Hessian factored by Cholesky, False for preconditioned conjugate gradients, which on
        more than 128 coefficients are stopped early (J. Nocedal and S. Wright, "Numerical Optimization",
        2nd edition, algorithm 7.1), None for what is cheaper.
    most_products : of the Hessian and a vector, each a pass over the rows; the run ends where they are used.
    watch : called after each step with its number, the point and the direction; True ends the run there.
    """
    small = point.coefficients.size <= _MOST_FACTORED
    if factored is None:
        factored = small
    systems = ConjugateGradients(objective, most_products)
    length, coarse, unsettled = np.inf, True, np.inf
    for iteration in range(1, max_iter + 1):
        if not systems.left:
            return point, iteration - 1, "iterations"
        gradient = objective.gradient(point)
        if factored:
            direction = solve_symmetric(objective.curvature(point), -gradient.ravel())
            direction = direction.reshape(gradient.shape)
        else:
            before, length = length, float(np.linalg.norm(gradient))
            coarse = not small and (length <= _GAINED * before or not coarse)
            residual = _EXACT if small else _residual(length, unsettled)
            direction = systems.direction(point, gradient, residual, coarse)
        slope = float((gradient * direction).sum())
        found = line_search(objective, point, direction, slope)
        if found is None:
            return point, iteration - 1, stuck(point, slope)
        point, step = found
        if watch is not None and watch(iteration, point, direction):
            return point, iteration, "callback"
        if -slope <= _NEAR * abs(point.value):
            unsettled = objective.unsettled(point)
        if unsettled <= 1.0 or (step == 1.0 and -slope <= NOTHING * abs(point.value)):
            return point, iteration, "optimum"
    return point, max_iter, "iterations"


def _residual(length: float, unsettled: float) -> float:
    """To which share of the gradient a step's system is solved: finer near the optimum, if that is needed.

    The gap falls with the square of the residual. length : of the gradient, below about 1, as the design's
    columns are of unit size.
    """
    towards = max(_FINEST, min(_COARSEST, length**0.5))
    return max(towards, min(_COARSEST, _MARGIN / unsettled**0.5)) if unsettled > 0 else _COARSEST


def stuck(point: Point, slope: float) -> Ended:
    """What it means that no step lowers the objective: the optimum, if next to nothing was to be gained."""
    return "optimum" if -slope <= _LITTLE * abs(point.value) else "rounding"


def line_search(
    objective: CrossEntropyObjective, start: Point, direction: Doubles, slope: float
) -> tuple[Point, float] | None:
    """The first of the steps 1, ½, ¼ … that lowers F enough, and its length; None where rounding hides all.

    slope : g·d of the smooth case; with an L1 penalty g·d + l1 (‖w + d‖₁ − ‖w‖₁).

    Source: J. Lee, Y. Sun and M. Saunders, "Proximal Newton-type methods for minimizing composite functions",
    SIAM J. Optim. 24, 2014.
    """
    if not slope < 0:
        return None
    moved = objective.design.dot(direction)
    allowed = start.value + 4 * _EPS * abs(start.value)
    step = 1.0
    for _ in range(_MOST_HALVINGS):
        coefficients, scores = start.coefficients + step * direction, start.scores + step * moved
        fit = objective.fit(scores)
        if fit.loss + objective.penalty(coefficients) <= allowed + _DECREASE * step * slope:
            return objective.at(coefficients, scores, fit), step
        step *= 0.5
    return None
