"""What the perceptrons add to scikit-learn's, and what they do in the corners."""

import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import log_loss, mean_pinball_loss, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from descend import SGD, Adam, AdamW, Huber, MLPClassifier, MLPRegressor, Quantile, RMSprop, schedules
from descend.errors import DataError, Diverged, OptionError
from descend.estimators.base import ParameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def _classes():
    X, y = load_iris(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def _numbers():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), (y - y.mean()) / y.std()


def _classifier(**options):
    return MLPClassifier(**{"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0, **options})


def _regressor(**options):
    return MLPRegressor(**{"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0, **options})


def _same(one, other, tolerance=0.0):
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


@pytest.mark.parametrize("class_weight", [{0: 3.0, 1: 0.5}, "balanced"])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_class_weights_are_row_weights(class_weight, solver):
    X, y = _classes()
    X, y = X[20:], y[20:]
    weight = compute_sample_weight(class_weight, y)
    _same(
        _classifier(class_weight=class_weight, solver=solver).fit(X, y),
        _classifier(solver=solver).fit(X, y, sample_weight=weight),
        1e-12,
    )


def test_class_weights_by_label_of_the_users_own_type():
    X, y = _classes()
    names = np.array(["a", "b", "c"])[y]
    model = _classifier(class_weight={"a": 2.0, "c": 0.0}).fit(X, names)
    _same(model, _classifier(class_weight={0: 2.0, 2: 0.0}).fit(X, y))
    assert set(model.predict(X)) <= {"a", "b", "c"}
    assert model.classes_.tolist() == ["a", "b", "c"]


def test_class_weights_of_several_columns():
    X, y = make_multilabel_classification(60, n_classes=3, random_state=0)
    weight = compute_sample_weight("balanced", y)
    _same(
        _classifier(class_weight="balanced").fit(X, y), _classifier().fit(X, y, sample_weight=weight), 1e-12
    )


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_a_row_without_weight_is_no_row(solver):
    X, y = _numbers()
    weight = np.ones(len(y))
    weight[::3] = 0
    kept = weight > 0
    options = {"solver": solver, "batch_size": len(y) if solver != "lbfgs" else "auto", "alpha": 1.0}
    whole = _regressor(**options).fit(X, y, sample_weight=weight)
    if solver != "lbfgs":
        options["batch_size"] = int(kept.sum())
    _same(whole, _regressor(**options).fit(X[kept], y[kept]), 1e-6 if solver == "lbfgs" else 1e-11)


def test_own_validation_rows_stop_the_fit_and_their_curves_are_kept():
    X, y = _classes()
    held = np.arange(len(y)) % 3 == 0
    told = []
    model = _classifier(early_stopping=True, max_iter=200, learning_rate_init=0.02, n_iter_no_change=4,
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


def test_validation_rows_alone_only_record():
    X, y = _numbers()
    weight = np.linspace(0, 1, 100)
    plain = _regressor().fit(X[100:], y[100:])
    watched = _regressor().fit(X[100:], y[100:], validation=(X[:100], y[:100], weight))
    _same(plain, watched)
    assert watched.best_loss_ == plain.best_loss_
    expected = r2_score(y[:100], watched.predict(X[:100]), sample_weight=weight)
    assert watched.validation_scores_[-1] == pytest.approx(expected, rel=1e-12)
    assert plain.validation_scores_ is None


def test_scoring_judges_the_validation_rows():
    X, y = _classes()
    model = _classifier(early_stopping=True, scoring="neg_log_loss", max_iter=30, validation_fraction=0.3)
    model.fit(X, y)
    assert -model.validation_scores_[-1] == pytest.approx(model.validation_loss_curve_[-1], rel=1e-9)
    frame = pd.DataFrame(X, columns=list("abcd"))  # a scorer is given the rows as they came
    named = clone(model).fit(frame, y, validation=(frame[::7], y[::7]))
    assert len(named.validation_scores_) == named.n_iter_


def test_a_callback_ends_the_fit():
    X, y = _numbers()
    model = _regressor(max_iter=50, callbacks=[lambda epoch: epoch.number == 4, lambda epoch: None]).fit(X, y)
    assert model.n_iter_ == 4


def test_warm_start_goes_on_with_adams_state():
    X, y = _numbers()
    whole = _regressor(max_iter=6, shuffle=False).fit(X, y)
    halves = _regressor(max_iter=3, shuffle=False, warm_start=True).fit(X, y)
    halves.fit(X, y)
    _same(whole, halves)
    assert halves.t_ == whole.t_ == 6 * len(y)
    assert halves.loss_curve_ == whole.loss_curve_
    assert halves.n_iter_ == 3


def test_warm_start_keeps_to_layers_and_classes():
    X, y = _classes()
    model = _classifier(warm_start=True).fit(X, y)
    with pytest.raises(
        DataError,
        match=r"same classes as in the previous call to fit\. Previously got \[0 1 2\], `y` has \[0 1\]",
    ):
        model.fit(X[y < 2], y[y < 2])
    with pytest.raises(ParameterError, match="hidden_layer_sizes"):
        model.set_params(hidden_layer_sizes=(3,)).fit(X, y)


@pytest.mark.parametrize(
    "solver",
    [SGD(schedules.Cosine(0.1), momentum=0.5), RMSprop(0.01), Adam(0.01), AdamW(0.01, weight_decay=0.1)],
    ids=lambda solver: type(solver).__name__,
)
def test_optimizers(solver):
    X, y = _classes()
    model = _classifier(solver=solver, max_iter=60).fit(X, y)
    assert model.score(X, y) > 0.9
    assert clone(model).solver == solver


def test_named_solvers_are_these_optimizers():
    X, y = _numbers()
    named = _regressor(solver="sgd", learning_rate_init=0.01).fit(X, y)
    _same(named, _regressor(solver=SGD(0.01, momentum=0.9, nesterov=True)).fit(X, y))
    scheduled = _regressor(learning_rate=schedules.Constant(0.01)).fit(X, y)
    _same(scheduled, _regressor(learning_rate_init=0.01).fit(X, y))


@pytest.mark.parametrize("activation", ["hard_sigmoid", "gelu", "gelu_tanh", "sigmoid"])
def test_activations(activation):
    X, y = _classes()
    model = _classifier(activation=activation, max_iter=400, learning_rate_init=0.01).fit(X, y)
    assert model.score(X, y) > 0.9
    if activation == "sigmoid":
        _same(model, clone(model).set_params(activation="logistic").fit(X, y))


def test_losses():
    X, y = _numbers()
    options = {"max_iter": 300, "learning_rate_init": 0.01, "tol": 0.0}
    upper = _regressor(loss=Quantile(0.9), **options).fit(X, y).predict(X)
    assert 0.85 < (y <= upper).mean() < 0.95
    constant = np.full(len(y), np.quantile(y, 0.9))
    assert mean_pinball_loss(y, upper, alpha=0.9) < 0.8 * mean_pinball_loss(y, constant, alpha=0.9)
    spoilt = y.copy()
    spoilt[::20] = 50
    errors = {
        loss: np.median(abs(_regressor(loss=loss, **options).fit(X, spoilt).predict(X) - y))
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
    }
    assert all(errors[loss] < 0.7 * errors["squared_error"] for loss in errors if loss != "squared_error")
    _same(_regressor(loss="huber").fit(X, y), _regressor(loss=Huber()).fit(X, y))


def test_label_smoothing_keeps_probabilities_from_the_edge():
    X, y = _classes()
    options = {"solver": "lbfgs", "max_iter": 300, "alpha": 0.0}
    hard = _classifier(**options).fit(X, y).predict_proba(X).max(axis=1)
    soft = _classifier(label_smoothing=0.3, **options).fit(X, y).predict_proba(X).max(axis=1)
    assert np.median(hard) > 0.99
    assert 0.7 < np.median(soft) < 0.85  # 1 − ε + ε / 3 = 0.8


def test_dropout_and_clipping_change_the_steps():
    X, y = _numbers()
    plain = _regressor().fit(X, y)
    dropped = _regressor(dropout=0.5).fit(X, y)
    assert not np.allclose(plain.coefs_[0], dropped.coefs_[0])
    _same(dropped, _regressor(dropout=[0.5]).fit(X, y))
    with pytest.raises(ParameterError, match="2 rates, and the number of hidden layers is 1"):
        _regressor(dropout=[0.5, 0.1]).fit(X, y)
    clipped = _regressor(solver="sgd", momentum=0, clip_norm=1e-3, max_iter=1, batch_size=len(y), alpha=0)
    clipped.fit(X, y)
    start = _regressor(solver="sgd", momentum=0, learning_rate_init=1e-300, max_iter=1).fit(X, y)
    moved = [a - b for a, b in zip(clipped.coefs_ + clipped.intercepts_, start.coefs_ + start.intercepts_,
                                   strict=True)]  # fmt: skip
    assert np.sqrt(sum((part**2).sum() for part in moved)) == pytest.approx(1e-6, rel=1e-2)


@pytest.mark.parametrize("last", ["keep", "drop", "wrap"])
def test_the_last_batch(last):
    X, y = _numbers()
    model = _regressor(batch_size=100, last_batch=last, solver="sgd").fit(X, y)
    assert model.score(X, y) > -0.5
    assert model.t_ == 5 * len(y)


@pytest.mark.parametrize("engine", ["native", "reference", "pytorch"])
def test_engines_agree(engine):
    if engine == "pytorch":
        pytest.importorskip("torch")
    X, y = _classes()
    _same(_classifier(engine=engine).fit(X, y), _classifier(engine="reference").fit(X, y), 1e-11)


def test_a_diverged_fit_leaves_no_model():
    X, y = _numbers()
    model = _regressor(solver="sgd", learning_rate_init=1e6, max_iter=50, early_stopping=True)
    with pytest.raises(Diverged, match="try a learning rate of 100000"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_rows_too_large_are_a_divergence_in_scikit_learns_words():
    X, y = _numbers()
    with pytest.raises(Diverged, match=r"step 0, .*Solver produced non-finite parameter weights") as caught:
        _regressor().fit(X * 1e300, y)
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize("large", [0, 1])
def test_values_too_large_for_the_dtype_are_not_blamed_on_the_rate(large):
    rows = [part.astype(np.float32) for part in _numbers()]
    rows[large] *= np.float32(1e36)
    with pytest.raises(Diverged, match="values of X or y are too large for float32; scale them") as caught:
        _regressor().fit(rows[0], rows[1])
    assert "learning rate" not in str(caught.value)


def test_lbfgs_ends_where_iterations_bring_nothing():
    X, y = _numbers()
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


def test_a_call_that_diverges_leaves_the_model_as_it_was():
    X, y = _numbers()
    model, other = (_regressor(solver="sgd", learning_rate_init=0.01).fit(X, y) for _ in range(2))
    with pytest.raises(Diverged):
        model.partial_fit(X * 1e150, y)
    _same(model, other)
    assert model.loss_curve_ == other.loss_curve_
    _same(model.partial_fit(X, y), other.partial_fit(X, y))


def test_validation_rows_whose_loss_overflows_are_a_divergence():
    X, y = _numbers()
    far = (X * 1e200, y)
    with pytest.raises(Diverged, match="validation rows is not finite after epoch 1") as caught:
        _regressor(early_stopping=True).fit(X, y, validation=far)
    assert all(np.isfinite(part).all() for part in caught.value.parameters.values())


def test_an_interrupted_fit_keeps_its_last_epoch():
    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    X, y = _numbers()
    with pytest.warns(UserWarning, match="interrupted after 3 epochs"):
        model = _regressor(callbacks=[interrupt]).fit(X, y)
    _same(model, _regressor(max_iter=3).fit(X, y))


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
def test_options_that_do_not_go_are_refused(options, message):
    X, y = _numbers()
    with pytest.raises(OptionError, match=message):
        _regressor(**options).fit(X, y)


def test_the_end_of_max_iter_is_said():
    X, y = _numbers()
    with pytest.warns(ConvergenceWarning, match="max_iter=5") as caught:
        _regressor().fit(X, y)
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning, match="max_iter") as caught:
        _regressor(solver="lbfgs", tol=1e-12).fit(X, y)
    assert caught[0].filename == __file__


def test_one_class():
    X, y = _classes()
    model = _classifier(solver="adam").fit(X, np.full(len(y), "only"))
    assert set(model.predict(X)) == {"only"}
    assert model.predict_proba(X).shape == (len(X), 1)


def test_yes_and_no_columns_come_sparse_and_go_sparse():
    X, y = make_multilabel_classification(60, n_classes=3, random_state=0)
    dense = _classifier().fit(X, y)
    thin = _classifier().fit(X, sparse.csr_matrix(y))
    _same(dense, thin)
    assert sparse.issparse(thin.predict(X))
    np.testing.assert_array_equal(thin.predict(X).toarray(), dense.predict(X))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int64", "bool"])
def test_numbers_of_every_kind(dtype):
    X = (np.abs(_classes()[0]) * 3).astype(dtype)
    y = _classes()[1]
    model = _classifier().fit(X, y)
    assert model.coefs_[0].dtype == (np.float32 if dtype == "float32" else np.float64)
    assert model.predict_proba(X).dtype == model.coefs_[0].dtype
    X = np.asfortranarray(X)
    X.flags.writeable = False
    _same(model, _classifier().fit(X, y))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_in(frame):
    X, y = _classes()
    table = frame({name: X[:, i] for i, name in enumerate("abcd")})
    labels = pd.Series(y).map({0: "x", 1: "y", 2: "z"}) if frame is pd.DataFrame else pl.Series("l", y)
    model = _classifier().fit(table, labels)
    assert model.feature_names_in_.tolist() == list("abcd")
    _same(model, _classifier().fit(X, y))
    assert len(model.predict(table)) == len(X)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_sparse_rows_give_the_bits_of_dense_ones(solver):
    X, y = _classes()
    X = np.where(abs(X) > 0.7, X, 0)
    options = {"solver": solver, "early_stopping": True, "class_weight": "balanced"}
    dense = _classifier(**options).fit(X, y)
    for make in (sparse.csr_matrix, sparse.csc_array):
        thin = _classifier(**options).fit(make(X), y)
        _same(dense, thin, 0.0 if solver != "lbfgs" else 1e-6)
        np.testing.assert_array_equal(thin.predict_proba(make(X)), thin.predict_proba(X))
    backwards = sparse.csr_matrix((X[:, ::-1].ravel(), np.tile([3, 2, 1, 0], len(X)),
                                   np.arange(0, X.size + 1, 4)), X.shape)  # fmt: skip
    _same(thin, _classifier(**options).fit(backwards, y), 0.0 if solver != "lbfgs" else 1e-6)


def test_corners_of_a_table():
    X, y = _numbers()
    odd = np.column_stack([X, np.ones(len(X)), X[:, 0], X[:, 1] * 1e-200])
    assert np.isfinite(_regressor().fit(odd, y).predict(odd)).all()
    wide = _regressor(solver="lbfgs", max_iter=50).fit(X[:5], y[:5])
    np.testing.assert_allclose(wide.predict(X[:5]), y[:5], atol=0.1)
    with pytest.raises(DataError, match="zero"):
        _regressor().fit(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(DataError, match=r"y is below 0 in row 3"):
        _regressor(loss="poisson").fit(X[:4], [1, 2, 0, -1])
    with pytest.raises(DataError, match="too large for float32 in row 1"):
        _regressor(dtype="float32").fit(X[:2], [1, 1e300])


def test_pickle_joblib_and_changed_weights(tmp_path):
    X, y = _classes()
    model = _classifier().fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(copy.predict_proba(X), model.predict_proba(X))
        _same(copy.partial_fit(X, y), pickle.loads(pickle.dumps(model)).partial_fit(X, y))
    model.coefs_[1][...] = 0  # as with scikit-learn's, what predicts is coefs_
    model.intercepts_[1][...] = [0, 5, 0]
    assert set(model.predict(X)) == {1}


def test_pipelines_searches_and_routing():
    X, y = load_breast_cancer(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), _classifier(max_iter=20)), {"mlpclassifier__alpha": [1e-4, 1.0]},
        n_jobs=2, cv=2,
    ).fit(X, y)  # fmt: skip
    assert search.best_score_ > 0.8
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        routed = make_pipeline(scaler, _classifier().set_fit_request(sample_weight=True))
        weight = np.linspace(0, 1, len(y))
        routed.fit(X, y, sample_weight=weight)
    direct = _classifier().fit(StandardScaler().fit_transform(X), y, sample_weight=weight)
    _same(routed[-1], direct)


def test_verbose_shows_progress_on_standard_error(capsys):
    X, y = _numbers()
    _regressor(verbose=1).fit(X, y)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "epoch 5/5" in shown.err


@pytest.mark.parametrize("early_stopping", [False, True])
def test_more_verbose_prints_a_line_an_epoch_as_scikit_learn(capsys, early_stopping):
    X, y = _numbers()
    model = _regressor(verbose=2, early_stopping=early_stopping).fit(X, y)
    lines = []
    for number in range(5):
        lines.append(f"Iteration {number + 1}, loss = {model.loss_curve_[number]:.8f}")
        if early_stopping:
            lines.append(f"Validation score: {model.validation_scores_[number]:f}")
    assert capsys.readouterr() == ("\n".join(lines) + "\n", "")
