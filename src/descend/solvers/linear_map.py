"""The rows [1, x] of a regression as a linear map, dense or compressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.solvers.triangle import Triangle

Doubles = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class LinearMap:
    """``A = [1, x]``, the 1 only with an intercept; q columns.  x : (n, p) dense or CSR."""

    x: Any
    intercept: bool

    @property
    def penalised(self) -> Doubles:
        """1 for each column of x and 0 for the intercept, (q,)."""
        return np.concatenate([np.zeros(int(self.intercept)), np.ones(self.x.shape[1])])

    def fitted(self, c: Doubles) -> Doubles:
        """A·c, (n,)."""
        first = int(self.intercept)
        return np.asarray(self.x @ c[first:], np.float64) + (c[0] if first else 0.0)

    def products(self, v: Doubles) -> Doubles:
        """Aᵀ·v, (q,)."""
        own = np.asarray(self.x.T @ v, np.float64)
        return np.concatenate([[v.sum()], own]) if self.intercept else own

    def solve(self, factor: Triangle, penalty: Doubles, right: Doubles, rank: int) -> Doubles | None:
        """``(AᵀWA + diag(penalty))⁺·right`` by a factor of √W·A, (q,); None below that rank."""
        from scipy.linalg import svd

        first = int(self.intercept)
        scale = np.concatenate([np.ones(first), factor.scale])
        shift = np.concatenate([np.zeros(first), factor.shift])
        R = np.vstack([factor.R, np.diag(np.sqrt(penalty) / scale)]) if penalty.any() else factor.R
        lengths = np.sqrt((factor.R**2).sum(axis=0) + penalty / scale**2)
        alive = lengths > 0
        _, values, vt = svd(R[:, alive] / lengths[alive], full_matrices=False)
        certain = values > 64 * len(lengths) * _EPS * values[0]
        if np.count_nonzero(certain) < rank:
            return None
        moved = (right - shift * right[0]) / scale if first else right / scale
        inner = vt[certain] @ (moved[alive] / lengths[alive]) / values[certain] ** 2
        step = np.zeros(len(right))
        step[alive] = vt[certain].T @ inner / lengths[alive]
        step /= scale
        if first:
            step[0] -= shift @ step
        return step
