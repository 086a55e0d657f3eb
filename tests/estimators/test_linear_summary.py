"""The summary's numbers beside statsmodels' (figures/statsmodels.json names the version), and its print."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from descend import LinearRegression

FIGURES = json.loads(Path(__file__).with_name("figures").joinpath("statsmodels.json").read_text("utf-8"))


@pytest.fixture(params=["ols", "wls", "uncentered"])
def case(request):
    """Figures, a fitted model, and its rows and weights."""
    X, y = load_diabetes(return_X_y=True, scaled=False)
    weight = 1 + np.arange(len(y)) % 5 if request.param == "wls" else None
    model = LinearRegression(fit_intercept=request.param != "uncentered").fit(X, y, weight)
    return FIGURES[request.param], model, (X, y, weight)


def test_coefficients(case):
    figures, model, _ = case
    summary = model.summary(level=0.9)
    for name, found in (
        ("params", summary.coef), ("bse", summary.standard_errors), ("t", summary.tests.t),
        ("p", summary.tests.p), ("lower90", summary.tests.lower), ("upper90", summary.tests.upper),
    ):  # fmt: skip
        np.testing.assert_allclose(found, figures[name], rtol=1e-8, atol=1e-12, err_msg=name)


def test_the_whole_fit(case):
    figures, model, _ = case
    summary = model.summary()
    for name, found in (
        ("rsquared", summary.fit.r_squared), ("rsquared_adj", summary.fit.adjusted), ("f", summary.fit.f),
        ("f_p", summary.fit.f_p), ("llf", summary.fit.log_likelihood), ("aic", summary.fit.aic),
        ("bic", summary.fit.bic), ("scale", summary.fit.residual_standard_error**2),
        ("condition", summary.condition),
    ):  # fmt: skip
        assert found == pytest.approx(figures[name], rel=1e-8, abs=1e-100), name


def test_residuals_and_leverage(case):
    figures, model, rows = case
    summary = model.summary(*rows)
    for name in (
        "durbin_watson", "jarque_bera", "jarque_bera_p", "skew", "kurtosis", "omnibus", "omnibus_p"
    ):  # fmt: skip
        assert getattr(summary.diagnostics, name) == pytest.approx(figures[name], rel=1e-8), name
    X, _, weight = rows
    leverage = model.leverage(X, weight)
    assert leverage.sum() == pytest.approx(len(summary.coef), rel=1e-12)
    if "leverage" in figures:
        np.testing.assert_allclose(leverage[:10], figures["leverage"], rtol=1e-9)
    assert summary.greatest_leverage == (leverage.argmax(), leverage.max())


def test_the_print_of_one_fit():
    X, y = np.arange(12.0).reshape(-1, 1), np.array([1.0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13])
    printed = str(LinearRegression().fit(X, y).summary(X, y))
    rows = printed.splitlines()
    assert rows[0].strip() == "OLS Regression Results"
    assert {len(row) for row in rows if set(row) <= {"=", "-"} and row} == {78}
    assert rows[2] == "Dep. Variable:                      y   R-squared:                       0.930"
    assert "const          1.0641      0.567      1.876      0.090      -0.200       2.328" in rows
    assert "x1             1.0035      0.087     11.486      0.000       0.809       1.198" in rows
    assert "Omnibus:                       11.690   Durbin-Watson:                   3.756" in rows


def test_a_great_t_keeps_its_column():
    X, y = np.arange(6.0).reshape(-1, 1), 1e9 * np.array([1.0, 3, 2, 5, 4, 6]) + 1e15
    rows = str(LinearRegression().fit(X, y).summary()).splitlines()
    # statsmodels 0.15's OLS prints the same line
    assert "const           1e+15   7.03e+08   1.42e+06      0.000       1e+15       1e+15" in rows
    assert {len(row) for row in rows[11:13]} == {78}


def test_the_condition_number_has_three_digits():
    X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * [5.0, 1.0]
    rows = str(LinearRegression(fit_intercept=False).fit(X, [1.0, 2, 3, 5]).summary()).splitlines()
    assert [row for row in rows if row.startswith("Cond. No.                        5.00 ")]


@pytest.mark.parametrize(
    ("options", "columns", "reason"),
    [
        ({"alpha": 1.0}, [0, 1], "a penalty"), ({"positive": True}, [0, 1], "held at 0"),
        ({"loss": "huber"}, [0, 1], "loss='huber'"), ({"loss": "quantile"}, [0, 1], "loss='quantile'"),
        ({}, [0, 0], "rank 1 of 2"),
    ],
)  # fmt: skip
def test_what_is_not_given_is_said(options, columns, reason):
    X, y = load_diabetes(return_X_y=True, scaled=False)
    summary = LinearRegression(**options).fit(X[:, columns], y).summary(X[:, columns], y)
    assert summary.standard_errors is None
    assert reason in str(summary)
    assert (summary.fit is None) == ("loss" in options)


def test_as_many_coefficients_as_rows():
    summary = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0]).summary()
    assert summary.df_residual == 0
    np.testing.assert_allclose(summary.coef, [1.0, 2.0])
    assert "no more rows than coefficients" in str(summary)


def test_targets_have_a_summary_each():
    X, y = load_diabetes(return_X_y=True, scaled=False)
    both = LinearRegression().fit(X, np.column_stack([y, -2 * y]))
    one, other = both.summary(target=0), both.summary(target=1)
    np.testing.assert_allclose(other.coef, -2 * one.coef, rtol=1e-12)
    np.testing.assert_allclose(other.tests.t, -one.tests.t, rtol=1e-9)
    assert (one.target, other.target) == ("y1", "y2")


def test_squares_beyond_float64_have_a_note():
    X, y = np.array([[1.0], [2.0], [3.0], [5.0]]), np.array([1.0, 2.0, 3.0, 1.0])
    note = "Sums of y's squares are beyond float64"
    assert note in str(LinearRegression().fit(X, y * 1e160).summary())
    assert note not in str(LinearRegression().fit(X, y * 1e150).summary())
