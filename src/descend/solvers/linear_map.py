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
        lengths = np.sqrt((R**2).sum(axis=0))
        alive = lengths > 0
        if not alive.any():
            return None if rank else np.zeros(len(right))
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


def largest(x: Any) -> Doubles:
    """The largest absolute value of each column, (p,)."""
    sizes = abs(x).max(axis=0)
    return np.asarray(sizes if isinstance(sizes, np.ndarray) else sizes.toarray(), np.float64).ravel()


def powers(sizes: Doubles) -> Doubles:
    """Powers of two that bring numbers of these sizes to at most 1 when divided by them."""
    return np.ldexp(1.0, np.clip(np.frexp(sizes)[1], -1000, 1000))


def divided(x: Any, sizes: Doubles) -> Any:
    """x with each column divided by its size, dense or CSR as x is."""
    return x / sizes if isinstance(x, np.ndarray) else x.multiply(1 / sizes).tocsr()
