"""L1 and elastic-net logistic regression by Newton's method on a working set."""

from __future__ import annotations

import numpy as np

from descend.solvers.cross_entropy import CrossEntropyObjective, Point
from descend.solvers.newton import NOTHING, Ended, Watch, line_search, stuck
from descend.solvers.sparse_quadratic import SparseQuadratic

_FEWEST_JOINING = 64
_MOST_WORKING = 1024
# A relative decrease after which a model need not be minimised to its end, and how far.
_FAR, _ENOUGH = 1e-5, 0.3


def proximal_newton(
    objective: CrossEntropyObjective, point: Point, *, max_iter: int = 100, watch: Watch | None = None
) -> tuple[Point, int, Ended]:
    """Makes a cross-entropy objective with an L1 penalty as small as float64 tells; as ``newton`` answers.

    Each step takes the entries that are not 0 and those whose gradient exceeds the penalty most, minimises
    the quadratic model with the penalty over them, and goes there by halved steps. At most 1024 entries work
    at a time, those farthest from their optimum. It ends where a whole step over all that matter lowers F by
    nothing but rounding.

    Source: J. Lee, Y. Sun and M. Saunders, "Proximal Newton-type methods for minimizing composite functions",
    SIAM J. Optim. 24, 2014.
    """
    l1 = np.broadcast_to(objective.l1, point.coefficients.shape).ravel()
    slope = -np.inf
    for iteration in range(1, max_iter + 1):
        working, complete = _working_set(objective, point)
        w, gradient = point.coefficients.ravel()[working], objective.gradient(point).ravel()[working]
        hessian = objective.curvature(point, working)
        model = SparseQuadratic(hessian, gradient - hessian @ w, l1[working])
        moved = model.minimum(w, _ENOUGH if -slope > _FAR * abs(point.value) else 0.0) - w
        slope = float(gradient @ moved + l1[working] @ (np.abs(w + moved) - np.abs(w)))
        direction = np.zeros_like(l1)
        direction[working] = moved
        direction = direction.reshape(point.coefficients.shape)
        found = line_search(objective, point, direction, slope)
        if found is None:
            return point, iteration - 1, stuck(point, slope)
        point, step = found
        if watch is not None and watch(iteration, point, direction):
            return point, iteration, "callback"
        if complete and step == 1.0 and -slope <= NOTHING * abs(point.value):
            return point, iteration, "optimum"
    return point, max_iter, "iterations"


def _working_set(objective: CrossEntropyObjective, point: Point) -> tuple[np.ndarray, bool]:
    """Flat places of the entries to move, and whether they are all that are not at their optimum."""
    w, subgradient = point.coefficients.ravel(), np.abs(objective.subgradient(point)).ravel()
    free = np.repeat(~objective.penalised, objective.outputs)
    joining = np.flatnonzero((w == 0) & (subgradient > 0) & ~free)
    support = np.flatnonzero((w != 0) | free)
    allowed = max(_FEWEST_JOINING, len(support))
    joining = joining[np.argsort(-subgradient[joining])]
    working = np.concatenate([support, joining[:allowed]])
    complete = len(joining) <= allowed
    if len(working) > _MOST_WORKING:
        order = np.argsort(-np.where(free[working], np.inf, subgradient[working]))
        working, complete = working[order[:_MOST_WORKING]], False
    return np.sort(working), complete
