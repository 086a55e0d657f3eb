"""Inference for least squares: against scipy, closed forms, and where nothing is defined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from descend.evaluation.linear_statistics import coefficient_tests, fit_statistics, residual_diagnostics


@pytest.fixture
def line():
    rng = np.random.default_rng(0)
    x = rng.normal(size=25)
    return x, 1 + 0.4 * x + rng.normal(size=25)


def test_one_slope_as_scipys_linregress(line):
    x, y = line
    right = stats.linregress(x, y)
    rest = y - right.intercept - right.slope * x
    found = coefficient_tests(np.array([right.slope]), np.array([right.stderr]), 23, 0.95)
    assert found.p[0] == pytest.approx(right.pvalue, rel=1e-10)
    half = stats.t.ppf(0.975, 23) * right.stderr
    assert (found.lower[0], found.upper[0]) == pytest.approx((right.slope - half, right.slope + half))
    fit = fit_statistics(rest @ rest, ((y - y.mean()) ** 2).sum(), 25, 1, True)
    assert fit.r_squared == pytest.approx(right.rvalue**2)
    assert fit.f == pytest.approx(found.t[0] ** 2)
    assert fit.f_p == pytest.approx(right.pvalue, rel=1e-9)
    assert fit.residual_standard_error == pytest.approx(math.sqrt(rest @ rest / 23))


def test_likelihood_is_that_of_normal_errors(line):
    _, y = line
    rest = y - y.mean()
    weight = np.linspace(0.5, 2, 25)
    squares = float(weight @ rest**2)
    fit = fit_statistics(squares, squares, 25, 0, True, float(np.log(weight).sum()))
    variance = squares / 25 / weight
    right = stats.norm.logpdf(rest, scale=np.sqrt(variance)).sum()
    assert fit.log_likelihood == pytest.approx(right)
    assert fit.aic == pytest.approx(2 - 2 * right)
    assert fit.bic == pytest.approx(math.log(25) - 2 * right)
    assert math.isnan(fit.f)


def test_perfect_fits_and_missing_freedom():
    perfect = fit_statistics(0.0, 10.0, 20, 2, True)
    assert (perfect.r_squared, perfect.f, perfect.f_p) == (1.0, math.inf, 0.0)
    none_left = fit_statistics(0.0, 10.0, 3, 2, True)
    assert math.isnan(none_left.residual_standard_error)
    assert math.isnan(none_left.adjusted)
    assert math.isnan(fit_statistics(0.0, 0.0, 9, 1, True).r_squared)
    assert np.isnan(coefficient_tests(np.ones(2), np.ones(2), 0, 0.9).p).all()


def test_residuals_against_scipy(line):
    _, y = line
    rest = y - y.mean()
    found = residual_diagnostics(rest)
    assert found.jarque_bera == pytest.approx(stats.jarque_bera(rest).statistic)
    assert found.jarque_bera_p == pytest.approx(stats.jarque_bera(rest).pvalue)
    assert found.omnibus == pytest.approx(stats.normaltest(rest).statistic)
    assert found.skew == pytest.approx(stats.skew(rest))
    assert found.kurtosis == pytest.approx(stats.kurtosis(rest, fisher=False))
    assert math.isnan(residual_diagnostics(rest[:5]).omnibus)
    assert math.isnan(residual_diagnostics(np.zeros(9)).skew)


def test_neighbours_that_alternate():
    assert residual_diagnostics(np.array([1.0, -1.0] * 10)).durbin_watson == pytest.approx(3.8)
