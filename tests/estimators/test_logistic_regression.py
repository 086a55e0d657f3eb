"""LogisticRegression as an estimator: weights, warm starts, tables of all kinds, refusals, warnings."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from descend import LogisticRegression
from descend.errors import DataError, OptionError

SOLVERS = ["lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"]


@parametrize_with_checks([LogisticRegression()])
def test_scikit_learns_own_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of checks that fit a few rows without a scale
        check(estimator)


def test_probabilities_are_those_of_the_formula(standardised):
    X, y = standardised("iris")
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
def test_class_weights_are_row_weights(standardised, l1_ratio):
    X, y = standardised("iris")
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


@settings(max_examples=25)
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


def test_callbacks_see_each_step_and_may_end_the_fit(standardised):
    X, y = standardised("iris")
    seen = []
    model = LogisticRegression(callbacks=[seen.append]).fit(X, y)
    assert [told.iteration for told in seen] == list(range(1, model.n_iter_[0] + 1))
    assert seen[-1].objective == pytest.approx(model.objective_)
    stopped = LogisticRegression(callbacks=[lambda told: told.iteration == 2]).fit(X, y)
    assert stopped.n_iter_[0] == 2


def test_verbose_writes_a_line_a_step(standardised, capsys):
    model = LogisticRegression(verbose=1).fit(*standardised("iris"))
    told = capsys.readouterr()
    assert len(told.err.splitlines()) == model.n_iter_[0]
    assert not told.out


def test_a_warm_start_begins_where_the_last_fit_ended(standardised):
    X, y = standardised("digits")
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


def test_an_old_penalty_is_the_new_ratio(standardised):
    X, y = standardised("iris")
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
