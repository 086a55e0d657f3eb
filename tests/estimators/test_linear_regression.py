"""LinearRegression: scikit-learn's checks of an estimator, its own results beside other solvers', corners."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn.datasets import load_diabetes
from sklearn.utils.estimator_checks import parametrize_with_checks

from descend import LinearRegression
from descend.errors import DataError, OptionError


@parametrize_with_checks(
    [
        LinearRegression(),
        LinearRegression(positive=True),
        LinearRegression(alpha=1.0),
        LinearRegression(loss="huber"),
        LinearRegression(loss="absolute_error"),
        LinearRegression(loss="quantile", quantile=0.3),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def diabetes():
    return load_diabetes(return_X_y=True, scaled=False)


def test_scikit_learns_attributes():
    X, y = diabetes()
    for given in (y, np.column_stack([y, y**2])):
        ours, theirs = LinearRegression().fit(X, given), linear_model.LinearRegression().fit(X, given)
        for name in ("coef_", "intercept_", "singular_"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-9)
            assert np.shape(getattr(ours, name)) == np.shape(getattr(theirs, name))
        assert ours.rank_ == theirs.rank_
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-11)
        assert np.max(ours.optimality_) < 1e-20


@pytest.mark.parametrize("positive", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_weights_and_bounds_as_in_scikit_learn(positive, intercept):
    X, y = diabetes()
    y = np.column_stack([y, -y])
    weight = np.random.default_rng(0).uniform(0, 2, len(X))
    options = {"positive": positive, "fit_intercept": intercept}
    ours = LinearRegression(**options).fit(X, y, weight)
    theirs = linear_model.LinearRegression(**options).fit(X, y, weight)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-8)
    assert not positive or (ours.coef_ >= 0).all()


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e4])
def test_ridge_and_huber_count_alpha_as_scikit_learn(alpha):
    X, y = diabetes()
    ridge = linear_model.Ridge(alpha, solver="svd").fit(X, y)
    for loss in ("squared_error", "huber"):  # which are the same while no row is beyond delta
        ours = LinearRegression(alpha=alpha, loss=loss, delta=1e4).fit(X, y)
        np.testing.assert_allclose(ours.coef_, ridge.coef_, rtol=1e-8)
        assert ours.intercept_ == pytest.approx(ridge.intercept_, rel=1e-8)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.8])
def test_quantiles_are_scikit_learns(quantile):
    X, y = diabetes()
    theirs = linear_model.QuantileRegressor(quantile=quantile, alpha=0).fit(X, y)
    ours = LinearRegression(loss="quantile", quantile=quantile).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)
    assert ours.optimality_ <= 1e-12
    if quantile == 0.5:
        absolute = LinearRegression(loss="absolute_error").fit(X, y)
        np.testing.assert_allclose(absolute.coef_, ours.coef_, rtol=1e-9)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error", "quantile"])
@pytest.mark.parametrize(
    "container", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.coo_array]
)
def test_sparse_rows_give_the_dense_result(loss, container):
    rng = np.random.default_rng(1)
    X = sparse.random_array((500, 12), density=0.3, rng=rng)
    y = X @ rng.normal(size=12) + rng.standard_t(3, size=500)
    weight = rng.integers(0, 3, 500)
    dense = LinearRegression(loss=loss, alpha=0.1).fit(X.toarray(), y, weight)
    found = LinearRegression(loss=loss, alpha=0.1).fit(container(X), y, weight)
    np.testing.assert_allclose(found.coef_, dense.coef_, rtol=1e-9)
    np.testing.assert_array_equal(found.predict(container(X)), found.predict(X.toarray()))


def test_least_squares_of_sparse_rows_has_the_dense_bits():
    rng = np.random.default_rng(2)
    X = sparse.random_array((3000, 8), density=0.2, rng=rng)
    y = rng.normal(size=3000)
    dense, found = LinearRegression().fit(X.toarray(), y), LinearRegression().fit(X, y)
    np.testing.assert_array_equal(found.coef_, dense.coef_)  # both are the exact solution, rounded


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64, np.uint8, np.bool_])
@pytest.mark.parametrize("order", ["C", "F"])
def test_types_and_layouts(dtype, order):
    X = (
        np.random.default_rng(3)
        .integers(0, 2 if dtype == np.bool_ else 90, (200, 4))
        .astype(dtype, order=order)
    )
    X.flags.writeable = False
    y = np.arange(200)
    right = LinearRegression().fit(X.astype(float), y)
    found = LinearRegression().fit(X, y)
    np.testing.assert_array_equal(found.coef_, right.coef_.astype(found.coef_.dtype))
    assert found.coef_.dtype == (np.float32 if dtype == np.float32 else np.float64)
    tolerance = 1e-6 if dtype == np.float32 else 0.0
    np.testing.assert_allclose(found.predict(X), right.predict(X.astype(float)), rtol=tolerance)


def test_frames_keep_their_names():
    X, y = diabetes()
    names = [f"feature {i}" for i in range(10)]
    right = LinearRegression().fit(X, y)
    for frame in (pd.DataFrame(X, columns=names), pl.DataFrame(X, schema=names)):
        found = LinearRegression().fit(frame, pd.Series(y, name="progression"))
        np.testing.assert_array_equal(found.coef_, right.coef_)
        assert list(found.feature_names_in_) == names
        assert found.summary().names == ["const", *names]
        assert found.summary().target == "progression"
        np.testing.assert_array_equal(found.predict(frame), right.predict(X))


def test_constant_and_duplicate_columns():
    X, y = diabetes()
    right = LinearRegression().fit(X, y)
    with_constant = LinearRegression().fit(np.insert(X, 2, 0.1, axis=1), y)
    assert with_constant.rank_ == 10
    assert with_constant.coef_[2] == 0.0
    np.testing.assert_allclose(np.delete(with_constant.coef_, 2), right.coef_, rtol=1e-12)
    twice = LinearRegression().fit(np.column_stack([X, X[:, 0]]), y)
    assert twice.rank_ == 10
    np.testing.assert_allclose(twice.coef_[[0, 10]], right.coef_[0] / 2, rtol=1e-9)
    assert twice.optimality_ < 1e-20
    assert "rank 10 of 11" in str(twice.summary())


def test_more_columns_than_rows():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(20, 50)), rng.normal(size=20)
    for given in (X, sparse.csr_array(X)):
        found = LinearRegression().fit(given, y)
        theirs = linear_model.LinearRegression().fit(X, y)
        np.testing.assert_allclose(found.coef_, theirs.coef_, rtol=1e-9)
        assert found.rank_ == 19
        np.testing.assert_allclose(found.predict(X), y, atol=1e-12)


def test_huge_and_tiny_columns_side_by_side():
    X, y = diabetes()
    sizes = np.ldexp(1.0, [-900, 900, 0, -300, 300, 40, -40, 600, -600, 10])
    right, found = LinearRegression().fit(X, y), LinearRegression().fit(X * sizes, y)
    assert found.rank_ == 10
    np.testing.assert_array_equal(found.coef_ * sizes, right.coef_)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_rows_without_weight_do_not_count(loss):
    X, y = diabetes()
    weight = (np.arange(len(y)) % 3 > 0).astype(float)
    kept = weight > 0
    found = LinearRegression(loss=loss, delta=20).fit(X, np.where(kept, y, 1e9), weight)
    right = LinearRegression(loss=loss, delta=20).fit(X[kept], y[kept])
    np.testing.assert_allclose(found.coef_, right.coef_, rtol=1e-9)


def test_predictions_do_not_depend_on_the_batch():
    rng = np.random.default_rng(5)
    for columns in (1, 2, 7, 8, 9, 130, 1000):
        X = rng.normal(size=(400, columns)) * 10.0 ** rng.integers(-8, 8, (400, columns))
        model = LinearRegression().fit(X, rng.normal(size=400))
        whole = model.predict(X)
        for rows in (slice(0, 1), slice(3, 4), slice(1, 400, 2), slice(399, 400)):
            np.testing.assert_array_equal(model.predict(X[rows]), whole[rows])
        np.testing.assert_array_equal(model.predict(np.asfortranarray(X)), whole)


def test_survives_pickling_with_its_statistics():
    X, y = diabetes()
    model = LinearRegression().fit(X, y)
    assert str(pickle.loads(pickle.dumps(model)).summary()) == str(model.summary())


def test_jobs_and_threads_change_no_bits():
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(20_000, 5)), rng.normal(size=20_000)
    right = LinearRegression(threads=1).fit(X, y)
    for options in ({"threads": 3}, {"n_jobs": 2}, {"n_jobs": -1}):
        np.testing.assert_array_equal(LinearRegression(**options).fit(X, y).coef_, right.coef_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "loss"), ({"alpha": -1.0}, "alpha"), ({"delta": 0.0}, "delta"),
        ({"quantile": 1.0}, "quantile"), ({"threads": 0}, "threads"), ({"tol": -1.0}, "tol"),
        ({"loss": "huber", "positive": True}, "positive=True does not go with loss='huber'"),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        LinearRegression(**options).fit([[1.0], [2.0]], [1.0, 2.0])


def test_bad_data_is_refused_by_name():
    frame = pd.DataFrame({"height": [1.0, 2.0, 3.0], "weight": [1.0, np.nan, 2.0]})
    with pytest.raises(DataError, match="NaN in row 1, column 'weight'"):
        LinearRegression().fit(frame, [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match=r"(?i)weight.*zero"):
        LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0], [0.0, 0.0])
    model = LinearRegression().fit([[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0])
    for options, message in (({"level": 1.0}, "level"), ({"target": 1}, "target must be from 0 to 0")):
        with pytest.raises(OptionError, match=message):
            model.summary(**options)
    with pytest.raises(DataError, match="needs y"):
        model.summary([[1.0]])


CORNERS = {
    "zeros": np.zeros((5, 2)),
    "constant": np.full((5, 2), 0.1),
    "perfect": np.arange(5.0)[:, None],
    "tiny": np.arange(5.0)[:, None] * 1e-300,
    "huge": np.arange(5.0)[:, None] * 1e300,
    "wide": np.random.default_rng(0).normal(size=(5, 9)),
    "empty rows": sparse.csr_array((5, 2)),
    "far apart": np.column_stack([np.arange(5.0) * 1e-200, np.array([1.0, 5, 2, 4, 3]) * 1e200]),
}


@pytest.mark.parametrize("name", CORNERS)
@pytest.mark.parametrize(
    ("loss", "positive"),
    [
        ("squared_error", False),
        ("squared_error", True),
        ("huber", False),
        ("quantile", False),
        ("quantile", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_the_optimum_is_reached_in_the_corners(name, loss, positive, intercept, alpha):
    model = LinearRegression(loss=loss, positive=positive, fit_intercept=intercept, alpha=alpha)
    model.fit(CORNERS[name], np.arange(5.0))
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.predict(CORNERS[name])).all()
    assert abs(model.optimality_) < 1e-12
    assert "Optimality" in str(model.summary())


def test_a_penalty_leaves_columns_of_huge_numbers_alone():
    small, large = np.arange(5.0) * 1e-200, np.array([1.0, 5, 2, 4, 3]) * 1e200
    for loss in ("squared_error", "huber"):
        model = LinearRegression(alpha=1.0, loss=loss, delta=100.0).fit(
            np.column_stack([small, large]), range(5)
        )
        assert model.coef_[1] * 1e200 == pytest.approx(0.3, rel=1e-9)
        assert abs(model.coef_[0]) < 1e-190


def test_coefficients_that_are_nothing_are_0():
    line = LinearRegression().fit([[1], [2], [3]], [1, 2, 3])
    assert (line.intercept_, line.coef_[0]) == (0.0, 1.0)
    assert np.isnan(line.summary().tests.t[0])
    assert np.isnan(line.summary().tests.p[0])
    tiny = LinearRegression(fit_intercept=False).fit(np.eye(2), [1.0, 1e-60])
    assert tiny.coef_.tolist() == [1.0, 1e-60]


def test_columns_without_part_in_y_have_coefficient_0():
    pattern = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)], float)
    found = LinearRegression().fit(pattern * [1, 3, 7] + [5, 11, 13], 3 * pattern[:, 0] + 2).coef_
    assert found.tolist() == [3.0, 0.0, 0.0]


@pytest.mark.parametrize("targets", [(30,), (30, 2)])
@pytest.mark.parametrize("asked", [None, "float32", "float64"])
def test_coefficients_and_predictions_have_the_type_of_the_rows_or_the_one_asked_for(targets, asked):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)).astype(np.float32), rng.normal(size=targets)
    model = LinearRegression(dtype=asked).fit(X, y)
    wide = LinearRegression().fit(X.astype(np.float64), y)
    kind = np.dtype(asked or "float32")
    assert model.coef_.dtype == kind
    assert np.asarray(model.intercept_).dtype == kind
    assert model.predict(X).dtype == kind
    np.testing.assert_array_equal(model.coef_, wide.coef_.astype(kind))
    assert model._linear_fit.coef.dtype == np.float64
    assert wide.coef_.dtype == np.float64


def test_a_coefficient_beyond_float32_is_refused_in_one_line():
    X = np.array([[1e-30], [2e-30], [4e-30]], np.float32)
    with pytest.raises(DataError, match=r"beyond float32.*dtype='float64'"):
        LinearRegression().fit(X, [1e20, 2e20, 5e20])


@pytest.mark.parametrize(
    "units", [np.ones(40), 10.0 ** np.linspace(-2, 2, 40), 10.0 ** np.linspace(-8, 8, 40)]
)
@pytest.mark.parametrize("intercept", [True, False])
def test_more_columns_than_rows_give_the_shortest_of_the_perfect_fits(units, intercept):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(12, 40)) * units, rng.normal(size=12)
    model = LinearRegression(fit_intercept=intercept).fit(X, y)
    centred = X - X.mean(axis=0) * intercept
    expected = np.linalg.pinv(centred, rcond=1e-15) @ (y - y.mean() * intercept)
    assert np.abs(model.predict(X) - y).max() < 1e-9
    assert np.linalg.norm(model.coef_) <= np.linalg.norm(expected) * (1 + 1e-6)
    assert model.rank_ == 12 - intercept
    assert model.optimality_ < 1e-18
    np.testing.assert_allclose(
        model.singular_[: 12 - intercept],
        np.linalg.svd(centred, compute_uv=False)[: 12 - intercept],
        rtol=1e-8,
    )
