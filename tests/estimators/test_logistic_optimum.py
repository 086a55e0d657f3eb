"""LogisticRegression ends at the optimum of textbook Newton steps, whatever the solver, penalty or table."""

import copy
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from sklearn import linear_model
from sklearn.exceptions import ConvergenceWarning

from descend import LogisticRegression

SOLVERS = ["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"]


def objective(X, y, coef, intercept, C, l1_ratio=0.0, weight=None):
    """C Σ w ℓ + penalty in float64, by the formula."""
    z = X @ coef.T + intercept
    if z.shape[1] == 1:
        z = np.column_stack([np.zeros(len(z)), z[:, 0]])
    numbers = np.unique(y, return_inverse=True)[1]
    losses = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), numbers]
    total = losses.sum() if weight is None else losses @ weight
    return C * total + (1 - l1_ratio) / 2 * (coef**2).sum() + l1_ratio * np.abs(coef).sum()


def textbook_newton(X, y, C):
    """W (classes, p) and b of the L2 problem by plain Newton steps with the whole Hessian."""
    numbers = np.unique(y, return_inverse=True)[1]
    classes = numbers.max() + 1
    k = 1 if classes == 2 else classes
    A = np.column_stack([X, np.ones(len(X))])
    ridge = np.append(np.ones(X.shape[1]), 0.0)
    target = np.eye(classes)[numbers][:, -k:]

    def parts(theta):
        z = A @ theta.T
        whole = np.column_stack([np.zeros(len(z)), z]) if k == 1 else z
        p = np.exp(whole - np.logaddexp.reduce(whole, axis=1)[:, None])[:, -k:]
        value = objective(X, y, theta[:, :-1], theta[:, -1], C)
        return value, p, C * (p - target).T @ A + ridge * theta

    theta = np.zeros((k, A.shape[1]))
    for _ in range(60):
        value, p, gradient = parts(theta)
        hessian = np.zeros((k, A.shape[1], k, A.shape[1]))
        for i in range(k):
            for j in range(i + 1):
                block = C * (A * (p[:, i] * ((i == j) - p[:, j]))[:, None]).T @ A
                hessian[i, :, j] = hessian[j, :, i] = block
            hessian[i, :, i] += np.diag(ridge)
        if k > 1:
            hessian[:, -1, :, -1] += 1.0  # the intercepts may move together
        step = np.linalg.solve(hessian.reshape(theta.size, -1), -gradient.ravel()).reshape(theta.shape)
        length = 1.0
        while parts(theta + length * step)[0] > value + 1e-15 * abs(value) and length > 1e-6:
            length /= 2
        theta = theta + length * step
        if np.abs(step).max() < 1e-12 * np.abs(theta).max():
            break
    return theta[:, :-1], theta[:, -1]


@pytest.mark.parametrize("C", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits"])
def test_defaults_reach_the_newton_optimum(standardised, name, C):
    X, y = standardised(name)
    if name == "digits":
        X, y = X[::3], y[::3]  # the textbook's whole Hessian is large
    coef, intercept = textbook_newton(X, y, C)
    best = objective(X, y, coef, intercept, C)
    model = LogisticRegression(C=C).fit(X, y)
    assert objective(X, y, model.coef_, model.intercept_, C) == pytest.approx(best, rel=1e-8)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-5 * max(1.0, np.abs(coef).max()))
    shift = intercept.mean() if len(intercept) > 1 else 0.0
    np.testing.assert_allclose(
        model.intercept_, intercept - shift, atol=1e-5 * max(1, np.abs(intercept).max())
    )
    assert model.objective_ * C * len(X) == pytest.approx(best, rel=1e-8)
    assert model.optimality_ < 1e-8
    assert model.optimality_.gap < 1e-8 * model.objective_


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("C", [1e-2, 1.0, 1e3])
@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits"])
def test_defaults_match_or_beat_scikit_learns_stop(standardised, name, C, l1_ratio):
    X, y = standardised(name)
    if name == "digits":
        X, y = X[::6], y[::6]
    options = {"C": C, "l1_ratio": l1_ratio, "solver": "saga" if l1_ratio else "lbfgs"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        other = linear_model.LogisticRegression(**options).fit(X, y)
    model = LogisticRegression(**options).fit(X, y)  # any warning is an error here
    ours = objective(X, y, model.coef_, model.intercept_, C, l1_ratio)
    theirs = objective(X, y, other.coef_, other.intercept_, C, l1_ratio)
    assert ours <= theirs * (1 + 1e-12)
    assert model.optimality_.gap <= 1e-8 * model.objective_


def test_l1_finds_the_optimum_a_long_liblinear_run_finds(standardised):
    X, y = standardised("breast_cancer")
    options = {"solver": "liblinear", "l1_ratio": 1, "fit_intercept": False, "tol": 1e-10, "max_iter": 5000}
    other = linear_model.LogisticRegression(**options).fit(X, y)
    model = LogisticRegression(**options).fit(X, y)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-5)
    np.testing.assert_array_equal(model.coef_ == 0, other.coef_ == 0)


@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_every_solver_reaches_the_same_optimum(standardised, name):
    X, y = standardised(name)
    usable = [s for s in SOLVERS if name != "iris" or s != "liblinear"]
    fits = [LogisticRegression(solver=solver, random_state=1).fit(X, y) for solver in usable]
    for model in fits:
        np.testing.assert_allclose(model.coef_, fits[0].coef_, atol=1e-7)
        np.testing.assert_allclose(model.intercept_, fits[0].intercept_, atol=1e-7)
        assert model.n_iter_.shape == (1,)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), power=st.integers(-60, 60))
def test_units_change_coefficients_and_nothing_else_without_a_penalty(seed, power):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(80, 3))
    y = (X @ [1.0, -1.0, 0.5] + rng.logistic(size=80) > 0).astype(int)
    y[:4] = [0, 1, 0, 1]
    X[:4] = [[9, 0, 0], [-9, 0, 0], [0, 9, 0], [0, -9, 0]]  # not separable
    X[2:4] *= -1
    units = np.array([1.0, 2.0**power, 1.0])
    one = LogisticRegression(C=np.inf).fit(X, y)
    other = LogisticRegression(C=np.inf).fit(X * units + [1e3, 0, -7], y)
    np.testing.assert_allclose(other.coef_ * units, one.coef_, rtol=1e-5, atol=1e-8)


def test_separated_classes_are_said_to_be_so():
    X, y = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([0, 0, 1, 1])
    with pytest.warns(ConvergenceWarning, match="told apart without an error") as told:
        model = LogisticRegression(C=np.inf).fit(X, y)
    assert told[0].filename == __file__
    assert np.isfinite(model.coef_).all()
    assert model.score(X, y) == 1.0
    LogisticRegression(C=1e3).fit(X, y)  # a penalty makes the optimum finite: nothing to warn of


def test_classes_separated_but_for_ties_are_said_to_be_so():
    X, y = np.array([[1.0], [2.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    with pytest.warns(ConvergenceWarning, match="told apart without an error"):
        assert np.isfinite(LogisticRegression(C=np.inf).fit(X, y).coef_).all()


@settings(max_examples=60)
@given(seed=st.integers(0, 100_000), rows=st.integers(4, 14), columns=st.integers(1, 2))
def test_separation_is_what_a_linear_program_finds(seed, rows, columns):
    """A direction that puts no row on the wrong side and some on the right: K. Konis, thesis, Oxford 2007."""
    rng = np.random.default_rng(seed)
    X, y = rng.integers(-2, 3, (rows, columns)).astype(float), rng.integers(0, 2, rows)
    y[:2] = [0, 1]
    sides = np.column_stack([X, np.ones(rows)]) * (2 * y - 1)[:, None]
    best = linprog(-sides.sum(axis=0), A_ub=-sides, b_ub=np.zeros(rows), bounds=(-1, 1))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = LogisticRegression(C=np.inf).fit(X, y)
    assert any("told apart" in str(w.message) for w in told) == (-best.fun > 1e-9)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_overlapping_classes_have_an_optimum_without_a_penalty(classes):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.integers(0, classes, 200)
    model = LogisticRegression(C=np.inf).fit(X, y)
    assert model.optimality_ < 1e-12
    assert "gradient" in str(model.optimality_)
    np.testing.assert_allclose(model.predict_proba(X).mean(axis=0), np.bincount(y) / 200)


def test_how_near_the_optimum_is_told_and_kept(standardised):
    X, y = standardised("breast_cancer")
    model = LogisticRegression().fit(X, y)
    assert str(model.optimality_).startswith("within ")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert (other.optimality_, other.optimality_.gap) == (model.optimality_, model.optimality_.gap)
    with pytest.warns(ConvergenceWarning, match=r"lbfgs failed .* within .* of the optimum.*Increase"):
        early = LogisticRegression(max_iter=2).fit(X, y)
    assert early.objective_ - model.objective_ <= early.optimality_.gap


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("engine", ["native", "reference"])
def test_large_tables_are_approached_on_the_engine_and_finished_here(engine, classes, intercept, monkeypatch):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(300, 8)), rng.integers(0, classes, 300)
    weight = rng.uniform(0.5, 2, 300)
    small = LogisticRegression(fit_intercept=intercept).fit(X, y, weight)
    monkeypatch.setattr("descend.solvers.logistic._LARGE", 10)
    seen = []
    options = {"engine": engine, "threads": 1, "fit_intercept": intercept}
    large = LogisticRegression(**options, callbacks=[seen.append]).fit(X, y, weight)
    np.testing.assert_allclose(large.coef_, small.coef_, atol=1e-6)
    assert [told.iteration for told in seen] == list(range(1, large.n_iter_[0] + 1))
    stopped = LogisticRegression(**options, callbacks=[lambda told: True]).fit(X, y, weight)
    assert stopped.n_iter_[0] == 1
    narrow = LogisticRegression(**options).fit(X.astype(np.float32), y, weight)
    assert narrow.coef_.dtype == np.float32
    np.testing.assert_allclose(narrow.coef_, small.coef_, atol=1e-5)


def test_columns_that_say_nothing_or_the_same(standardised):
    X, y = standardised("breast_cancer")
    X = np.column_stack([X[:, :5], np.full(len(X), 3.7), X[:, 0]])
    model = LogisticRegression().fit(X, y)
    assert model.coef_[0, 5] == 0
    assert model.coef_[0, 0] == pytest.approx(model.coef_[0, 6])
    free = LogisticRegression(C=np.inf).fit(X, y)
    assert free.optimality_ < 1e-8
    assert np.abs(free.coef_).max() < 1e3
    lasso = LogisticRegression(solver="saga", l1_ratio=1).fit(X, y)
    assert lasso.optimality_ < 1e-12


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_more_columns_than_rows(l1_ratio):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 300)), rng.integers(0, 3, 20)
    model = LogisticRegression(solver="saga", l1_ratio=l1_ratio).fit(X, y)
    assert model.optimality_.gap < 1e-9
    assert model.score(X, y) == 1.0


def test_huge_and_tiny_columns_in_one_table():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    model = LogisticRegression(C=np.inf).fit(X * [1e-150, 1.0, 1e150] + [0, 1e6, 0], y)
    plain = LogisticRegression(C=np.inf).fit(X, y)
    np.testing.assert_allclose(model.coef_ * [1e-150, 1.0, 1e150], plain.coef_, rtol=1e-6)
    assert np.isfinite(LogisticRegression().fit(X * [1e-150, 1.0, 1e150], y).coef_).all()
