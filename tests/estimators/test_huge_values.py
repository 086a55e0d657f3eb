"""Values beyond a type are named by row and column; NumPy warns of nothing first."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from descend import LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor
from descend.errors import DataError, DescendError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
CLASSES = (X[:, 0] > 0).astype(int)
NUMBERS = 2 * X[:, 0]
ONE = X.copy()
ONE[5, 1] = 1e200
PERCEPTRON = {"hidden_layer_sizes": 4, "max_iter": 8, "random_state": 0}


@pytest.fixture(autouse=True)
def _few_epochs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _estimators():
    for solver in ("lbfgs", "sgd", "adam"):
        yield pytest.param(MLPClassifier(solver=solver, **PERCEPTRON), CLASSES, id=f"MLPClassifier-{solver}")
        yield pytest.param(MLPRegressor(solver=solver, **PERCEPTRON), NUMBERS, id=f"MLPRegressor-{solver}")
    for solver in ("lbfgs", "newton-cholesky"):
        yield pytest.param(LogisticRegression(solver=solver), CLASSES, id=f"LogisticRegression-{solver}")


def _linear():
    for options in ({}, {"loss": "huber"}, {"loss": "absolute_error"}, {"alpha": 1.0}, {"positive": True}):
        yield pytest.param(LinearRegression(**options), NUMBERS, id=f"LinearRegression-{options}")


def _frame(values):
    return pd.DataFrame(values, columns=["a", "b", "c"])


@pytest.mark.parametrize(
    ("table", "column"),
    [(lambda rows: rows, "1"), (sparse.csr_matrix, "1"), (_frame, "'b'")],
    ids=["dense", "sparse", "frame"],
)
@pytest.mark.parametrize(("estimator", "y"), list(_estimators()))
def test_what_float32_cannot_hold_is_named(estimator, y, table, column):
    said = (
        f"Input X contains infinity or a value too large for float32 in row 5, column {column}: "
        "leave the row out, fill the value in, or use dtype='float64'"
    )
    estimator = estimator.set_params(dtype="float32")
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        estimator.fit(table(ONE), y)
    fitted = estimator.fit(table(X), y)
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        fitted.predict(table(ONE))


def test_rows_beyond_the_dtype_of_earlier_fits_are_named():
    model = MLPRegressor(**PERCEPTRON).partial_fit(X.astype(np.float32), NUMBERS)
    with pytest.raises(DataError, match="too large for float32 in row 5, column 1"):
        model.partial_fit(ONE, NUMBERS)
    with pytest.raises(DataError, match="too large for float32 in row 5, column 1"):
        MLPRegressor(**PERCEPTRON).fit(X.astype(np.float32), NUMBERS, validation=(ONE, NUMBERS))


@pytest.mark.parametrize("size", [1e30, 1e155, 1e200, 1.7e308])
@pytest.mark.parametrize("crowd", [False, True])
@pytest.mark.parametrize(("estimator", "y"), [*_estimators(), *_linear()])
def test_a_fit_on_huge_rows_ends_or_says_why_in_one_line(estimator, y, crowd, size):
    rows = X.clip(-1, 1) * size if crowd else np.where(ONE == 1e200, size, X)
    try:
        answers = estimator.fit(rows, y).predict(rows)
    except DescendError as error:
        said = str(error)
    else:
        assert np.isfinite(answers).all()
        return
    assert "\n" not in said
    assert re.search("large|finite", said)


@pytest.mark.parametrize("method", ["decision_function", "predict", "predict_proba", "predict_log_proba"])
def test_a_score_beyond_float64_is_named_by_row(method):
    model = LogisticRegression().fit(X, CLASSES)
    rows = X.copy()
    rows[7] = 1.7e308 * np.sign(model.coef_[0])
    model.coef_ *= 10
    with pytest.raises(DataError, match=r"^row 7 of X .* its score is beyond float64; leave the row out$"):
        getattr(model, method)(rows)


@pytest.mark.parametrize("model", [LinearRegression(), MLPRegressor(activation="identity", **PERCEPTRON)])
def test_a_prediction_beyond_float64_is_named_by_row(model):
    model = clone(model).fit(X, NUMBERS)  # pytest keeps the list for good
    for coef in getattr(model, "coefs_", [getattr(model, "coef_", None)]):
        coef *= 1e5
    rows = X.copy()
    rows[7] = 1.7e308
    with pytest.raises(
        DataError, match=r"^row 7 of X .* its prediction is beyond float64; leave the row out$"
    ):
        model.predict(rows)


@pytest.mark.parametrize("model", [LinearRegression(), MLPRegressor(**PERCEPTRON)])
def test_a_score_that_squares_overflow_names_the_row(model):
    model = clone(model).fit(X, NUMBERS)
    truth = NUMBERS.copy()
    truth[9] = 1e200
    with pytest.raises(DataError, match=r"^the score is beyond float64: in row 9 y is 1e\+200 and "):
        model.score(X, truth)


def test_a_penalty_beyond_float64_ends_the_fit():
    with pytest.raises(DescendError, match="the loss with its penalty is not finite"):
        MLPClassifier(solver="sgd", **PERCEPTRON).fit(ONE, CLASSES)


@pytest.mark.parametrize(("weight", "total"), [(1e308, "inf"), (1e-320, "5.*e-319")])
@pytest.mark.parametrize(("estimator", "y"), [*_estimators(), *_linear()])
def test_weights_that_cannot_be_summed_are_refused(estimator, y, weight, total):
    said = rf"^sample_weight sums to {total}, beyond what float64 can divide by: scale the weights$"
    with pytest.raises(DataError, match=said):
        estimator.fit(X, y, sample_weight=np.full(60, weight))


def test_weights_beyond_float32_are_refused():
    with pytest.raises(DataError, match="sample_weight contains infinity"):
        LogisticRegression(dtype="float32").fit(X, CLASSES, sample_weight=np.full(60, 1e200))


def test_class_weights_beyond_float64_are_refused():
    weights = np.r_[1e300, np.full(59, 1e-300)]
    for estimator in (MLPClassifier(**PERCEPTRON), LogisticRegression()):
        estimator.set_params(class_weight={0: 1e300, 1: 1e300})
        with pytest.raises(
            DataError, match="class_weight times sample_weight is beyond float64 in row 0: scale the weights"
        ):
            estimator.fit(X, CLASSES, sample_weight=weights)
