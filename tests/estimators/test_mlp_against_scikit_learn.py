"""The perceptrons beside scikit-learn's: one random_state gives both the same weights."""

import warnings

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import descend

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
NAMES = ["binary", "classes", "columns", "number", "outputs", "counts"]
NUMBERS = ("number", "outputs", "counts")


def _table(name):
    if name == "columns":
        X, y = make_multilabel_classification(400, n_features=8, n_classes=4, random_state=0)
    elif name == "outputs":
        X, y = load_diabetes(return_X_y=True)
        y = np.column_stack([y, y[::-1], np.sqrt(y)]) / 100
    else:
        load = {"binary": load_breast_cancer, "classes": load_digits}.get(name, load_diabetes)
        X, y = load(return_X_y=True)
        y = {"number": y / 100, "counts": np.floor(y / 30)}.get(name, y)
    return StandardScaler().fit_transform(X[:400]), y[:400]


def _pair(name, **options):
    kind = "MLPRegressor" if name in NUMBERS else "MLPClassifier"
    if name == "counts":
        options["loss"] = "poisson"
    options = {"random_state": 3, "max_iter": 3, "hidden_layer_sizes": (12, 7), **options}
    return getattr(neural_network, kind)(**options), getattr(descend, kind)(**options)


def _same_weights(theirs, ours, tolerance=1e-10):
    for one, other in zip(theirs.coefs_ + theirs.intercepts_, ours.coefs_ + ours.intercepts_, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(other, one, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "sgd"},
        {"solver": "sgd", "nesterovs_momentum": False, "alpha": 3.0},
        {"solver": "sgd", "momentum": 0, "batch_size": 33},
        {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.05, "power_t": 0.3},
        {"solver": "adam", "alpha": 3.0, "batch_size": 64},
        {"solver": "adam", "activation": "tanh", "shuffle": False},
        {"solver": "adam", "activation": "logistic", "beta_1": 0.5},
    ],
    ids=str,
)
def test_same_weights_after_some_epochs(name, options):
    X, y = _table(name)
    theirs, ours = _pair(name, **options)
    _same_weights(theirs.fit(X, y), ours.fit(X, y))
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.t_ == theirs.t_
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_same_weights_with_row_weights(name):
    X, y = _table(name)
    weight = np.random.default_rng(0).integers(0, 4, len(X)).astype(float)
    theirs, ours = _pair(name, solver="adam", alpha=2.0, batch_size=50)
    _same_weights(theirs.fit(X, y, sample_weight=weight), ours.fit(X, y, sample_weight=weight))
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_loss_curve_counts_what_scikit_learn_counts(name):
    X, y = _table(name)
    one_batch = {"alpha": 5.0, "batch_size": len(X)}
    theirs, ours = _pair(name, max_iter=6, **one_batch)
    np.testing.assert_allclose(ours.fit(X, y).loss_curve_, theirs.fit(X, y).loss_curve_, rtol=1e-10)
    assert ours.best_loss_ == pytest.approx(theirs.best_loss_, rel=1e-10)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-10)
    # several batches: ‖W‖² between the first and the last is taken for a straight line
    theirs, ours = _pair(name, max_iter=6, alpha=5.0, batch_size=40)
    np.testing.assert_allclose(ours.fit(X, y).loss_curve_, theirs.fit(X, y).loss_curve_, rtol=2e-3)


@pytest.mark.parametrize("name", NAMES)
def test_early_stopping_holds_out_the_same_rows_and_stops_at_the_same_epoch(name):
    X, y = _table(name)
    theirs, ours = _pair(name, early_stopping=True, max_iter=60, n_iter_no_change=3, learning_rate_init=0.02)
    theirs.fit(X, y)
    ours.fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.validation_scores_, theirs.validation_scores_, atol=1e-9)
    assert ours.best_validation_score_ == pytest.approx(theirs.best_validation_score_, abs=1e-9)
    assert ours.best_loss_ is None
    _same_weights(theirs, ours, 1e-8)


def test_adaptive_rate_falls_at_the_same_epochs():
    X, y = _table("binary")
    options = {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5, "n_iter_no_change": 2}
    theirs, ours = _pair("binary", max_iter=80, tol=1e-3, alpha=0.0, **options)
    _same_weights(theirs.fit(X, y), ours.fit(X, y), 1e-8)
    assert ours.n_iter_ == theirs.n_iter_


def test_the_fit_ends_where_scikit_learns_ends():
    X, y = _table("binary")
    theirs, ours = _pair("binary", max_iter=300, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        assert ours.fit(X, y).n_iter_ == theirs.fit(X, y).n_iter_


@pytest.mark.parametrize("name", NAMES)
def test_partial_fit_makes_the_same_steps(name):
    X, y = _table(name)
    theirs, ours = _pair(name, shuffle=False, solver="sgd")
    labels = np.arange(4) if name == "columns" else np.unique(y)
    classes = {} if name in NUMBERS else {"classes": labels}
    for rows in (slice(0, 150), slice(150, 300), slice(300, 400)):
        theirs.partial_fit(X[rows], y[rows], **classes)
        ours.partial_fit(X[rows], y[rows], **classes)
    _same_weights(theirs, ours)
    assert (ours.n_iter_, ours.t_) == (theirs.n_iter_, theirs.t_)
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)


@pytest.mark.parametrize("name", NAMES)
def test_lbfgs_reaches_an_objective_no_worse(name):
    X, y = _table(name)
    theirs, ours = _pair(name, solver="lbfgs", alpha=5.0, max_iter=400, activation="tanh", tol=1e-6)
    theirs.fit(X, y)
    ours.fit(X, y)
    assert ours.loss_ <= 1.05 * theirs.loss_ or name == "outputs"  # its gradient there is of another loss
    assert ours.n_iter_ == len(ours.loss_curve_)
    assert ours.score(X, y) > theirs.score(X, y) - 0.02


@pytest.mark.parametrize("name", NAMES)
def test_attributes_and_their_shapes(name):
    X, y = _table(name)
    theirs, ours = _pair(name, early_stopping=True)
    theirs.fit(X, y)
    ours.fit(X, y)
    public = {key for key in vars(theirs) if key.endswith("_") and not key.startswith("_")}
    assert public <= set(vars(ours))
    for key in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_", "n_iter_", "t_"):
        assert getattr(ours, key) == getattr(theirs, key), key
    assert len(ours.loss_curve_) == len(theirs.loss_curve_)
    if hasattr(theirs, "classes_"):
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        assert ours.predict_proba(X).shape == theirs.predict_proba(X).shape
    assert ours.predict(X).shape == theirs.predict(X).shape
    assert ours.predict(X).dtype == theirs.predict(X).dtype


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_parameters_and_defaults_are_scikit_learns(kind):
    theirs, ours = getattr(neural_network, kind)().get_params(), getattr(descend, kind)().get_params()
    assert {key: ours[key] for key in theirs} == theirs
    positional = [p for p in theirs if p in ("loss", "hidden_layer_sizes", "activation")]
    values = ["squared_error", (3,), "tanh"][3 - len(positional) :]
    made = getattr(descend, kind)(*values).get_params()
    assert made["hidden_layer_sizes"] == (3,)
    assert made["activation"] == "tanh"


@pytest.mark.parametrize("partial", [False, True])
def test_same_weights_from_weights_set_by_hand(partial):
    X, y = _table("classes")
    pair = _pair("classes", solver="sgd", warm_start=True, hidden_layer_sizes=(12,), max_iter=1)
    for model in pair:
        model.fit(X, y)
        model.coefs_ = [np.full_like(part, 0.1) + np.eye(*part.shape) for part in model.coefs_]
    theirs, fitted = pair
    ours = descend.MLPClassifier(**fitted.get_params())
    ours.coefs_ = [part.tolist() for part in fitted.coefs_]
    ours.intercepts_ = [part.tolist() for part in fitted.intercepts_]
    theirs._optimizer.velocities = [np.zeros_like(part) for part in theirs._optimizer.velocities]
    theirs._random_state = np.random.RandomState(3)
    for model in (theirs, ours):
        model.partial_fit(X, y, classes=np.unique(y)) if partial else model.fit(X, y)
    _same_weights(theirs, ours)
