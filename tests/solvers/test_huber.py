"""Huber's loss to its optimum: against a general minimiser and its own conditions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from descend.solvers.huber import huber_fit
from descend.solvers.quantile import quantile_fit


def problem(rows=200, columns=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns)) * 10.0 ** rng.integers(-3, 4, columns) + rng.normal(size=columns)
    y = X @ rng.normal(size=columns) + rng.standard_t(1.5, size=rows)
    return X, y, rng.integers(0, 3, rows).astype(float)


def objective(X, y, weight, delta, l2, intercept):
    def value(c):
        rest = y - X @ c[int(intercept) :] - (c[0] if intercept else 0)
        size = np.abs(rest)
        loss = np.where(size <= delta, rest**2, 2 * delta * size - delta**2)
        return weight @ loss + l2 * c[int(intercept) :] @ c[int(intercept) :]

    return value


@pytest.mark.parametrize("delta", [1e-3, 0.1, 1.0, 1e3])
@pytest.mark.parametrize("l2", [0.0, 2.0])
@pytest.mark.parametrize("intercept", [True, False])
def test_nothing_lower_is_found(way, delta, l2, intercept):
    X, y, weight = problem()
    X = X / np.abs(X).max(axis=0)
    value = objective(X, y, weight, delta, l2, intercept)
    found = huber_fit(X, y, weight, delta=delta, l2=l2, intercept=intercept, threads=2)
    assert found.objective == pytest.approx(value(found.c), rel=1e-13)
    assert 0 <= found.gap < 1e-20
    assert found.iterations < 40
    start = found.c + np.random.default_rng(1).normal(size=len(found.c)) * 0.1
    other = minimize(value, start, method="BFGS", options={"gtol": 1e-10, "maxiter": 2000})
    assert found.objective <= other.fun * (1 + 1e-12)
    np.testing.assert_allclose(found.objective, other.fun, rtol=1e-6)


def test_the_conditions_of_an_optimum_hold_to_rounding(way):
    X, y, weight = problem(3000, 6)
    found = huber_fit(X, y, weight, delta=0.5, l2=0.0, intercept=True, threads=2)
    bent = weight * (y - found.c[0] - X @ found.c[1:]).clip(-0.5, 0.5)
    products = np.concatenate([[bent.sum()], X.T @ bent])
    sizes = np.concatenate([[np.abs(bent).sum()], np.abs(X).T @ np.abs(bent)])
    assert (np.abs(products) <= 1e-12 * sizes).all()


def test_rows_beyond_delta_pull_no_further(way):
    X, y, _ = problem(300, 3)
    found = huber_fit(X, y, None, delta=1.0, l2=0.0, intercept=True, threads=1)
    far = np.argmax(y - found.c[0] - X @ found.c[1:])
    y[far] += 1e6
    again = huber_fit(X, y, None, delta=1.0, l2=0.0, intercept=True, threads=1)
    np.testing.assert_allclose(again.c, found.c, rtol=1e-9)


def test_dependent_columns_reach_the_same_objective(way):
    X, y, weight = problem(150, 3)
    right = huber_fit(X, y, weight, delta=0.5, l2=0.0, intercept=True, threads=1)
    twice = np.column_stack([X, X[:, 1], np.ones(len(X))])
    found = huber_fit(twice, y, weight, delta=0.5, l2=0.0, intercept=True, threads=1)
    assert found.objective == pytest.approx(right.objective, rel=1e-12)


def test_compressed_rows(way):
    rng = np.random.default_rng(2)
    X = sparse.random_array((400, 10), density=0.2, rng=rng, format="csr")
    y = X @ rng.normal(size=10) + rng.standard_t(2, size=400)
    one = huber_fit(X, y, None, delta=0.3, l2=1.0, intercept=True, threads=1)
    other = huber_fit(X.toarray(), y, None, delta=0.3, l2=1.0, intercept=True, threads=1)
    np.testing.assert_allclose(one.c, other.c, rtol=1e-10)


def test_a_perfect_fit():
    X = np.arange(12.0).reshape(6, 2) ** 1.5
    found = huber_fit(X, X @ [2.0, -1.0] + 3, None, delta=0.1, l2=0.0, intercept=True, threads=1)
    np.testing.assert_allclose(found.c, [3.0, 2.0, -1.0], rtol=1e-9)


@pytest.mark.parametrize("size", [1e-300, 1e155, 1e300])
@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_targets_of_any_size(size, l2):
    X, y, weight = problem()
    right = huber_fit(X, y, weight, delta=1.0, l2=l2, intercept=True, threads=2)
    found = huber_fit(X, y * size, weight, delta=size, l2=l2, intercept=True, threads=2)
    np.testing.assert_allclose(found.c / size, right.c, rtol=1e-9)
    tiny = huber_fit(X, y * 1e-300, weight, delta=1.0, l2=l2, intercept=True, threads=2)
    squares = huber_fit(X, y, weight, delta=1e6, l2=l2, intercept=True, threads=2)
    np.testing.assert_allclose(tiny.c * 1e300, squares.c, rtol=1e-9)


@pytest.mark.parametrize("size", [1e17, 1e60, 1e155])
def test_a_delta_below_the_rounding_of_targets_is_the_absolute_loss(size):
    X, y, weight = problem()
    right = quantile_fit(X, y, weight, quantile=0.5, l1=0.0, intercept=True, positive=False)
    found = huber_fit(X, y * size, weight, delta=1.0, l2=0.0, intercept=True, threads=2)
    np.testing.assert_allclose(found.c / size, right.c, rtol=1e-9, atol=1e-9)
    assert found.gap < 1e-12
    first = huber_fit(X, y, weight, delta=1e-14, l2=1e-12, intercept=True, threads=2)
    scaled = huber_fit(X, y, weight, delta=1e-20, l2=1e-18, intercept=True, threads=2)
    np.testing.assert_allclose(first.c, scaled.c, rtol=1e-9)
    assert first.objective == pytest.approx(scaled.objective * 1e6, rel=1e-9)
