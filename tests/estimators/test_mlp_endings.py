"""When a perceptron's fit ends and what it leaves: validation rows, callbacks, warm starts, divergence."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import neural_network
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import log_loss, r2_score

from descend import MLPRegressor
from descend.errors import DataError, Diverged
from descend.estimators.base import ParameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def test_own_validation_rows_stop_the_fit_and_their_curves_are_kept(flowers, classifier):
    X, y = flowers
    held = np.arange(len(y)) % 3 == 0
    told = []
    model = classifier(early_stopping=True, max_iter=200, learning_rate_init=0.02, n_iter_no_change=4,
                        callbacks=[told.append])  # fmt: skip
    model.fit(X[~held], y[~held], validation=(X[held], y[held]))
    curves = (
        model.validation_scores_,
        model.validation_loss_curve_,
        model.training_scores_,
        model.loss_curve_,
    )
    assert {len(curve) for curve in curves} == {model.n_iter_}
    assert model.n_iter_ < 200
    best = int(np.argmax(model.validation_scores_))
    assert model.score(X[held], y[held]) == model.best_validation_score_ == model.validation_scores_[best]
    p = model.predict_proba(X[held])
    assert log_loss(y[held], p) == pytest.approx(model.validation_loss_curve_[best], rel=1e-9)
    assert model.score(X[~held], y[~held]) == model.training_scores_[best]
    np.testing.assert_array_equal(told[best].parameters["0.weight"], model.coefs_[0])
    assert [epoch.validation_score for epoch in told] == model.validation_scores_


def test_validation_rows_alone_only_record(patients, regressor, assert_same):
    X, y = patients
    weight = np.linspace(0, 1, 100)
    plain = regressor().fit(X[100:], y[100:])
    watched = regressor().fit(X[100:], y[100:], validation=(X[:100], y[:100], weight))
    assert_same(plain, watched)
    assert watched.best_loss_ == plain.best_loss_
    expected = r2_score(y[:100], watched.predict(X[:100]), sample_weight=weight)
    assert watched.validation_scores_[-1] == pytest.approx(expected, rel=1e-12)
    assert plain.validation_scores_ is None


def test_scoring_judges_the_validation_rows(flowers, classifier):
    X, y = flowers
    model = classifier(early_stopping=True, scoring="neg_log_loss", max_iter=30, validation_fraction=0.3)
    model.fit(X, y)
    assert -model.validation_scores_[-1] == pytest.approx(model.validation_loss_curve_[-1], rel=1e-9)
    frame = pd.DataFrame(X, columns=list("abcd"))  # a scorer is given the rows as they came
    named = clone(model).fit(frame, y, validation=(frame[::7], y[::7]))
    assert len(named.validation_scores_) == named.n_iter_


def test_a_callback_ends_the_fit(patients, regressor):
    X, y = patients
    model = regressor(max_iter=50, callbacks=[lambda epoch: epoch.number == 4, lambda epoch: None]).fit(X, y)
    assert model.n_iter_ == 4


def test_warm_start_goes_on_with_adams_state(patients, regressor, assert_same):
    X, y = patients
    whole = regressor(max_iter=6, shuffle=False).fit(X, y)
    halves = regressor(max_iter=3, shuffle=False, warm_start=True).fit(X, y)
    halves.fit(X, y)
    assert_same(whole, halves)
    assert halves.t_ == whole.t_ == 6 * len(y)
    assert halves.loss_curve_ == whole.loss_curve_
    assert halves.n_iter_ == 3


def test_warm_start_keeps_to_layers_and_classes(flowers, classifier):
    X, y = flowers
    model = classifier(warm_start=True).fit(X, y)
    with pytest.raises(
        DataError,
        match=r"same classes as in the previous call to fit\. Previously got \[0 1 2\], `y` has \[0 1\]",
    ):
        model.fit(X[y < 2], y[y < 2])
    with pytest.raises(ParameterError, match="hidden_layer_sizes"):
        model.set_params(hidden_layer_sizes=(3,)).fit(X, y)


def test_a_diverged_fit_leaves_no_model(patients, regressor):
    X, y = patients
    model = regressor(solver="sgd", learning_rate_init=1e6, max_iter=50, early_stopping=True)
    with pytest.raises(Diverged, match="try a learning rate of 100000"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_rows_too_large_are_a_divergence_in_scikit_learns_words(patients, regressor):
    X, y = patients
    with pytest.raises(Diverged, match=r"step 0, .*Solver produced non-finite parameter weights") as caught:
        regressor().fit(X * 1e300, y)
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("large", [0, 1])
def test_values_too_large_for_the_dtype_are_not_blamed_on_the_rate(patients, regressor, large):
    rows = [part.astype(np.float32) for part in patients]
    rows[large] *= np.float32(1e36)
    with pytest.raises(Diverged, match="values of X or y are too large for float32; scale them") as caught:
        regressor().fit(rows[0], rows[1])
    assert "learning rate" not in str(caught.value)


def test_lbfgs_ends_where_iterations_bring_nothing(patients):
    X, y = patients
    options = {"hidden_layer_sizes": (8,), "solver": "lbfgs", "alpha": 1.0, "tol": 1e-12, "max_iter": 3000,
               "random_state": 0}  # fmt: skip
    model = MLPRegressor(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, y)
    falls = -np.diff(model.loss_curve_)
    assert falls[-1] <= 2.3e-9 < falls[:-1].min()
    other = neural_network.MLPRegressor(**options).fit(X, y)
    assert model.n_iter_ < 2 * other.n_iter_


def test_a_call_that_diverges_leaves_the_model_as_it_was(patients, regressor, assert_same):
    X, y = patients
    model, other = (regressor(solver="sgd", learning_rate_init=0.01).fit(X, y) for _ in range(2))
    with pytest.raises(Diverged):
        model.partial_fit(X * 1e150, y)
    assert_same(model, other)
    assert model.loss_curve_ == other.loss_curve_
    assert_same(model.partial_fit(X, y), other.partial_fit(X, y))


def test_validation_rows_whose_loss_overflows_are_a_divergence(patients, regressor):
    X, y = patients
    far = (X * 1e200, y)
    with pytest.raises(Diverged, match="validation rows is not finite after epoch 1") as caught:
        regressor(early_stopping=True).fit(X, y, validation=far)
    assert all(np.isfinite(part).all() for part in caught.value.parameters.values())


def test_an_interrupted_fit_keeps_its_last_epoch(patients, regressor, assert_same):
    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    X, y = patients
    with pytest.warns(UserWarning, match="interrupted after 3 epochs"):
        model = regressor(callbacks=[interrupt]).fit(X, y)
    assert_same(model, regressor(max_iter=3).fit(X, y))


def test_the_end_of_max_iter_is_said(patients, regressor):
    X, y = patients
    with pytest.warns(ConvergenceWarning, match="max_iter=5") as caught:
        regressor().fit(X, y)
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning, match="max_iter") as caught:
        regressor(solver="lbfgs", tol=1e-12).fit(X, y)
    assert caught[0].filename == __file__
