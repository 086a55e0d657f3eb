"""LogisticRegression: the optimum whatever the solver's name, scikit-learn's surface, and the corners."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import linprog
from sklearn import linear_model
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from descend import LogisticRegression
from descend.errors import DataError, OptionError

SOLVERS = ["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"]
LOADERS = {"iris": load_iris, "breast_cancer": load_breast_cancer, "digits": load_digits}


@parametrize_with_checks([LogisticRegression()])
def test_scikit_learns_own_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that fit a few rows without a scale
        check(estimator)


def table(name):
    X, y = LOADERS[name](return_X_y=True)
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0), y


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
def test_defaults_reach_the_newton_optimum(name, C):
    X, y = table(name)
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
def test_defaults_match_or_beat_scikit_learns_stop(name, C, l1_ratio):
    X, y = table(name)
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


def test_l1_finds_the_optimum_a_long_liblinear_run_finds():
    X, y = table("breast_cancer")
    options = {"solver": "liblinear", "l1_ratio": 1, "fit_intercept": False, "tol": 1e-10, "max_iter": 5000}
    other = linear_model.LogisticRegression(**options).fit(X, y)
    model = LogisticRegression(**options).fit(X, y)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-5)
    np.testing.assert_array_equal(model.coef_ == 0, other.coef_ == 0)


@pytest.mark.parametrize("name", ["iris", "breast_cancer"])
def test_every_solver_reaches_the_same_optimum(name):
    X, y = table(name)
    usable = [s for s in SOLVERS if name != "iris" or s != "liblinear"]
    fits = [LogisticRegression(solver=solver, random_state=1).fit(X, y) for solver in usable]
    for model in fits:
        np.testing.assert_allclose(model.coef_, fits[0].coef_, atol=1e-7)
        np.testing.assert_allclose(model.intercept_, fits[0].intercept_, atol=1e-7)
        assert model.n_iter_.shape == (1,)


def test_probabilities_are_those_of_the_formula():
    X, y = table("iris")
    model = LogisticRegression().fit(X, y)
    z = X @ model.coef_.T + model.intercept_
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), p)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))
    np.testing.assert_array_equal(model.predict(X), model.classes_[p.argmax(axis=1)])
    two = LogisticRegression().fit(X, y == 1)
    q = 1 / (1 + np.exp(-(X @ two.coef_[0] + two.intercept_)))
    np.testing.assert_allclose(two.predict_proba(X), np.column_stack([1 - q, q]))
    np.testing.assert_allclose(two.predict_log_proba(X)[:, 1], np.log(q))
    assert np.isfinite(two.predict_log_proba(X * 1e4)).all()


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_class_weights_are_row_weights(l1_ratio):
    X, y = table("iris")
    X, y = X[45:], y[45:]
    options = {"solver": "saga", "l1_ratio": l1_ratio}
    weights = {0: 3.0, 1: 0.5, 2: 1.25}
    one = LogisticRegression(class_weight=weights, **options).fit(X, y)
    other = LogisticRegression(**options).fit(X, y, sample_weight=np.vectorize(weights.get)(y))
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-8)
    balanced = LogisticRegression(class_weight="balanced", **options).fit(X, y)
    counts = np.bincount(y)
    other = LogisticRegression(**options).fit(X, y, sample_weight=(len(y) / 3 / counts)[y])
    np.testing.assert_allclose(balanced.coef_, other.coef_, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), classes=st.integers(2, 4), l1_ratio=st.sampled_from([0.0, 0.4, 1.0]))
def test_repeated_rows_are_whole_weights(seed, classes, l1_ratio):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(30, 3)), rng.integers(0, classes, 30)
    y[:classes] = np.arange(classes)
    times = rng.integers(0, 4, 30)
    times[:classes] = 1
    options = {"solver": "saga", "l1_ratio": l1_ratio, "C": 0.5}
    weighted = LogisticRegression(**options).fit(X, y, sample_weight=times)
    repeated = LogisticRegression(**options).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-6)
    np.testing.assert_allclose(weighted.intercept_, repeated.intercept_, atol=1e-6)


@settings(max_examples=25, deadline=None)
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


@settings(max_examples=60, deadline=None)
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


def test_how_near_the_optimum_is_told_and_kept():
    X, y = table("breast_cancer")
    model = LogisticRegression().fit(X, y)
    assert str(model.optimality_).startswith("within ")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert (other.optimality_, other.optimality_.gap) == (model.optimality_, model.optimality_.gap)
    with pytest.warns(ConvergenceWarning, match=r"lbfgs failed .* within .* of the optimum.*Increase"):
        early = LogisticRegression(max_iter=2).fit(X, y)
    assert early.objective_ - model.objective_ <= early.optimality_.gap


def test_callbacks_see_each_step_and_may_end_the_fit():
    X, y = table("iris")
    seen = []
    model = LogisticRegression(callbacks=[seen.append]).fit(X, y)
    assert [told.iteration for told in seen] == list(range(1, model.n_iter_[0] + 1))
    assert seen[-1].objective == pytest.approx(model.objective_)
    stopped = LogisticRegression(callbacks=[lambda told: told.iteration == 2]).fit(X, y)
    assert stopped.n_iter_[0] == 2


def test_verbose_writes_a_line_a_step(capsys):
    model = LogisticRegression(verbose=1).fit(*table("iris"))
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == model.n_iter_[0]
    assert not told.out


def test_a_warm_start_begins_where_the_last_fit_ended():
    X, y = table("digits")
    model = LogisticRegression(warm_start=True).fit(X, y)
    first = model.coef_.copy()
    model.fit(X, y)
    assert model.n_iter_[0] <= 2
    np.testing.assert_allclose(model.coef_, first, atol=1e-6)
    model.sparsify().fit(X[:, :5], y)  # of another shape: from 0
    assert model.coef_.shape == (10, 5)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_sparse_rows_give_the_dense_answer(l1_ratio):
    X, y = load_digits(return_X_y=True)
    X, y = X[::4], y[::4]
    options = {"solver": "saga", "l1_ratio": l1_ratio, "C": 0.1}
    dense = LogisticRegression(**options).fit(X, y)
    for kind in (sparse.csr_array, sparse.csr_matrix, sparse.csc_array):
        found = LogisticRegression(**options).fit(kind(X), y)
        np.testing.assert_allclose(found.coef_, dense.coef_, atol=1e-6)
        np.testing.assert_allclose(found.predict_proba(kind(X)), dense.predict_proba(X), atol=1e-6)


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


def test_columns_that_say_nothing_or_the_same():
    X, y = table("breast_cancer")
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


@pytest.mark.parametrize("kind", ["float16", "float32", "int8", "uint16"])
def test_numbers_of_any_kind(kind):
    X, y = load_iris(return_X_y=True)
    X = np.asfortranarray((X * 8).round().astype(kind))
    X.flags.writeable = False
    model = LogisticRegression().fit(X, y)
    exact = LogisticRegression().fit(X.astype(np.float64), y)
    assert model.coef_.dtype == (np.float32 if kind == "float32" else np.float64)
    np.testing.assert_allclose(model.coef_, exact.coef_, atol=1e-6)
    assert LogisticRegression(dtype="float32").fit(X, y).coef_.dtype == np.float32


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_labels_and_pipelines(frame):
    X, y = load_iris(return_X_y=True)
    names = load_iris().target_names[y].astype(object)
    columns = {"a": X[:, 0], "b": X[:, 1]}
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame(columns), names)
    assert set(model.predict(frame(columns))) <= {"setosa", "versicolor", "virginica"}
    alone = clone(model[-1]).fit(frame(columns), names)
    assert alone.feature_names_in_.tolist() == ["a", "b"]
    columns["b"] = np.where(np.arange(150) == 7, np.nan, X[:, 1])
    with pytest.raises(DataError, match=r"NaN in row 7, column 'b'"):
        alone.fit(frame(columns), names)


def test_one_class_is_refused():
    with pytest.raises(DataError, match="only one class, 'a'"):
        LogisticRegression().fit(np.eye(3), ["a", "a", "a"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"l1_ratio": 1}, "Solver lbfgs supports only 'l2' or None"),
        ({"l1_ratio": 0.5, "solver": "liblinear"}, "Only 'saga' solver supports elasticnet"),
        ({"dual": True}, "supports only dual=False"),
        ({"C": np.inf, "solver": "liblinear"}, "penalty=None is not supported for the liblinear"),
        ({"solver": "liblinear", "dual": True, "l1_ratio": 1}, "dual=True is for the L2 penalty"),
        ({"solver": "liblinear"}, "does not support multiclass"),
        ({"intercept_scaling": 2}, "intercept_scaling=2 has no meaning"),
        ({"C": 0}, "'C' parameter"),
        ({"solver": "adam"}, "'solver' parameter"),
        ({"engine": "cuda"}, "'engine' parameter"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        LogisticRegression(**options).fit(*load_iris(return_X_y=True))


@pytest.mark.parametrize("solver", SOLVERS)
def test_sparse_rows_with_64_bit_indices_are_for_those_that_take_them_in_scikit_learn(solver):
    X = sparse.csr_array(np.eye(6))
    wide = sparse.csr_array(np.eye(6))
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    y = [0, 1] * 3
    if solver in ("liblinear", "sag", "saga"):
        with pytest.raises(DataError, match="32-bit integer indices"):
            LogisticRegression(solver=solver).fit(wide, y)
    else:
        narrow = LogisticRegression(solver=solver).fit(X, y)
        np.testing.assert_array_equal(LogisticRegression(solver=solver).fit(wide, y).coef_, narrow.coef_)


@pytest.mark.parametrize("kept", [np.asarray, sparse.csr_array])
def test_huge_values_are_refused_for_liblinear(kept):
    X = kept(np.array([[0.0], [2e30]]))
    with pytest.raises(DataError, match="maximum value > 1e30"):
        LogisticRegression(solver="liblinear").fit(X, [0, 1])


@pytest.mark.parametrize(
    ("options", "category", "message"),
    [
        ({"penalty": "l2"}, FutureWarning, "'penalty' was deprecated"),
        ({"l1_ratio": None}, FutureWarning, "'l1_ratio=None' was deprecated"),
        ({"n_jobs": 2}, FutureWarning, "'n_jobs' has no effect"),
        ({"penalty": None, "C": 2.0}, UserWarning, "ignore the C"),
        ({"penalty": "l1", "l1_ratio": 0.5, "solver": "saga"}, UserWarning, "only used when penalty is"),
    ],
)
def test_what_is_warned_of(options, category, message):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2)), rng.integers(0, 2, 50)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        LogisticRegression(**options).fit(X, y)
    assert any(issubclass(w.category, category) and message in str(w.message) for w in told)
    assert all(w.filename == __file__ for w in told)


def test_an_old_penalty_is_the_new_ratio():
    X, y = table("iris")
    pairs = [("l1", {"l1_ratio": 1}), ("elasticnet", {"l1_ratio": 0.3}), (None, {"C": np.inf})]
    X, y = X[50:], y[50:]  # two classes that overlap
    for penalty, new in pairs:
        ratio = {} if penalty is None else new
        with pytest.warns(FutureWarning, match="penalty"):
            old = LogisticRegression(penalty=penalty, solver="saga", **ratio).fit(X, y)
        np.testing.assert_allclose(
            old.coef_, LogisticRegression(solver="saga", **new).fit(X, y).coef_
        )  # fmt: skip


@pytest.mark.parametrize("kept", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("solver", ["lbfgs", "newton-cg"])
def test_huge_values_bring_no_warning_but_of_convergence(kept, solver):
    X = kept(np.array([[0.0, 1.0], [2e30, 0.0], [1.0, 0.0], [0.0, 2e30]]))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model = LogisticRegression(solver=solver).fit(X, [0, 1, 0, 1])
        assert np.isfinite(model.predict_proba(X)).all()
    assert {w.category for w in told} <= {ConvergenceWarning}
    assert len(told) <= 1
