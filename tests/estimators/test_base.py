"""What all estimators share, through the smallest estimator there is."""

from typing import ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import RegressorMixin, _fit_context, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from descend import LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor
from descend.errors import DataError, EngineUnavailable, OptionError
from descend.estimators.base import Estimator, class_row_weights, encoded_labels, row_weights


class Plain(RegressorMixin, Estimator):
    _parameter_constraints: ClassVar = {**Estimator._parameter_constraints, "copy": ["boolean"]}
    _refused: ClassVar = {"copy": "rows are never overwritten"}

    def __init__(self, *, copy=True, engine="native", threads=None, dtype=None):
        self.copy, self.engine, self.threads, self.dtype = copy, engine, threads, dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        self.x_, self.y_ = self._training_rows(X, y, multi_output=True)
        return self


class SparsePlain(Plain):
    _sparse: ClassVar = True


@pytest.mark.parametrize(
    ("given", "asked", "found"),
    [
        ("float16", None, "float64"),
        ("float32", None, "float32"),
        ("float64", None, "float64"),
        ("uint8", None, "float64"),
        ("int64", None, "float64"),
        ("float64", "float32", "float32"),
        ("float32", "float64", "float64"),
    ],
)
def test_dtype_follows_x_unless_asked_for(given, asked, found):
    x = np.arange(6).reshape(3, 2).astype(given)
    assert Plain(dtype=asked).fit(x, [1, 2, 3]).x_.dtype == found


def test_rows_are_laid_one_after_the_other():
    x = np.asfortranarray(np.arange(6.0).reshape(3, 2))
    x.flags.writeable = False
    found = Plain().fit(x, [1, 2, 3]).x_
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, x)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_missing_value_is_named_by_its_column(frame):
    table = frame({"age": [1.0, 2.0], "height": [3.0, float("nan")]})
    with pytest.raises(DataError, match=r"NaN in row 1, column 'height'"):
        Plain().fit(table, [1.0, 2.0])


def test_infinity_after_rounding_to_the_dtype_is_refused():
    with (
        pytest.raises(DataError, match=r"infinity .* float32 in row 0, column 1"),
        np.errstate(over="ignore"),
    ):
        Plain(dtype="float32").fit(np.array([[1.0, 1e300], [1.0, 2.0]]), [1.0, 2.0])


def test_a_missing_value_among_sparse_rows_is_named_by_its_place():
    x = sparse.csr_matrix(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, np.nan]]))
    with pytest.raises(DataError, match="row 1, column 2"):
        SparsePlain().fit(x, [1.0, 2.0])


def test_a_bad_target_is_named_by_its_row():
    with pytest.raises(DataError, match=r"y contains NaN in row 1: leave"):
        Plain().fit([[1.0], [2.0]], [1.0, float("nan")])


def test_a_parameter_without_meaning_is_accepted_only_at_its_default():
    with pytest.raises(OptionError, match="copy=False has no meaning in Plain: rows are never overwritten"):
        Plain(copy=False).fit([[1.0], [2.0]], [1.0, 2.0])


def test_a_wrong_parameter_is_scikit_learns_error_and_ours():
    with pytest.raises(InvalidParameterError, match="engine") as caught:
        Plain(engine="nativ").fit([[1.0]], [1.0])
    assert isinstance(caught.value, OptionError)


def test_labels_keep_their_type():
    classes, numbers = encoded_labels(np.array(["b", "a", "b"]))
    assert classes.tolist() == ["a", "b"]
    assert numbers.tolist() == [1, 0, 1]
    with pytest.raises(DataError, match="int and str"):
        encoded_labels(np.array([1, "a"], object))


def test_class_weights_multiply_row_weights():
    classes, numbers = encoded_labels(np.array(["a", "b", "b", "b"]))
    x = np.zeros((4, 1), np.float32)
    weight = row_weights([1, 1, 1, 0], x)
    assert weight.dtype == np.float32
    found = class_row_weights({"a": 3.0}, weight, classes, numbers, x.dtype)
    assert found.tolist() == [3, 1, 1, 0]
    balanced = class_row_weights("balanced", weight, classes, numbers, np.float64)
    np.testing.assert_allclose(balanced, [1.5, 0.75, 0.75, 0])
    assert class_row_weights(None, None, classes, numbers, np.float64) is None


@pytest.mark.parametrize("weight", [[0, 0], [-1, 1], [1, float("nan")], [1, 2, 3]])
def test_weights_that_cannot_be_are_refused(weight):
    with pytest.raises(DataError):
        row_weights(weight, np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["1"], ["2"]], "must hold numbers, not text"),
        (np.array([[b"1"], [b"2"]]), "must hold numbers, not text"),
        ([["1", 2.0], ["2", 3.0]], "must hold numbers, not text"),
        ([[1j], [2]], "Complex data not supported"),
        (np.array([[1j], [2]]), "Complex data not supported"),
    ],
)
def test_text_and_complex_numbers_are_refused(rows, message):
    with pytest.raises(DataError, match=message):
        Plain().fit(rows, [1, 2])
    fitted = Plain().fit(np.ones((2, np.asarray(rows).shape[1])), [1, 2])
    with pytest.raises(DataError, match=message):
        fitted._rows(rows)


@pytest.mark.parametrize("model", [LogisticRegression(), MLPClassifier(solver="lbfgs", random_state=0)])
def test_callbacks_set_around_an_estimator_see_the_outer_steps(model):
    callback = pytest.importorskip("sklearn.callback", reason="came with scikit-learn 1.9")
    model = clone(model)  # pytest keeps the list for good
    X = np.random.default_rng(0).normal(size=(60, 3))
    pipeline = make_pipeline(StandardScaler(), model).set_callbacks(callback.ProgressBar())
    with pytest.warns(UserWarning, match="does not support callbacks"):
        pipeline.fit(X, X[:, 0] > 0)
    assert pipeline.score(X, X[:, 0] > 0) > 0.9
    assert not hasattr(model, "set_callbacks")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("estimator", [LinearRegression, LogisticRegression, MLPClassifier, MLPRegressor])
def test_dtype_may_be_numpys_own(estimator):
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = (X[:, 0] > 0).astype(int)
    options = {"max_iter": 4} if estimator in (MLPClassifier, MLPRegressor) else {}
    named, typed = (estimator(dtype=dtype, **options).fit(X, y) for dtype in ("float32", np.float32))
    assert typed.predict(X).dtype == named.predict(X).dtype
    with pytest.raises(OptionError, match="dtype"):
        estimator(dtype=np.int32, **options).fit(X, y)


def test_an_engine_that_is_not_there_is_said_for_small_tables_too(monkeypatch):
    def missing(name):
        raise EngineUnavailable(f"{name} is not installed")

    monkeypatch.setattr("descend.estimators.logistic_regression.get_engine", missing)
    with pytest.raises(EngineUnavailable, match="pytorch is not installed"):
        LogisticRegression(engine="pytorch").fit([[0.0], [1.0]], [0, 1])
