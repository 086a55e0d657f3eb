"""Both ways to the triangular factor, exact answers, and programs of any engine with known optima."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from sklearn import datasets

from descend.engines.registry import ENGINES, get_engine
from descend.errors import EngineUnavailable
from descend.optimizers import SGD
from descend.solvers import extension


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
        monkeypatch.setattr(extension, "native_built", lambda: False)
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


@pytest.fixture(params=ENGINES)
def engine_name(request):
    """Every engine in turn; one whose library is missing is skipped, and says so."""
    try:
        get_engine(request.param)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    return request.param


@pytest.fixture
def compiled():
    """A function that compiles a network."""

    def compile_network(network, inputs, engine="native", dtype="float64", seed=0, threads=1):
        return get_engine(engine).compile(network, network.widths(inputs), SGD(), dtype, threads, seed)

    return compile_network


@pytest.fixture(params=["iris", "breast_cancer", "digits"])
def classes(request):
    """Standardised rows and class numbers of a built-in table."""
    X, y = getattr(datasets, f"load_{request.param}")(return_X_y=True)
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0), y.astype(np.int64)
