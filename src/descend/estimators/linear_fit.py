"""Linear regression's fits by loss, and what its statistics are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import DataError
from descend.solvers.exact import LeastSquares, least_squares
from descend.solvers.huber import huber_fit
from descend.solvers.leverage import singular_values
from descend.solvers.quantile import quantile_fit
from descend.solvers.triangle import Triangle

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class LinearFit:
    """coef : (p, t).  intercept, optimality : (t,).

    rank, triangle : of the weighted columns.
    squares : for least squares only: what standard errors and R² are made of.
    loss, alpha, positive : as fitted.  rows : those with a weight.  weighted : whether there were weights.
    sum_log_weight : over those rows.
    """

    coef: Doubles
    intercept: Doubles
    optimality: Doubles
    rank: int
    triangle: Triangle
    squares: LeastSquares | None
    loss: str
    alpha: float
    positive: bool
    rows: int
    weighted: bool
    sum_log_weight: float

    @cached_property
    def singular_values(self) -> Doubles:
        """Of the weighted columns, about their means where there is an intercept, (min(n, p),) descending."""
        return singular_values(self.triangle, False)

    @property
    def unique(self) -> bool:
        """Whether the columns are independent, of each other and of the intercept."""
        return self.rank == len(self.coef)


def fit_least_squares(
    x: Any, targets: Doubles, weight: NDArray[Any] | None, alpha: float, intercept: bool, positive: bool,
    threads: int,
) -> LinearFit:  # fmt: skip
    """Minimises ``Σ w·r² + alpha·‖coef‖²``.  x : (n, p) dense or CSR.  targets : (n, t)."""
    found = least_squares(
        x,
        targets,
        sample_weight=weight,
        fit_intercept=intercept,
        l2=alpha,
        positive=positive,
        threads=threads,
    )
    return LinearFit(
        found.coef, found.intercept, found.gap, found.rank, found.triangle, found,
        "squared_error", alpha, positive, **_weights(weight, len(targets)),
    )  # fmt: skip


def fit_robust(
    x: Any, targets: Doubles, weight: NDArray[Any] | None, alpha: float, intercept: bool, positive: bool,
    threads: int, *, loss: str, delta: float, quantile: float,
) -> LinearFit:  # fmt: skip
    """Huber's loss with an L2 penalty, absolute and quantile loss with an L1 one; each target for itself."""
    squares = least_squares(x, targets, sample_weight=weight, fit_intercept=intercept, threads=threads)
    x = x.astype(np.float64, copy=False)
    fits = []
    for y in targets.T:
        if loss == "huber":
            fit = huber_fit(x, y, weight, delta=delta, l2=alpha, intercept=intercept, threads=threads)
        else:  # |r| is twice the loss of the median
            level, l1 = (0.5, alpha / 2) if loss == "absolute_error" else (quantile, alpha)
            fit = quantile_fit(x, y, weight, quantile=level, l1=l1, intercept=intercept, positive=positive)
        fits.append(fit)
    c = np.column_stack([fit.c for fit in fits])
    first = int(intercept)
    return LinearFit(
        c[first:], c[0] if intercept else np.zeros(len(fits)), np.array([fit.gap for fit in fits]),
        squares.rank, squares.triangle, None, loss, alpha, positive,
        **_weights(weight, len(targets)),
    )  # fmt: skip


def in_dtype(values: Doubles, dtype: Any) -> NDArray[Any]:
    """The same numbers in X's dtype.

    Raises
    ------
    DataError : one is beyond float32.
    """
    with np.errstate(over="ignore"):
        found = values.astype(dtype)
    if not np.isfinite(found).all():
        worst = float(values.ravel()[np.argmax(np.abs(values))])
        raise DataError(f"a coefficient, {worst:.3g}, is beyond float32, X's type: use dtype='float64'")
    return found


def _weights(weight: NDArray[Any] | None, rows: int) -> dict[str, Any]:
    if weight is None:
        return {"rows": rows, "weighted": False, "sum_log_weight": 0.0}
    counted = weight[weight > 0].astype(np.float64)
    return {"rows": len(counted), "weighted": True, "sum_log_weight": float(np.log(counted).sum())}
