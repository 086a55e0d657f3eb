"""Linear regression under the absolute and the quantile loss: a linear program, solved exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import DataError
from descend.solvers.linear_map import LinearMap, divided, largest, powers
from descend.solvers.robust import RobustFit, share_of_null

Doubles = NDArray[np.float64]
_TOLERANCE = 1e-10  # HiGHS's least


def quantile_fit(
    x: Any, y: Doubles, weight: Doubles | None, *, quantile: float, l1: float, intercept: bool, positive: bool
) -> RobustFit:
    """Minimises ``Σ w·ρ(y − A·c) + l1·‖coef‖₁``, ρ(r) being quantile·r above 0 and (quantile − 1)·r below.

    Its dual has a row for each column of A and a bounded variable for each row of the table (R. Koenker and
    G. Bassett, "Regression quantiles", Econometrica 46, 1978); c are the multipliers of those:

        maximise yᵀu    where |Aᵀu| ≤ l1 (0 for the intercept) and w·(quantile − 1) ≤ u ≤ w·quantile

    HiGHS solves it (Q. Huangfu and J. A. J. Hall, "Parallelizing the dual revised simplex method", Math.
    Prog. Comp. 10, 2018). An optimal c meets the rows whose u lies between its bounds, and is solved for
    again from them. The gap is Σ w·ρ(r) − r·u, the objective's distance from the dual's.

    x : (n, p) float64, dense or CSR.  y, weight : (n,).  positive : whether no coefficient may be below 0.

    Raises
    ------
    DataError : HiGHS found no solution, with its reason.
    """
    w = np.ones(len(y)) if weight is None else weight.astype(np.float64)
    counts = w > 0
    x, y, w = x[counts], y[counts], w[counts]
    columns, target = powers(largest(x)), float(powers(np.abs(y).max(initial=0.0, keepdims=True))[0])
    rows = LinearMap(divided(x, columns), intercept)
    b, shares = y / target, w / w.max()
    unpenalised = np.full(int(intercept), np.inf)
    penalty = l1 / w.max() / np.concatenate([unpenalised, columns])
    c, u, iterations = _dual(rows, b, shares, quantile, penalty, positive)
    c = _met_exactly(rows, b, shares, quantile, penalty, c, u)
    rest = b - rows.fitted(c)
    losses, penalties = shares * _loss(rest, quantile), penalty * np.abs(c)
    objective = float(losses.sum() + penalties.sum())
    gap = float((losses - rest * u).sum() + (penalties - c * rows.products(u) * (penalty > 0)).sum())
    null = float(shares @ _loss(b - (np.quantile(b, quantile) if intercept else 0.0), quantile))
    return RobustFit(
        c * target / np.concatenate([np.ones(int(intercept)), columns]),
        objective * target * float(w.max()),
        share_of_null(gap, null),
        iterations,
    )


def _loss(rest: Doubles, quantile: float) -> Doubles:
    return np.maximum(quantile * rest, (quantile - 1) * rest)


def _dual(
    rows: LinearMap, b: Doubles, shares: Doubles, quantile: float, penalty: Doubles, positive: bool
) -> tuple[Doubles, Doubles, int]:
    """Coefficients (q,), the dual's u (n,), iterations."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, vstack

    first = int(rows.intercept)
    ones: Any = np.ones((first, len(b)))
    dense = isinstance(rows.x, np.ndarray)
    join: Any = np.vstack if dense else lambda parts: vstack(parts).tocsr()
    stack = join([ones if dense else csr_array(ones), rows.x.T])
    minimise: Any = linprog  # its overloads tell literal options apart
    limits: dict[str, Any] = {}
    bounded = positive or bool(penalty.any())
    equal = stack[:first] if bounded else stack
    if equal.shape[0]:
        limits |= {"A_eq": equal, "b_eq": np.zeros(equal.shape[0])}
    if bounded:  # from above, and from below unless coefficients are bound themselves
        above = stack[first:]
        limits |= {
            "A_ub": above if positive else join([above, -above]),
            "b_ub": penalty[first:] if positive else np.tile(penalty[first:], 2),
        }
    solved = minimise(
        -b,
        bounds=np.column_stack([shares * (quantile - 1), shares * quantile]),
        method="highs",
        options={"primal_feasibility_tolerance": _TOLERANCE, "dual_feasibility_tolerance": _TOLERANCE},
        **limits,
    )
    if solved.status != 0:
        raise DataError(f"the linear program of this loss was not solved: {solved.message.splitlines()[0]}")
    equalities, inequalities = -solved.eqlin.marginals, -solved.ineqlin.marginals
    if bounded and not positive:
        inequalities = inequalities[: len(inequalities) // 2] - inequalities[len(inequalities) // 2 :]
    return np.concatenate([equalities, inequalities]), solved.x, int(solved.nit)


def _met_exactly(
    rows: LinearMap, b: Doubles, shares: Doubles, quantile: float, penalty: Doubles, c: Doubles, u: Doubles
) -> Doubles:
    """c solved for again from the rows that it meets, unless that makes it worse."""
    from scipy.linalg import lstsq

    met = (u > shares * (quantile - 1)) & (u < shares * quantile)
    used = np.flatnonzero((c != 0) | (np.arange(len(c)) < int(rows.intercept)))
    if not met.any() or not len(used):
        return c
    some = rows.x[met] if isinstance(rows.x, np.ndarray) else rows.x[met].toarray()
    design = np.hstack([np.ones((len(some), int(rows.intercept))), some])[:, used]
    exact = np.zeros_like(c)
    exact[used] = lstsq(design, b[met])[0]
    if (exact[int(rows.intercept) :] * c[int(rows.intercept) :] < 0).any():
        return c
    before, after = (
        float(shares @ _loss(b - rows.fitted(each), quantile) + penalty @ np.abs(each)) for each in (c, exact)
    )
    return exact if after <= before * (1 + 1e-9) else c
