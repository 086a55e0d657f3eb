"""What the estimators say of input that is a slip: where it is, in one line."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone

from descend import LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor
from descend.errors import DataError, OptionError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2))
CLASSES = (X[:, 0] > 0).astype(int)
ESTIMATORS = [LinearRegression(), LogisticRegression(), MLPClassifier(max_iter=2), MLPRegressor(max_iter=2)]
REGRESSORS = [LinearRegression(), MLPRegressor(max_iter=2)]
MIXED = {"a": X[:, 0], "town": ["Oslo"] * 40}


def _refusal(call, *arguments, **named):
    with pytest.raises(DataError) as caught:
        call(*arguments, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    "frame", [pd.DataFrame(MIXED), pl.DataFrame(MIXED), pd.DataFrame(MIXED).astype({"town": "category"})]
)
def test_a_column_of_text_is_named(estimator, frame):
    said = "column 'town' of X holds text, 'Oslo' in row 0: leave it out or encode it, as OneHotEncoder does"
    assert _refusal(estimator.fit, frame, CLASSES) == said


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_column_of_dates_is_named(estimator):
    frame = pd.DataFrame({"a": X[:, 0], "day": pd.date_range("2020-01-01", periods=40)})
    assert _refusal(estimator.fit, frame, CLASSES).startswith("column 'day' of X holds dates or times: ")


@pytest.mark.parametrize("estimator", REGRESSORS)
@pytest.mark.parametrize(
    "make", [list, lambda y: np.array(y, object), pl.Series, lambda y: pd.Series(y, dtype=object)]
)
def test_a_missing_target_is_named(estimator, make):
    y = X[:, 0].tolist()
    y[5] = None
    assert _refusal(estimator.fit, X, make(y)) == "Input y contains NaN in row 5: leave the row out"


@pytest.mark.parametrize("estimator", REGRESSORS)
@pytest.mark.parametrize("kind", ["U3", object])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_text_as_a_regressors_target_is_named(estimator, kind):
    y = np.full(40, "1.5", kind)
    assert clone(estimator).fit(X, y).predict(X).shape == (40,)  # pytest keeps the list for good
    y[7] = "n/a"
    assert _refusal(estimator.fit, X, y) == "y holds text, 'n/a' in row 7: a regressor needs numbers"


@pytest.mark.parametrize("estimator", REGRESSORS)
def test_a_sparse_target_is_refused(estimator):
    assert (
        _refusal(estimator.fit, X, sparse.csr_array(X)) == "y is sparse: give it dense, as y.toarray() does"
    )


def test_one_text_among_numbers_is_named():
    rows = X.astype(object)
    rows[3, 1] = "n/a"
    said = "column 1 of X holds text, 'n/a' in row 3: leave it out or encode it, as OneHotEncoder does"
    assert _refusal(LinearRegression().fit, rows, CLASSES) == said
    assert _refusal(LinearRegression().fit(X, CLASSES).predict, rows) == said


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_row_of_a_bad_weight_is_named(estimator):
    weight = np.ones(40)
    weight[6] = -1
    assert _refusal(estimator.fit, X, CLASSES, sample_weight=weight).endswith("`sample_weight` in row 6")
    weight[6] = np.nan
    said = _refusal(estimator.fit, X, CLASSES, sample_weight=weight)
    assert said == "Input sample_weight contains NaN in row 6"


@pytest.mark.parametrize(
    ("validation", "said"),
    [
        ((X[:, :1], CLASSES), "validation: X has 1 features, but MLPClassifier is expecting 2 features"),
        ((X * np.nan, CLASSES), "validation: Input X contains NaN in row 0, column 0"),
        ((X, CLASSES * 0 + 4), "validation: y has the label 4 in row 0"),
        ((X, CLASSES[:5]), "validation: Found input variables with inconsistent numbers of samples"),
        ((X, CLASSES, np.zeros(40)), "validation: Sample weights must contain at least one non-zero number"),
    ],
)
def test_what_is_wrong_with_validation_rows_is_said_of_them(validation, said):
    assert _refusal(MLPClassifier().fit, X, CLASSES, validation=validation).startswith(said)


def test_an_unknown_scorer_is_an_option_error():
    with pytest.raises(OptionError, match="'acuracy' is not a valid scoring value"):
        MLPClassifier(early_stopping=True, scoring="acuracy").fit(X, CLASSES)


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_lbfgs_shows_its_progress(estimator, capsys):
    model = estimator(solver="lbfgs", max_iter=300, verbose=1, tol=1e-3, hidden_layer_sizes=2, random_state=0)
    model.fit(X, CLASSES)
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert shown.out == ""
    assert len(lines) == model.n_iter_
    assert lines[-1].startswith(f"step {model.n_iter_}: loss {model.loss_curve_[-1]:.6g}")
    model.set_params(verbose=0).fit(X, CLASSES)
    assert capsys.readouterr().err == ""
