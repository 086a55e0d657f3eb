"""MLPClassifier and MLPRegressor as estimators: tables and labels of all kinds, pipelines, verbose."""

import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.datasets import load_breast_cancer, make_multilabel_classification
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from descend.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_one_class(flowers, classifier):
    X, y = flowers
    model = classifier(solver="adam").fit(X, np.full(len(y), "only"))
    assert set(model.predict(X)) == {"only"}
    assert model.predict_proba(X).shape == (len(X), 1)


def test_yes_and_no_columns_come_sparse_and_go_sparse(classifier, assert_same):
    X, y = make_multilabel_classification(60, n_classes=3, random_state=0)
    dense = classifier().fit(X, y)
    thin = classifier().fit(X, sparse.csr_matrix(y))
    assert_same(dense, thin)
    assert sparse.issparse(thin.predict(X))
    np.testing.assert_array_equal(thin.predict(X).toarray(), dense.predict(X))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64", "bool"])
def test_numbers_of_every_kind(flowers, classifier, assert_same, dtype):
    X = (np.abs(flowers[0]) * 3).astype(dtype)
    y = flowers[1]
    model = classifier().fit(X, y)
    assert model.coefs_[0].dtype == (np.float32 if dtype == "float32" else np.float64)
    assert model.predict_proba(X).dtype == model.coefs_[0].dtype
    X = np.asfortranarray(X)
    X.flags.writeable = False
    assert_same(model, classifier().fit(X, y))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_in(flowers, classifier, assert_same, frame):
    X, y = flowers
    table = frame({name: X[:, i] for i, name in enumerate("abcd")})
    labels = pd.Series(y).map({0: "x", 1: "y", 2: "z"}) if frame is pd.DataFrame else pl.Series("l", y)
    model = classifier().fit(table, labels)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert_same(model, classifier().fit(X, y))
    assert len(model.predict(table)) == len(X)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_sparse_rows_give_the_bits_of_dense_ones(flowers, classifier, assert_same, solver):
    X, y = flowers
    X = np.where(abs(X) > 0.7, X, 0)
    options = {"solver": solver, "early_stopping": True, "class_weight": "balanced"}
    dense = classifier(**options).fit(X, y)
    for make in (sparse.csr_matrix, sparse.csc_array):
        thin = classifier(**options).fit(make(X), y)
        assert_same(dense, thin, 0.0 if solver != "lbfgs" else 1e-6)
        np.testing.assert_array_equal(thin.predict_proba(make(X)), thin.predict_proba(X))
    backwards = sparse.csr_matrix((X[:, ::-1].ravel(), np.tile([3, 2, 1, 0], len(X)),
                                   np.arange(0, X.size + 1, 4)), X.shape)  # fmt: skip
    assert_same(thin, classifier(**options).fit(backwards, y), 0.0 if solver != "lbfgs" else 1e-6)


def test_corners_of_a_table(patients, regressor):
    X, y = patients
    odd = np.column_stack([X, np.ones(len(X)), X[:, 0], X[:, 1] * 1e-200])
    assert np.isfinite(regressor().fit(odd, y).predict(odd)).all()
    wide = regressor(solver="lbfgs", max_iter=50).fit(X[:5], y[:5])
    np.testing.assert_allclose(wide.predict(X[:5]), y[:5], atol=0.1)
    with pytest.raises(DataError, match="zero"):
        regressor().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(DataError, match=r"y is below 0 in row 3"):
        regressor(loss="poisson").fit(X[:4], [1, 2, 0, -1])
    with pytest.raises(DataError, match="too large for float32 in row 1"):
        regressor(dtype="float32").fit(X[:2], [1, 1e300])


def test_pickle_joblib_and_changed_weights(flowers, classifier, assert_same, tmp_path):
    X, y = flowers
    model = classifier().fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
        assert_same(copy.partial_fit(X, y), pickle.loads(pickle.dumps(model)).partial_fit(X, y))
    model.coefs_[1][...] = 0  # as with scikit-learn's, what predicts is coefs_
    model.intercepts_[1][...] = [0, 5, 0]
    assert set(model.predict(X)) == {1}


def test_pipelines_searches_and_routing(classifier, assert_same):
    X, y = load_breast_cancer(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), classifier(max_iter=20)), {"mlpclassifier__alpha": [1e-4, 1.0]},
        n_jobs=2, cv=2,
    ).fit(X, y)  # fmt: skip
    assert search.best_score_ > 0.8
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, classifier().set_fit_request(sample_weight=True))
        weight = np.linspace(0, 1, len(y))
        routed.fit(X, y, sample_weight=weight)
    direct = classifier().fit(StandardScaler().fit_transform(X), y, sample_weight=weight)
    assert_same(routed[-1], direct)


def test_verbose_shows_progress_on_standard_error(patients, regressor, capsys):
    X, y = patients
    regressor(verbose=1).fit(X, y)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "epoch 5/5" in shown.err


@pytest.mark.parametrize("early_stopping", [False, True])
def test_more_verbose_prints_a_line_an_epoch_as_scikit_learn(patients, regressor, capsys, early_stopping):
    X, y = patients
    model = regressor(verbose=2, early_stopping=early_stopping).fit(X, y)
    lines = []
    for number in range(5):
        lines.append(f"Iteration {number + 1}, loss = {model.loss_curve_[number]:.8f}")
        if early_stopping:
            lines.append(f"Validation score: {model.validation_scores_[number]:f}")
    assert capsys.readouterr() == ("\n".join(lines) + "\n", "")
