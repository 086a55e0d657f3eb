"""The linear systems of Newton's method: factored, or by conjugate gradients where they are large."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg import lapack

from descend.solvers.cross_entropy import CrossEntropyObjective, Point
from descend.solvers.design import Doubles
from descend.solvers.row_curvature import RowCurvature

_EPS = float(np.finfo(np.float64).eps)
# A factored block a class costs about width / 8 products; beyond this width the diagonal serves better.
_MOST_BLOCK = 256
_MOST_AT_ONCE = 250
_SERVED = 16  # products for which a preconditioner is kept at least


def solve_symmetric(matrix: Doubles, right: Doubles) -> Doubles:
    """x with matrix · x ≈ right for a positive semidefinite matrix (m, m), scaled to a diagonal of 1.

    As much is added to the diagonal as rounding may have taken away, so a singular matrix gives a short x.
    """
    scale = _diagonal_scale(matrix)
    factor = _cholesky(matrix / scale[:, None] / scale, len(matrix) * _EPS)
    return np.asarray(lapack.dpotrs(factor, right / scale, lower=1)[0]) / scale


class ConjugateGradients:
    """Solves Newton's systems by preconditioned conjugate gradients, with a budget of Hessian products.

    The preconditioner is the Hessian's block of each class, kept until it has served for a while, or, for
    more than 256 columns, the Hessian's diagonal.
    """

    def __init__(self, objective: CrossEntropyObjective, most_products: int) -> None:
        self._objective, self.left = objective, most_products
        self._inverses: Doubles | None = None
        self._served = 0

    def direction(self, point: Point, gradient: Doubles, tolerance: float, coarse: bool) -> Doubles:
        """d with H d ≈ −gradient, (width, k), to a residual of ``tolerance`` times the gradient's length.

        Lengths are in the norm of the preconditioner's inverse. coarse : whether the Hessian may be that of
        RowCurvature in float32, where the design keeps its rows.
        """
        curvature = self._curvature(point, coarse)
        precondition = self._preconditioner(point, curvature)
        direction, residual = np.zeros_like(gradient), -gradient
        weighed = precondition(residual)
        first, search = weighed, weighed.copy()
        length = float(np.vdot(residual, weighed))
        enough = tolerance**2 * length
        for _ in range(min(_MOST_AT_ONCE, self.left)):
            if not length > enough:
                break
            bent = (
                self._objective.curvature_times(point, search)
                if curvature is None
                else curvature.times(search)
            )
            self.left, self._served = self.left - 1, self._served + 1
            bend = float(np.vdot(search, bent))
            if not bend > 0:
                break
            step = length / bend
            direction += step * search
            residual -= step * bent
            weighed = precondition(residual)
            before, length = length, float(np.vdot(residual, weighed))
            search *= length / before
            search += weighed
        return direction if direction.any() else first

    def _curvature(self, point: Point, coarse: bool) -> RowCurvature | None:
        return RowCurvature(self._objective, point, coarse) if self._objective.design.keeps_rows else None

    def _preconditioner(self, point: Point, curvature: RowCurvature | None) -> Callable[[Doubles], Doubles]:
        width, outputs = point.coefficients.shape
        if width > _MOST_BLOCK:
            diagonal = self._objective.curvature_diagonal(point)
            return lambda residual: residual / np.where(diagonal > 0, diagonal, 1.0)
        if self._inverses is None or self._served > max(_SERVED, width // 4):
            own = (
                (lambda k: self._objective.class_curvature(point, k))
                if curvature is None
                else curvature.block
            )
            # Before anything is learnt all classes are as likely.
            different = outputs if point.coefficients.any() else 1
            added = width * (_EPS if curvature is None else curvature.rounding)
            blocks = np.stack([_inverse(own(k), added) for k in range(different)])
            self._inverses = np.broadcast_to(blocks, (outputs, width, width))
            self._served = 0
        inverses = self._inverses
        return lambda residual: np.matmul(inverses, residual.T[:, :, None])[:, :, 0].T


def _inverse(matrix: Doubles, added: float) -> Doubles:
    """A symmetric positive definite matrix near the inverse of a positive semidefinite one."""
    scale = _diagonal_scale(matrix)
    found, _ = lapack.dpotri(_cholesky(matrix / scale[:, None] / scale, added), lower=1)
    lower = np.tril(found) / scale[:, None] / scale
    return np.asarray(lower + np.tril(lower, -1).T)


def _diagonal_scale(matrix: Doubles) -> Doubles:
    diagonal = np.diag(matrix)
    return np.sqrt(np.where(diagonal > 0, diagonal, 1.0))


def _cholesky(matrix: Doubles, added: float) -> Doubles:
    """The lower factor of a matrix with a diagonal of 1 and ``added`` there, or as much as it takes."""
    while True:
        raised = matrix.copy(order="F")
        raised.T.ravel()[:: len(raised) + 1] += added
        factor, failed = lapack.dpotrf(raised, lower=1, overwrite_a=1)
        if not failed:
            return np.asarray(factor)
        added *= 100.0
