"""What least squares keeps when its table is written down differently."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descend.solvers import extension
from descend.solvers.exact import least_squares

quick = settings(max_examples=60, derandomize=True)
shapes = st.tuples(st.integers(1, 60), st.integers(1, 9))


@pytest.fixture(params=["native", "numpy"], autouse=True, scope="module")
def way(request):
    if request.param == "native":
        pytest.importorskip("descend.engines.native._native", reason="the extension is not built")
        yield
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(extension, "native_built", lambda: False)
            yield


def problem(shape, seed):
    """Small whole numbers, so that many tables have dependent and constant columns."""
    rng = np.random.default_rng(seed)
    return rng.integers(-2, 3, shape).astype(float), rng.normal(size=shape[0])


def predictions(X, found):
    return X @ found.coef + found.intercept


@quick
@given(shapes, st.integers(0, 2**32), st.booleans(), st.randoms(use_true_random=False))
def test_order_of_columns_and_rows(shape, seed, intercept, random):
    X, y = problem(shape, seed)
    columns, rows = list(range(shape[1])), list(range(shape[0]))
    random.shuffle(columns)
    random.shuffle(rows)
    found = least_squares(X, y, fit_intercept=intercept)
    other = least_squares(X[rows][:, columns], y[rows], fit_intercept=intercept)
    assert other.rank == found.rank
    np.testing.assert_allclose(other.coef, found.coef[columns], atol=1e-11)
    assert other.residual_sum_of_squares == pytest.approx(found.residual_sum_of_squares, abs=1e-11)


@quick
@given(shapes, st.integers(0, 2**32), st.integers(-300, 300), st.integers(-300, 300))
def test_units_of_a_column_and_of_the_target(shape, seed, exponent, target_exponent):
    X, y = problem(shape, seed)
    found = least_squares(X, y)
    scaled = X.copy()
    scaled[:, 0] = np.ldexp(scaled[:, 0], exponent)
    other = least_squares(scaled, np.ldexp(y, target_exponent))
    assert other.rank == found.rank
    np.testing.assert_array_equal(other.singular_values, found.singular_values)
    if found.rank == shape[1]:
        back = np.ldexp(other.coef, -target_exponent)
        back[0] = np.ldexp(back[0], exponent)
        np.testing.assert_array_equal(back, found.coef)


@quick
@given(shapes, st.integers(0, 2**32), st.integers(0, 8), st.floats(0.01, 100), st.booleans())
def test_a_dependent_column_changes_nothing_that_is_predicted(shape, seed, which, factor, intercept):
    X, y = problem(shape, seed)
    found = least_squares(X, y, fit_intercept=intercept)
    wider = np.column_stack([X, factor * X[:, which % shape[1]]])
    other = least_squares(wider, y, fit_intercept=intercept)
    assert other.rank == found.rank
    assert np.linalg.norm(other.coef) <= np.linalg.norm(found.coef) * (1 + 1e-9) + 1e-12
    np.testing.assert_allclose(predictions(wider, other), predictions(X, found), atol=1e-10)


@quick
@given(shapes, st.integers(0, 2**32), st.booleans())
def test_the_residual_is_orthogonal_and_the_solution_shortest(shape, seed, intercept):
    X, y = problem(shape, seed)
    weight = np.random.default_rng(seed).integers(0, 3, shape[0]).astype(float)
    weight[0] = 1
    found = least_squares(X, y, sample_weight=weight, fit_intercept=intercept)
    design = np.column_stack([np.ones(len(X)), X]) if intercept else X
    residual = weight * (y - predictions(X, found))
    np.testing.assert_allclose(design.T @ residual, 0, atol=1e-10)
    mean = (weight @ X) / weight.sum() if intercept else 0.0
    rows = np.sqrt(weight)[:, None] * (X - mean)
    assert found.rank == np.linalg.matrix_rank(rows, tol=1e-9)
    kernel = np.eye(shape[1]) - np.linalg.pinv(rows, rcond=1e-10) @ rows
    np.testing.assert_allclose(kernel @ found.coef, 0, atol=1e-10)
