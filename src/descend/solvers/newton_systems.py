"""The linear systems of Newton's method: factored, or by conjugate gradients where they are large."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from descend.solvers.cross_entropy import CrossEntropyObjective, Point
from descend.solvers.design import Doubles

_EPS = float(np.finfo(np.float64).eps)
# A factored block a class costs about width / 8 products; beyond this width the diagonal serves better.
_MOST_BLOCK = 256
_MOST_AT_ONCE = 250


def solve_symmetric(matrix: Doubles, right: Doubles) -> Doubles:
    """x with matrix · x ≈ right for a positive semidefinite matrix (m, m), scaled to a diagonal of 1.

    As much is added to the diagonal as rounding may have taken away, so a singular matrix gives a short x.
    """
    scale = _diagonal_scale(matrix)
    factor = _cholesky(matrix / scale[:, None] / scale)
    return np.asarray(cho_solve(factor, right / scale, check_finite=False)) / scale


class ConjugateGradients:
    """Solves Newton's systems by preconditioned conjugate gradients, with a budget of Hessian products.

    The preconditioner is the Hessian's block of each class, kept until it has served for a while, or, for
    more than 256 columns, the Hessian's diagonal.
    """

    def __init__(self, objective: CrossEntropyObjective, most_products: int) -> None:
        self._objective, self.left = objective, most_products
        self._inverses: Doubles | None = None
        self._served = 0

    def direction(self, point: Point, gradient: Doubles, tolerance: float) -> Doubles:
        """d with H d ≈ −gradient, (width, k), to a residual of ``tolerance`` times the gradient's length.

        Lengths are in the norm of the preconditioner's inverse.
        """
        precondition = self._preconditioner(point)
        direction, residual = np.zeros_like(gradient), -gradient
        weighed = precondition(residual)
        first, search = weighed, weighed.copy()
        length = float((residual * weighed).sum())
        enough = tolerance**2 * length
        for _ in range(min(_MOST_AT_ONCE, self.left)):
            if not length > enough:
                break
            bent = self._objective.curvature_times(point, search)
            self.left, self._served = self.left - 1, self._served + 1
            curvature = float((search * bent).sum())
            if not curvature > 0:
                break
            step = length / curvature
            direction += step * search
            residual -= step * bent
            weighed = precondition(residual)
            before, length = length, float((residual * weighed).sum())
            search = weighed + length / before * search
        return direction if direction.any() else first

    def _preconditioner(self, point: Point) -> Callable[[Doubles], Doubles]:
        width, outputs = point.coefficients.shape
        if width > _MOST_BLOCK:
            diagonal = self._objective.curvature_diagonal(point)
            return lambda residual: residual / np.where(diagonal > 0, diagonal, 1.0)
        if self._inverses is None or self._served > width // 4 - 8:
            blocks = (self._objective.class_curvature(point, k) for k in range(outputs))
            self._inverses = np.stack([_inverse(block) for block in blocks])
            self._served = 0
        inverses = self._inverses
        return lambda residual: np.matmul(inverses, residual.T[:, :, None])[:, :, 0].T


def _inverse(matrix: Doubles) -> Doubles:
    """A symmetric positive definite matrix near the inverse of a positive semidefinite one."""
    scale = _diagonal_scale(matrix)
    factor, _ = _cholesky(matrix / scale[:, None] / scale)
    half = solve_triangular(factor, np.diag(1 / scale), lower=True, check_finite=False)
    return half.T @ half


def _diagonal_scale(matrix: Doubles) -> Doubles:
    diagonal = np.diag(matrix)
    return np.sqrt(np.where(diagonal > 0, diagonal, 1.0))


def _cholesky(matrix: Doubles) -> Any:
    added = len(matrix) * _EPS
    while True:
        try:
            return cho_factor(matrix + added * np.eye(len(matrix)), lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            added *= 100.0
