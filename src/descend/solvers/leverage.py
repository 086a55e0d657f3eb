"""How much each row pulls on its own fitted value, and how ill-conditioned a table is as it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.solvers.dense_rows import dense_rows
from descend.solvers.triangle import Triangle

Doubles = NDArray[np.float64]
_ROWS = 4096


def leverages(factor: Triangle, x: Any, weight: Doubles | None, scale: float = 1.0) -> Doubles:
    """The diagonal (n,) of ``√W·A·(AᵀWA)⁺·Aᵀ·√W``: w·‖R⁻ᵀa‖² of each row a, dense or CSR.

    For the rows of the fit they lie between 0 and 1, and their sum is the rank, the intercept counted.
    """
    lengths = np.sqrt((factor.R**2).sum(axis=0))
    alive = lengths > 0
    _, values, vt = np.linalg.svd(factor.R[:, alive] / lengths[alive], full_matrices=False)
    tolerance = max(64, factor.R.shape[1]) * float(np.finfo(np.float64).eps)
    certain = values > tolerance * max(1.0, values[0])
    mixing = (vt[certain] / values[certain, None]).T / lengths[alive, None]
    found = np.empty(x.shape[0])
    for first in range(0, len(found), _ROWS):
        part = slice(first, first + _ROWS)
        rows = (dense_rows(x, part, scale) - factor.shift) / factor.scale
        if factor.intercept:
            rows = np.hstack([np.ones((len(rows), 1)), rows])
        found[part] = ((rows[:, alive] @ mixing) ** 2).sum(axis=1)
    return found if weight is None else found * weight


def singular_values(factor: Triangle, intercept_column: bool) -> Doubles:
    """Of the weighted table in its own units, descending.

    intercept_column : of [1, X] as it is; otherwise of X alone, about its means where there is an intercept.
    """
    first = int(factor.intercept)
    own = factor.R[:, first:] * factor.scale
    if not intercept_column:
        return np.asarray(np.linalg.svd(own[first:], compute_uv=False), np.float64)
    if first:
        own = np.hstack([factor.R[:, :1], own + factor.R[:, :1] * factor.shift])
    return np.asarray(np.linalg.svd(own, compute_uv=False), np.float64)
