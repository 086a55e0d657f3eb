"""The solution of least squares from its triangular factor, and its refinement on the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from descend.solvers.dense import r_factor, solve
from descend.solvers.doubled import Doubled, doubled
from descend.solvers.normal_equations import NormalEquations
from descend.solvers.refinement import Preconditioner, refine
from descend.solvers.triangle import Triangle

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]
_EPS = float(np.finfo(np.float64).eps)
# The deviations' own refinement: where float64 leaves fewer than thirteen digits, and what it may cost.
_POOR_CONDITION = 100.0
_MOST_PRODUCTS = 2**26
_LARGEST_PENALTY = 1e150  # beside columns of length 1: its square is still a number


@dataclass(frozen=True)
class Solution:
    """c : (q, t) in units of the triangle's scales, the intercept first, for unshifted columns.

    squares : (t,) residual sum of squares in the target's scaled units.
    free : (p, t) columns whose coefficients are not held at 0; constant ones, beside an intercept, are.
    rank, singular_values : of X's columns scaled to length 1.
    condition : of the same, the penalty's rows included.
    unique : whether the free columns' coefficients are determined.
    gap : (t,) how far the objective may be above its least value; NaN where nothing measured it yet.
    deviation_factors : (q,) roots of the diagonal of (AᵀWA)⁻¹ in the table's own units; None with a penalty
        or a bound, where not every column varies, and before refinement.
    """

    c: Doubles
    squares: Doubles
    free: Mask
    rank: int
    singular_values: Doubles
    condition: float
    unique: bool
    gap: Doubles
    deviation_factors: Doubles | None = None


def solution_of(factor: Triangle, l2: float, positive: bool) -> Solution:
    """From R and Qᵀb alone, in float64. positive : no coefficient but the intercept may be below 0."""
    first = int(factor.intercept)
    z = factor.z[first:]
    tolerance = max(64, factor.R.shape[1]) * _EPS
    lengths = np.sqrt((factor.R**2).sum(axis=0))[first:]
    # A column that is constant (or 0, without an intercept) is rounding by now: its coefficient is 0.
    varying = np.sqrt((factor.R[first:, first:] ** 2).sum(axis=0)) > tolerance * lengths
    columns, scale = factor.R[first:, first:][:, varying] / lengths[varying], factor.scale[varying]
    units = lengths[varying] * (scale / scale.max(initial=0))
    plain = solved = solve(columns, z, units, tolerance)
    rows, right, sizes = columns, z, np.ones(columns.shape[1])
    if l2 > 0:
        penalty = np.minimum(np.sqrt(l2) / scale / lengths[varying], _LARGEST_PENALTY)
        sizes = np.hypot(1.0, penalty)
        rows = np.vstack([columns, np.diag(penalty)]) / sizes
        right = np.vstack([z, np.zeros((len(penalty), z.shape[1]))])
        solved = solve(rows, right, np.ones(len(penalty)), tolerance)
    scaled = (_nonnegative(rows, right) if positive else solved.solution) / sizes[:, None]
    slopes = np.zeros((len(factor.scale), z.shape[1]))
    slopes[varying] = scaled / lengths[varying, None]
    c = slopes
    if factor.intercept:
        height = (factor.z[0] - factor.R[0, 1:] @ slopes) / factor.R[0, 0]
        mean = factor.target_shift / factor.target_scale - factor.shift / factor.scale @ slopes
        c = np.vstack([mean + height, slopes])
    values = solved.singular_values
    return Solution(
        c,
        factor.rest + ((z - columns @ scaled) ** 2).sum(axis=0),
        slopes > 0 if positive else np.repeat(varying[:, None], z.shape[1], axis=1),
        plain.rank,
        plain.singular_values,
        float(values[0] / values[-1]) if len(values) and values[-1] > 0 else 1.0,
        solved.rank == np.count_nonzero(varying),
        np.full(z.shape[1], np.nan),
    )


def _nonnegative(a: Doubles, b: Doubles) -> Doubles:
    """Minimises ``‖b − a·g‖`` over g ≥ 0, for each column of b."""
    from scipy.optimize import nnls

    if not a.shape[1]:
        return np.zeros((0, b.shape[1]))
    return np.column_stack([nnls(a, target, maxiter=30 * a.shape[1])[0] for target in b.T])


def refined(
    found: Solution, factor: Triangle, equations: NormalEquations, l2: float, positive: bool
) -> Solution:
    """The same corrected on the rows it came from, where it is unique; its gap measured in any case."""
    c, squares, gap = found.c.copy(), found.squares.copy(), found.gap.copy()
    deviations = None
    alike = (found.free == found.free[:, :1]).all()  # as they are without a bound
    for free in found.free[:, :1].T if alike else np.unique(found.free, axis=1).T:
        targets = np.flatnonzero((found.free == free[:, None]).all(axis=0))
        own = equations.of_targets(targets)
        if found.rank == len(factor.R) - int(factor.intercept) < len(free) and not positive and l2 == 0:
            # The rows are independent, so the least value is 0.
            gap[targets] = own.residual(doubled(c[:, targets]))[1] / equations.weight_scale
            continue
        preconditioner = _preconditioner(free, found.condition, factor, l2, equations.weight_scale)
        if not found.unique:
            gap[targets] = _gap(own, preconditioner, c[:, targets]) / equations.weight_scale
            continue
        better = refine(own, preconditioner, c[:, targets])
        c[:, targets] = better.c.head
        squares[targets] = better.squares / equations.weight_scale
        gap[targets] = better.gap / equations.weight_scale
        if l2 == 0 and not positive and free.all():
            deviations = _deviation_factors(equations, preconditioner, factor.scale)
    if positive:
        c[int(factor.intercept) :] = np.maximum(c[int(factor.intercept) :], 0.0)
    return replace(found, c=c, squares=squares, gap=gap, deviation_factors=deviations)


def _gap(equations: NormalEquations, preconditioner: Preconditioner, c: Doubles) -> Doubles:
    """``sᵀ·(AᵀA)⁺·s`` of the gradient s at c: what the objective is above its least value."""
    gradient, _ = equations.residual(doubled(c))
    shifted = preconditioner.shifted(
        Doubled(gradient.head - preconditioner.penalty[:, None] * c, gradient.tail)
    )
    lengths = np.sqrt((preconditioner.R**2).sum(axis=0))[:, None]
    rows, right = (preconditioner.R / lengths.T).T, shifted / lengths
    halfway = np.linalg.lstsq(rows, right, rcond=64 * len(lengths) * _EPS)[0]
    return np.asarray((halfway**2).sum(axis=0))


def _preconditioner(
    free: Mask, condition: float, factor: Triangle, l2: float, weight_scale: float
) -> Preconditioner:
    first = int(factor.intercept)
    with np.errstate(over="ignore"):
        penalty = np.concatenate([np.zeros(first), l2 * weight_scale / factor.scale / factor.scale])
    kept = np.flatnonzero(np.concatenate([np.ones(first, bool), free]) & np.isfinite(penalty))
    penalty[~np.isfinite(penalty)] = 0.0  # beside a column this small nothing else would be left
    R = factor.R[:, kept] * np.sqrt(weight_scale)
    if l2 > 0:
        R = np.vstack([R, np.diag(np.sqrt(penalty))[:, kept]])
    if len(R) != len(kept) or np.tril(R, -1).any():
        R = r_factor(R)
    shift = np.concatenate([np.zeros(first), factor.shift / factor.scale])
    return Preconditioner(R, kept, shift, penalty, condition)


def _deviation_factors(equations: NormalEquations, preconditioner: Preconditioner, scale: Doubles) -> Doubles:
    q = equations.columns
    identity = np.eye(q)
    inverse, _ = preconditioner.correction(doubled(identity))
    if preconditioner.condition > _POOR_CONDITION and len(equations.y) * q * q <= _MOST_PRODUCTS:
        inverse = refine(equations.without_targets(q), preconditioner, inverse, identity).c.head
    roots = np.sqrt(np.diagonal(inverse) * equations.weight_scale)
    roots[int(equations.intercept) :] /= scale
    return roots
