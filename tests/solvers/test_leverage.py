"""Leverage and singular values from the triangular factor."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from descend.solvers.exact import least_squares
from descend.solvers.leverage import leverages, singular_values


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_the_diagonal_of_the_projection(way, random_problem, intercept, weighted):
    X, y = random_problem(300, 4)
    weight = np.random.default_rng(0).uniform(0, 2, 300) if weighted else None
    factor = least_squares(X, y, sample_weight=weight, fit_intercept=intercept).triangle
    rows = np.column_stack([np.ones(300), X]) if intercept else X
    rows = rows if weight is None else rows * np.sqrt(weight)[:, None]
    right = np.einsum("ij,ji->i", rows, np.linalg.pinv(rows))
    for given in (X, sparse.csr_array(X)):
        np.testing.assert_allclose(leverages(factor, given, weight), right, rtol=1e-8)
    np.testing.assert_allclose(
        singular_values(factor, True), np.linalg.svd(rows, compute_uv=False), rtol=1e-8
    )


def test_sums_to_the_rank_where_columns_depend_on_each_other(way, random_problem):
    X, y = random_problem(200, 3)
    factor = least_squares(np.column_stack([X, X[:, 0] + X[:, 1], np.full(200, 7.0)]), y).triangle
    table = np.column_stack([X, X[:, 0] + X[:, 1], np.full(200, 7.0)])
    found = leverages(factor, table, None)
    assert found.sum() == pytest.approx(4, rel=1e-9)
    assert (found <= 1 + 1e-9).all()
