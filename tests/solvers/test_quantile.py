"""Quantile and absolute loss: exact optima, by the dual and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import QuantileRegressor

from descend.solvers.quantile import quantile_fit


def problem(rows=250, columns=4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    return X, X @ rng.normal(size=columns) + 2 + rng.standard_t(2, size=rows), rng.integers(0, 3, rows) / 2


def value(X, y, weight, c, quantile, l1):
    rest = y - c[0] - X @ c[1:]
    return weight @ np.maximum(quantile * rest, (quantile - 1) * rest) + l1 * np.abs(c[1:]).sum()


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.7])
@pytest.mark.parametrize("l1", [0.0, 3.0, 40.0])
def test_same_as_scikit_learn(quantile, l1):
    X, y, _ = problem()
    found = quantile_fit(X, y, None, quantile=quantile, l1=l1, intercept=True, positive=False)
    right = QuantileRegressor(quantile=quantile, alpha=l1 / len(y)).fit(X, y)
    np.testing.assert_allclose(found.c, [right.intercept_, *right.coef_], rtol=1e-7, atol=1e-9)
    assert abs(found.gap) < 1e-13
    assert found.objective == pytest.approx(value(X, y, np.ones(len(y)), found.c, quantile, l1), rel=1e-12)


@pytest.mark.parametrize("l1", [0.0, 5.0])
@pytest.mark.parametrize("positive", [False, True])
def test_weights_sizes_and_compressed_rows_change_nothing(l1, positive):
    X, y, weight = problem()
    options = {"quantile": 0.4, "l1": l1, "intercept": True, "positive": positive}
    kept = np.repeat(np.arange(len(y)), (2 * weight).astype(int))
    right = quantile_fit(X[kept], y[kept], np.full(len(kept), 0.5), **options)
    for given in (X, sparse.csr_array(X)):
        found = quantile_fit(given, y, weight, **options)
        assert found.objective == pytest.approx(right.objective, rel=1e-12)
        np.testing.assert_allclose(found.c, right.c, rtol=1e-9, atol=1e-12)
        assert abs(found.gap) < 1e-13
    assert not positive or (found.c[1:] >= 0).all()
    if l1 == 0:
        sizes = np.array([1e-8, 1.0, 1e9, 1e3])
        scaled = quantile_fit(X * sizes, y * 1e6, weight, **options)
        np.testing.assert_allclose(scaled.c[1:] * sizes / 1e6, right.c[1:], rtol=1e-9, atol=1e-12)


def test_as_many_rows_are_met_exactly_as_there_are_coefficients():
    X, y, _ = problem(500, 5)
    found = quantile_fit(X, y, None, quantile=0.5, l1=0.0, intercept=True, positive=False)
    rest = np.abs(y - found.c[0] - X @ found.c[1:])
    assert np.count_nonzero(rest < 1e-13 * np.abs(y).max()) == 6
    share = np.mean(y < found.c[0] + X @ found.c[1:])
    assert abs(share - 0.5) <= 6 / 500


def test_the_median_of_a_constant_model():
    y = np.array([3.0, 1.0, 7.0, 100.0, 2.0])
    found = quantile_fit(np.zeros((5, 1)), y, None, quantile=0.5, l1=0.0, intercept=True, positive=False)
    assert found.c[0] == 3.0


def test_ties_and_dependent_columns():
    X, y, _ = problem(200, 3)
    y = np.round(y)
    twice = np.column_stack([X, X[:, :1], np.ones(200)])
    options = {"quantile": 0.3, "l1": 0.0, "intercept": True, "positive": False}
    one, other = quantile_fit(X, y, None, **options), quantile_fit(twice, y, None, **options)
    assert one.objective == pytest.approx(other.objective, rel=1e-11)
    assert abs(other.gap) < 1e-11
