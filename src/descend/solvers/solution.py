"""The solution of least squares from its triangular factor, and its refinement on the rows themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.solvers.dense import r_factor, solve
from descend.solvers.doubled import doubled
from descend.solvers.normal_equations import NormalEquations
from descend.solvers.refinement import Preconditioner, refine
from descend.solvers.triangle import Triangle

Doubles = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)
# The variances' own refinement: where float64 leaves fewer than thirteen digits, and what it may cost.
_POOR_CONDITION = 100.0
_MOST_PRODUCTS = 2**26


@dataclass(frozen=True)
class Solution:
    """c : (q, t) in units of the triangle's scales, the intercept first, for unshifted columns.

    squares : (t,) residual sum of squares in the target's scaled units.
    varying : (p,) columns that are neither constant beside an intercept nor 0.
    rank, singular_values : of those columns scaled to length 1.
    condition : of the same, the penalty's rows included.
    unique : whether the varying columns' coefficients are determined.
    """

    c: Doubles
    squares: Doubles
    varying: NDArray[np.bool_]
    rank: int
    singular_values: Doubles
    condition: float
    unique: bool


def solution_of(factor: Triangle, l2: float) -> Solution:
    """From R and Qᵀb alone, in float64."""
    first = int(factor.intercept)
    z = factor.z[first:]
    tolerance = max(64, factor.R.shape[1]) * _EPS
    lengths = np.sqrt((factor.R**2).sum(axis=0))[first:]
    # A column that is constant (or 0, without an intercept) is rounding by now: its coefficient is 0.
    varying = np.sqrt((factor.R[first:, first:] ** 2).sum(axis=0)) > tolerance * lengths
    columns, scale = factor.R[first:, first:][:, varying] / lengths[varying], factor.scale[varying]
    units = lengths[varying] * (scale / scale.max(initial=0))
    plain = solved = solve(columns, z, units, tolerance)
    if l2 > 0:
        penalty = np.diag(np.sqrt(l2) / scale / lengths[varying])
        nothing = np.zeros((len(penalty), z.shape[1]))
        solved = solve(np.vstack([columns, penalty]), np.vstack([z, nothing]), units, tolerance)
    slopes = np.zeros((len(factor.scale), z.shape[1]))
    slopes[varying] = solved.solution / lengths[varying, None]
    c = slopes
    if factor.intercept:
        height = (factor.z[0] - factor.R[0, 1:] @ slopes) / factor.R[0, 0]
        mean = factor.target_shift / factor.target_scale - factor.shift / factor.scale @ slopes
        c = np.vstack([mean + height, slopes])
    values = solved.singular_values
    return Solution(
        c,
        factor.rest + ((z - columns @ solved.solution) ** 2).sum(axis=0),
        varying,
        plain.rank,
        plain.singular_values,
        float(values[0] / values[-1]) if len(values) and values[-1] > 0 else 1.0,
        solved.rank == np.count_nonzero(varying),
    )


@dataclass(frozen=True)
class RefinedSolution:
    """c : (q, t) and squares : (t,) as of ``Solution``.  passes : over the rows.

    deviation_factors : (q,) roots of the diagonal of (AᵀWA)⁻¹ in the table's own units; None with a penalty
        and where not every column varies.
    """

    c: Doubles
    squares: Doubles
    passes: int
    deviation_factors: Doubles | None


def refine_solution(
    found: Solution, factor: Triangle, l2: float, x: NDArray[Any], y: NDArray[Any],
    weight: NDArray[Any] | None, scale: float, threads: int,
) -> RefinedSolution:  # fmt: skip
    """Corrects a unique solution on the rows it came from; see refinement.py."""
    powers = np.concatenate([factor.scale, factor.target_scale])
    weight_scale = 1.0 if weight is None else _power_of_four_above(float(weight.max()))
    equations = NormalEquations(x, y, weight, scale, factor.intercept, powers, weight_scale, threads)
    preconditioner = _preconditioner(found, factor, l2, weight_scale)
    if not np.isfinite(preconditioner.penalty).all():  # beside a column this small nothing else would be left
        return RefinedSolution(found.c, found.squares, 0, None)
    refined = refine(equations, preconditioner, found.c)
    deviations = None
    if l2 == 0 and found.varying.all():
        deviations = _deviation_factors(equations, preconditioner, factor.scale)
    return RefinedSolution(refined.c.head, refined.squares / weight_scale, refined.passes, deviations)


def _power_of_four_above(weight: float) -> float:
    """Weights times this are at most 1."""
    exponent = int(np.frexp(weight)[1])
    return float(np.ldexp(1.0, 2 * min(-((exponent + 1) // 2), 500)))


def _preconditioner(found: Solution, factor: Triangle, l2: float, weight_scale: float) -> Preconditioner:
    first = int(factor.intercept)
    kept = np.flatnonzero(np.concatenate([np.ones(first, bool), found.varying]))
    with np.errstate(over="ignore"):
        penalty = np.concatenate([np.zeros(first), l2 * weight_scale / factor.scale / factor.scale])
    R = factor.R[:, kept] * np.sqrt(weight_scale)
    if l2 > 0:
        R = np.vstack([R, np.diag(np.sqrt(penalty))[:, kept]])
    if len(R) != len(kept) or np.tril(R, -1).any():
        R = r_factor(R)
    shift = np.concatenate([np.zeros(first), factor.shift / factor.scale])
    return Preconditioner(R, kept, shift, penalty, found.condition)


def _deviation_factors(equations: NormalEquations, preconditioner: Preconditioner, scale: Doubles) -> Doubles:
    q = equations.columns
    identity = np.eye(q)
    inverse, _ = preconditioner.correction(doubled(identity))
    if preconditioner.condition > _POOR_CONDITION and len(equations.x) * q * q <= _MOST_PRODUCTS:
        inverse = refine(equations.without_targets(q), preconditioner, inverse, identity).c.head
    roots = np.sqrt(np.diagonal(inverse) * equations.weight_scale)
    roots[equations.intercept :] /= scale
    return roots
