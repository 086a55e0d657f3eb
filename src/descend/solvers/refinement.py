"""Least squares beyond the precision of its factorization.

With R from QR in float64 and residuals to twice that precision, each pass over the rows

    s = Aᵀ·W·(b − A·c) − λ·c        c ← c + R⁻¹·R⁻ᵀ·s

leaves an error of about 2⁻⁵²·κ times the one before (κ the condition of the scaled columns), down to
2⁻¹⁰⁴·κ² of the coefficients.

Å. Björck, "Stability analysis of the method of seminormal equations for linear least squares problems",
Linear Algebra Appl. 88/89, 1987. J. Demmel, Y. Hida, E. J. Riedy and X. S. Li, "Extra-precise iterative
refinement for overdetermined least squares problems", ACM Trans. Math. Softw. 35, 2009.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descend.solvers.dense import substitute
from descend.solvers.doubled import Doubled, doubled, plus, times
from descend.solvers.normal_equations import NormalEquations

Doubles = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)
_MOST_PASSES = 10
_ROUNDING = 2.0**-100  # of doubled numbers, and a little more


@dataclass(frozen=True)
class Preconditioner:
    """A factor whose columns are shifted: ``RᵀR`` is ``AᵀWA + diag(λ)`` after ``A[:, 1:] −= shift·A[:, :1]``.

    R : (k, k) upper triangular, of the columns ``kept``.  kept : (k,) places among the q columns of A.
    shift : (q,), 0 for the intercept's own column and everywhere without one.
    penalty : (q,) λ.  condition : of R's scaled columns.
    """

    R: Doubles
    kept: NDArray[np.intp]
    shift: Doubles
    penalty: Doubles
    condition: float

    def shifted(self, gradient: Doubled) -> Doubles:
        """The kept entries (k, t) of a gradient (q, t), by the coefficients of shifted columns."""
        first = gradient.at(slice(0, 1))
        moved = plus(gradient, times(Doubled(-first.head, -first.tail), self.shift[:, None])).head
        return moved[self.kept]

    def correction(self, gradient: Doubled) -> tuple[Doubles, Doubles]:
        """``(AᵀWA + diag(λ))⁻¹·gradient`` (q, t), and what it takes off the objective (t,)."""
        halfway = substitute(self.R, self.shifted(gradient), transposed=True)
        step = np.zeros(gradient.head.shape)
        step[self.kept] = substitute(self.R, halfway)
        step[0] -= self.shift @ step
        return step, (halfway**2).sum(axis=0)


@dataclass(frozen=True)
class Refined:
    """c : (q, t).  squares : (t,) ``Σ w·(b − A·c)²``.  passes : over the rows.

    gap : (t,) how far the objective was above its least value when the last pass measured it.
    """

    c: Doubled
    squares: Doubles
    passes: int
    gap: Doubles


def refine(
    equations: NormalEquations, preconditioner: Preconditioner, start: Doubles, right: Doubles | None = None
) -> Refined:
    """Corrects c until its rounding to float64 is right, or until passes no longer help.

    start : (q, t) coefficients in the equations' units.
    right : (q, t), added to ``Aᵀ·W·b``.

    The first pass is judged by the condition, further ones by what the last one gained: one pass is enough
    for conditions up to about 10⁶ unless a fit is perfect or a coefficient 0. What is left of one after
    corrections have cancelled it to the last digit is 0.
    """
    c, largest = doubled(start), np.abs(start)
    plain = right is None and not preconditioner.penalty.any()
    last = np.full(start.shape[1], np.inf)
    gain = min(0.5, 64 * len(start) * _EPS * preconditioner.condition)
    for passes in range(1, _MOST_PASSES + 1):
        gradient, squares = equations.residual(c)
        gradient = plus(gradient, times(Doubled(-c.head, -c.tail), preconditioner.penalty[:, None]))
        if right is not None:
            gradient = plus(gradient, doubled(right))
        step, reduced = preconditioner.correction(gradient)
        size = np.sqrt(reduced)
        helps = size < last / 2
        c = plus(c, doubled(np.where(helps, step, 0.0)))
        largest = np.maximum(largest, np.abs(c.head))
        if passes > 1:
            gain = min(0.5, float(np.max(size / np.maximum(last, np.finfo(np.float64).tiny), initial=0.0)))
        sure = (np.abs(step) * gain <= _EPS / 16 * np.abs(c.head)).all(axis=0)
        if plain:  # squares of nearly perfect fits are those of the coefficients' errors before
            sure &= reduced <= np.maximum(squares / 2, _EPS**2)  # targets lie between −1 and 1
            squares = np.maximum(squares - np.where(helps, reduced, 0.0), 0.0)
        if (sure | ~helps).all():
            break
        last = np.where(helps, size, 0.0)
    left = np.abs(c.head) > _ROUNDING * largest
    return Refined(Doubled(c.head * left, c.tail * left), squares, passes, reduced)
