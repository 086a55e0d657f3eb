"""The Hessian of a cross-entropy for directions: on the rows that bend it, in the precision asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.solvers.cross_entropy import CrossEntropyObjective, Point
from descend.solvers.design import Doubles

_UNNOTICED = 1e-4  # of the Hessian's trace
_WORTH_LEAVING = 8  # rows are left out where they are more than a share of 1 / this


class RowCurvature:
    """Σ ωᵢ (diag pᵢ − pᵢ pᵢᵀ) ⊗ aᵢ aᵢᵀ + l2 I at a point, of a design whose rows are kept dense.

    Coarsely, it is computed in float32 and leaves out the rows that together carry at most 1e-4 of its trace:
    rows of which the model is sure. That is as much as a direction needs that is tried before it is taken;
    the objective and its gradient always count all rows in float64.

    rounding : relative, of its products.
    """

    def __init__(self, objective: CrossEntropyObjective, point: Point, coarse: bool) -> None:
        kind: Any = np.float32 if coarse else np.float64
        self.rounding, self._outputs = float(np.finfo(kind).eps), objective.outputs
        self._rows: NDArray[Any] = objective.design.kept_rows(kind)
        p, share = point.probabilities, objective.share
        if coarse:
            bending = _bending_rows(objective, point)
            if len(bending) < len(p) - len(p) // _WORTH_LEAVING:
                self._rows, p, share = self._rows[bending], p[bending], share[bending]
        self._p = p.astype(kind, copy=False)
        self._shares = (p * share[:, None]).astype(kind, copy=False)
        self._bent = (p * (1 - p) * share[:, None]).astype(kind, copy=False)
        self._l2 = objective.l2

    def times(self, direction: Doubles) -> Doubles:
        """The Hessian times a direction, (width, k)."""
        size = float(np.abs(direction).max()) or 1.0  # float32 must neither overflow nor vanish
        moved = self._rows @ (direction / size).astype(self._rows.dtype, copy=False)
        if self._outputs == 1:
            moved *= self._bent
        else:
            moved -= np.einsum("ij,ij->i", self._p, moved)[:, None]
            moved *= self._shares
        found = np.asarray(self._rows.T @ moved, np.float64)
        found *= size
        found += self._l2 * direction
        return found

    def block(self, output: int) -> Doubles:
        """The Hessian's block of one output, (width, width)."""
        half = self._rows * np.sqrt(self._bent[:, [output]])
        found = np.asarray(half.T @ half, np.float64)
        found.ravel()[:: len(found) + 1] += self._l2[:, 0]
        return found


def _bending_rows(objective: CrossEntropyObjective, point: Point) -> NDArray[np.intp]:
    """Places of the rows that carry all of the Hessian's trace but 1e-4 of it."""
    p = point.probabilities
    carried = (p * (1 - p)).sum(axis=1) * objective.share * objective.design.squared_lengths
    order = np.argsort(carried)
    least = np.cumsum(carried[order])
    return np.sort(order[np.searchsorted(least, _UNNOTICED * least[-1]) :])
