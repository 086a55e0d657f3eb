"""What holds of LinearRegression whatever the table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from descend import LinearRegression

LOSSES = ["squared_error", "huber", "absolute_error"]
numbers = st.floats(-100, 100, width=32).map(lambda value: round(value, 3))


@st.composite
def tables(draw, columns=4):
    p = draw(st.integers(1, columns))
    n = draw(st.integers(p + 3, 40))
    return draw(arrays(np.float64, (n, p), elements=numbers)), draw(arrays(np.float64, n, elements=numbers))


def objective(model, X, y, weight=None):
    size = np.abs(y - model.predict(X))
    if model.loss == "squared_error":
        loss = size**2
    elif model.loss == "huber":
        loss = np.where(size <= model.delta, size**2, model.delta * (2 * size - model.delta))
    else:
        loss = size
    return float(loss.sum() if weight is None else weight @ loss)


@settings(max_examples=50)
@given(tables(), st.booleans())
def test_residuals_are_orthogonal_to_the_columns(table, intercept):
    X, y = table
    model = LinearRegression(fit_intercept=intercept, threads=1).fit(X, y)
    rest = y - model.predict(X)
    # What rounding the coefficients may leave in each row.
    rounding = np.abs(X) @ np.abs(model.coef_) + abs(model.intercept_) + np.abs(y)
    for column in [*X.T, *([np.ones(len(y))] if intercept else [])]:
        assert abs(column @ rest) <= 1e-11 * (np.abs(column) @ rounding + 1e-9)


@settings(max_examples=40)
@given(tables(), st.lists(st.integers(-30, 30), min_size=4, max_size=4))
def test_scaling_columns_scales_coefficients(table, exponents):
    X, y = table
    sizes = np.ldexp(1.0, exponents[: X.shape[1]])
    right = LinearRegression(threads=1).fit(X, y)
    found = LinearRegression(threads=1).fit(X * sizes, y)
    assert found.rank_ == right.rank_
    if right.rank_ == X.shape[1]:
        np.testing.assert_array_equal(found.coef_ * sizes, right.coef_)


@pytest.mark.parametrize("loss", LOSSES)
@settings(max_examples=20)
@given(tables(3), st.data())
def test_whole_weights_are_repetitions(loss, table, data):
    X, y = table
    weight = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(y), max_size=len(y))))
    if not weight.any():
        weight[0] = 1
    weighted = LinearRegression(loss=loss, threads=1).fit(X, y, weight)
    repeated = LinearRegression(loss=loss, threads=1).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    one, other = objective(weighted, X, y, weight), objective(repeated, X, y, weight)
    assert one == pytest.approx(other, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("loss", LOSSES)
@settings(max_examples=20)
@given(tables(3), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(loss, table, random):
    X, y = table
    order = list(range(len(y)))
    random.shuffle(order)
    one = LinearRegression(loss=loss, threads=1).fit(X, y)
    other = LinearRegression(loss=loss, threads=1).fit(X[order], y[order])
    assert objective(one, X, y) == pytest.approx(objective(other, X, y), rel=1e-8, abs=1e-8)


@settings(max_examples=25)
@given(tables(3))
def test_no_other_coefficients_do_better(table):
    X, y = table
    for loss in LOSSES:
        model = LinearRegression(loss=loss, threads=1).fit(X, y)
        best = objective(model, X, y)
        rng = np.random.default_rng(0)
        coef, intercept = model.coef_, model.intercept_
        for size in (1e-3, 1e-1, 1.0):
            model.coef_ = coef + size * rng.normal(size=coef.shape)
            model.intercept_ = intercept + size * rng.normal()
            assert objective(model, X, y) >= best * (1 - 1e-9) - 1e-9
        assert 0 <= model.optimality_ + 1e-12 < 1e-9
