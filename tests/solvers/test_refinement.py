"""Refinement: the exact solution of the float64 numbers, rounded once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import nnls

from descend.solvers.doubled import Doubled, plus, times, total, two_product, two_sum
from descend.solvers.exact import least_squares


def vandermonde(degree, rows=60):
    x = np.linspace(0.1, 1.0, rows)
    return np.vander(x, degree + 1, increasing=True)[:, 1:], np.exp(x) + np.sin(50 * x)


@pytest.mark.parametrize("degree", [2, 5, 8, 10])
@pytest.mark.parametrize("intercept", [True, False])
def test_coefficients_are_rounded_exact_ones(way, exact, degree, intercept):
    X, y = vandermonde(degree)
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    for given in (None, weight):
        found = least_squares(X, y, sample_weight=given, fit_intercept=intercept)
        assert found.rank == degree
        right = exact(X, y, given, intercept=intercept)
        coefficients = [found.intercept, *found.coef] if intercept else found.coef
        for ours, theirs in zip(coefficients, right, strict=True):
            assert abs(Fraction(float(ours)) / theirs - 1) <= Fraction(1, 2**52)
        assert found.gap < 1e-15


def test_compressed_rows_are_refined_too(way):
    X, y = vandermonde(9)
    dense, compressed = least_squares(X, y), least_squares(sparse.csr_array(X), y)
    np.testing.assert_array_equal(compressed.coef, dense.coef)
    np.testing.assert_allclose(compressed.deviation_factors, dense.deviation_factors, rtol=1e-12)


@pytest.mark.parametrize("degree", [3, 6, 9])
def test_deviations_are_those_of_the_exact_inverse(way, exact, degree):
    X, y = vandermonde(degree, 40)
    found = least_squares(X, y)
    q = degree + 1
    design = [[Fraction(1), *(Fraction(float(v)) for v in row)] for row in X]
    gram = [[sum(row[i] * row[j] for row in design) for j in range(q)] for i in range(q)]
    for i in range(q):
        unit = [[*row, Fraction(int(k == i))] for k, row in enumerate(gram)]
        for pivot in range(q):  # Gauss and Jordan
            unit[pivot] = [v / unit[pivot][pivot] for v in unit[pivot]]
            for k in range(q):
                if k != pivot:
                    unit[k] = [a - unit[k][pivot] * b for a, b in zip(unit[k], unit[pivot], strict=True)]
        assert found.deviation_factors[i] ** 2 == pytest.approx(float(unit[i][-1]), rel=1e-10)


def test_a_penalty_is_refined_with(way, exact):
    X, y = vandermonde(7, 30)
    l2 = 2.0**-20
    found = least_squares(X, y, l2=l2, fit_intercept=False)
    rows = np.vstack([X, np.sqrt(l2) * np.eye(7)])  # the root is a power of two
    right = exact(rows, np.concatenate([y, np.zeros(7)]), intercept=False)
    for ours, theirs in zip(found.coef, right, strict=True):
        assert abs(Fraction(float(ours)) / theirs - 1) <= Fraction(1, 2**52)


def test_perfect_fits_leave_nothing(way):
    X = np.arange(1.0, 31.0).reshape(-1, 1) ** np.arange(1, 6)
    found = least_squares(X, X.sum(axis=1) + 1)
    np.testing.assert_array_equal([found.intercept, *found.coef], 1.0)
    assert np.sqrt(found.residual_sum_of_squares) <= 1e-13 * X.sum(axis=1).max()


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("l2", [0.0, 10.0])
def test_bounds_are_those_of_scipys_nnls(way, random_problem, intercept, l2):
    X, y = random_problem(500, 6, targets=3)
    X /= np.abs(X).max(axis=0)
    found = least_squares(X, y, fit_intercept=intercept, l2=l2, positive=True)
    shift = X.mean(axis=0) if intercept else 0
    for target, own in enumerate(y.T):
        rows = np.vstack([X - shift, np.sqrt(l2) * np.eye(6)])
        right = nnls(rows, np.concatenate([own - (own.mean() if intercept else 0), np.zeros(6)]))[0]
        np.testing.assert_allclose(found.coef[:, target], right, rtol=1e-9, atol=1e-12)
    assert (found.coef >= 0).all()
    assert found.deviation_factors is None


def test_doubled_numbers_lose_nothing():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 500)) * 10.0 ** rng.integers(-20, 20, (2, 500))
    for found, right in ((two_sum(a, b), lambda p, q: p + q), (two_product(a, b), lambda p, q: p * q)):
        for p, q, head, tail in zip(a, b, *found, strict=True):
            exact_value = right(Fraction(float(p)), Fraction(float(q)))
            assert Fraction(float(head)) + Fraction(float(tail)) == exact_value
    numbers = times(plus(two_sum(a, b), two_product(a, b)), b)
    found = total(Doubled(*numbers))
    right = sum(Fraction(float(h)) + Fraction(float(t)) for h, t in zip(*numbers, strict=True))
    size = sum(abs(Fraction(float(h))) for h in numbers.head)
    assert abs(Fraction(float(found.head)) + Fraction(float(found.tail)) - right) <= size / 2**100
