"""Both ways to the triangular factor, and least squares in rational arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

import descend.solvers.triangle as module


def _exact(X, y, weight=None, intercept=True):
    rows = [[Fraction(float(v)) for v in ([1.0] if intercept else []) + list(row)] for row in X]
    w = [Fraction(1)] * len(rows) if weight is None else [Fraction(float(v)) for v in weight]
    q = len(rows[0])
    system = [
        [sum(wk * r[i] * r[j] for wk, r in zip(w, rows, strict=True)) for j in range(q)]
        + [sum(wk * r[i] * Fraction(float(t)) for wk, r, t in zip(w, rows, y, strict=True))]
        for i in range(q)
    ]
    for i in range(q):  # Gauss and Jordan; the matrix is positive definite
        system[i] = [value / system[i][i] for value in system[i]]
        for k in range(q):
            if k != i:
                system[k] = [a - system[k][i] * b for a, b in zip(system[k], system[i], strict=True)]
    return [row[-1] for row in system]


@pytest.fixture(scope="session")
def exact() -> Callable[..., list[Fraction]]:
    """Coefficients, the intercept first, of the least-squares problem with exactly these float64 numbers."""
    return _exact


@pytest.fixture(params=["native", "numpy"])
def way(request, monkeypatch) -> str:
    """The engine that factorizes."""
    if request.param == "native":
        pytest.importorskip("descend.engines.native._native", reason="the extension is not built")
    else:
        monkeypatch.setattr(module, "_native_built", lambda: False)
    return request.param


@pytest.fixture(scope="session")
def random_problem() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """X (rows, columns) with unequal means and sizes, y (rows,) or (rows, targets)."""

    def make(rows, columns, targets=None, seed=0):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-3, 4, columns) + rng.normal(size=columns)
        y = X @ rng.normal(size=(columns, targets or 1)) + rng.normal(size=(rows, targets or 1)) + 2.5
        return X, y if targets else y[:, 0]

    return make
