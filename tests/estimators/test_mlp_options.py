"""What MLPClassifier and MLPRegressor add: weights, losses, activations, optimizers, clipping, engines."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import mean_pinball_loss
from sklearn.utils.class_weight import compute_sample_weight

from descend import SGD, Adam, AdamW, Huber, Quantile, RMSprop, schedules
from descend.errors import OptionError
from descend.estimators.base import ParameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("class_weight", [{0: 3.0, 1: 0.5}, "balanced"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_are_row_weights(flowers, classifier, assert_same, class_weight, solver):
    X, y = flowers
    X, y = X[20:], y[20:]
    weight = compute_sample_weight(class_weight, y)
    assert_same(
        classifier(class_weight=class_weight, solver=solver).fit(X, y),
        classifier(solver=solver).fit(X, y, sample_weight=weight),
        1e-12,
    )


def test_class_weights_by_label_of_the_users_own_type(flowers, classifier, assert_same):
    X, y = flowers
    names = np.array(["a", "b", "c"])[y]
    model = classifier(class_weight={"a": 2.0, "c": 0.0}).fit(X, names)
    assert_same(model, classifier(class_weight={0: 2.0, 2: 0.0}).fit(X, y))
    assert set(model.predict(X)) <= {"a", "b", "c"}
    assert model.classes_.tolist() == ["a", "b", "c"]


def test_class_weights_of_several_columns(classifier, assert_same):
    X, y = make_multilabel_classification(60, n_classes=3, random_state=0)
    weight = compute_sample_weight("balanced", y)
    assert_same(
        classifier(class_weight="balanced").fit(X, y), classifier().fit(X, y, sample_weight=weight), 1e-12
    )


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_row_without_weight_is_no_row(patients, regressor, assert_same, solver):
    X, y = patients
    weight = np.ones(len(y))
    weight[::3] = 0
    kept = weight > 0
    options = {"solver": solver, "batch_size": len(y) if solver != "lbfgs" else "auto", "alpha": 1.0}
    whole = regressor(**options).fit(X, y, sample_weight=weight)
    if solver != "lbfgs":
        options["batch_size"] = int(kept.sum())
    assert_same(whole, regressor(**options).fit(X[kept], y[kept]), 1e-6 if solver == "lbfgs" else 1e-11)


@pytest.mark.parametrize(
    "solver",
    [SGD(schedules.Cosine(0.1), momentum=0.5), RMSprop(0.01), Adam(0.01), AdamW(0.01, weight_decay=0.1)],
    ids=lambda solver: type(solver).__name__,
)
def test_optimizers(flowers, classifier, solver):
    X, y = flowers
    model = classifier(solver=solver, max_iter=60).fit(X, y)
    assert model.score(X, y) > 0.9
    assert clone(model).solver == solver


def test_named_solvers_are_these_optimizers(patients, regressor, assert_same):
    X, y = patients
    named = regressor(solver="sgd", learning_rate_init=0.01).fit(X, y)
    assert_same(named, regressor(solver=SGD(0.01, momentum=0.9, nesterov=True)).fit(X, y))
    scheduled = regressor(learning_rate=schedules.Constant(0.01)).fit(X, y)
    assert_same(scheduled, regressor(learning_rate_init=0.01).fit(X, y))


@pytest.mark.parametrize("activation", ["hard_sigmoid", "gelu", "gelu_tanh", "sigmoid"])
def test_activations(flowers, classifier, assert_same, activation):
    X, y = flowers
    model = classifier(activation=activation, max_iter=400, learning_rate_init=0.01).fit(X, y)
    assert model.score(X, y) > 0.9
    if activation == "sigmoid":
        assert_same(model, clone(model).set_params(activation="logistic").fit(X, y))


def test_losses(patients, regressor, assert_same):
    X, y = patients
    options = {"max_iter": 300, "learning_rate_init": 0.01, "tol": 0.0}
    upper = regressor(loss=Quantile(0.9), **options).fit(X, y).predict(X)
    assert 0.85 < (y <= upper).mean() < 0.95
    constant = np.full(len(y), np.quantile(y, 0.9))
    assert mean_pinball_loss(y, upper, alpha=0.9) < 0.8 * mean_pinball_loss(y, constant, alpha=0.9)
    spoilt = y.copy()
    spoilt[::20] = 50
    errors = {
        loss: np.median(abs(regressor(loss=loss, **options).fit(X, spoilt).predict(X) - y))
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
    }
    assert all(errors[loss] < 0.7 * errors["squared_error"] for loss in errors if loss != "squared_error")
    assert_same(regressor(loss="huber").fit(X, y), regressor(loss=Huber()).fit(X, y))


def test_label_smoothing_keeps_probabilities_from_the_edge(flowers, classifier):
    X, y = flowers
    options = {"solver": "lbfgs", "max_iter": 300, "alpha": 0.0}
    hard = classifier(**options).fit(X, y).predict_proba(X).max(axis=1)
    soft = classifier(label_smoothing=0.3, **options).fit(X, y).predict_proba(X).max(axis=1)
    assert np.median(hard) > 0.99
    assert 0.7 < np.median(soft) < 0.85  # 1 − ε + ε / 3 = 0.8


def test_dropout_and_clipping_change_the_steps(patients, regressor, assert_same):
    X, y = patients
    plain = regressor().fit(X, y)
    dropped = regressor(dropout=0.5).fit(X, y)
    assert not np.allclose(plain.coefs_[0], dropped.coefs_[0])
    assert_same(dropped, regressor(dropout=[0.5]).fit(X, y))
    with pytest.raises(ParameterError, match="2 rates, and the number of hidden layers is 1"):
        regressor(dropout=[0.5, 0.1]).fit(X, y)
    clipped = regressor(solver="sgd", momentum=0, clip_norm=1e-3, max_iter=1, batch_size=len(y), alpha=0)
    clipped.fit(X, y)
    start = regressor(solver="sgd", momentum=0, learning_rate_init=1e-300, max_iter=1).fit(X, y)
    moved = [a - b for a, b in zip(clipped.coefs_ + clipped.intercepts_, start.coefs_ + start.intercepts_,
                                   strict=True)]  # fmt: skip
    assert np.sqrt(sum((part**2).sum() for part in moved)) == pytest.approx(1e-6, rel=1e-2)


@pytest.mark.parametrize("last", ["keep", "drop", "wrap"])
def test_the_last_batch(patients, regressor, last):
    X, y = patients
    model = regressor(batch_size=100, last_batch=last, solver="sgd").fit(X, y)
    assert model.score(X, y) > -0.5
    assert model.t_ == 5 * len(y)


@pytest.mark.parametrize("engine", ["native", "reference", "pytorch"])
def test_engines_agree(flowers, classifier, assert_same, engine):
    if engine == "pytorch":
        pytest.importorskip("torch")
    X, y = flowers
    assert_same(classifier(engine=engine).fit(X, y), classifier(engine="reference").fit(X, y), 1e-11)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout .* solver='lbfgs'"),
        ({"solver": "lbfgs", "callbacks": [print]}, "callbacks .* solver='lbfgs'"),
        ({"early_stopping": True, "scoring": lambda *_: np.nan}, "scoring must give a number, and gave nan"),
        ({"early_stopping": True, "scoring": lambda *_: None}, "scoring must give a number, and gave None"),
        ({"solver": "lbfgs", "loss": "absolute_error"}, "AbsoluteError"),
        ({"solver": "lbfgs", "clip_norm": 1.0}, "clip_norm"),
        ({"solver": "lbfgs", "learning_rate": schedules.Constant(0.1)}, "no learning rate"),
        ({"solver": SGD(0.1), "learning_rate": "adaptive"}, "lr takes schedules"),
        ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes must be > 0"),
        ({"engine": "nativ"}, "engine"),
        ({"threads": 0}, "threads"),
        ({"dtype": "float16"}, "dtype"),
        ({"dropout": 1.0}, "dropout"),
    ],
)
def test_options_that_do_not_go_are_refused(patients, regressor, options, message):
    X, y = patients
    with pytest.raises(OptionError, match=message):
        regressor(**options).fit(X, y)
