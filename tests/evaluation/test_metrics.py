import numpy as np
import pytest
from sklearn import metrics as peer

from descend.evaluation import metrics


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("occurring", [2, 4])
def test_classification_metrics_are_scikit_learns(dtype, occurring):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(4) / 4, 200).astype(dtype)
    p[:2] = [1, 0, 0, 0]
    truth = rng.integers(0, occurring, 200)
    truth[:2] = [0, 1]  # sure, once rightly and once wrongly
    predicted = p[:, :3].argmax(axis=1)
    found = metrics.classification_metrics(truth, predicted, p)
    exact = p.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert found == pytest.approx(
        {
            "accuracy": peer.accuracy_score(truth, predicted),
            "log_loss": peer.log_loss(truth, exact, labels=range(4)),
            "f1_macro": peer.f1_score(truth, predicted, average="macro"),
        },
        rel=1e-12,
    )


def test_classes_that_do_not_occur_do_not_break_the_log_loss():
    p = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]])
    found = metrics.classification_metrics(np.array([0, 0]), np.array([0, 0]), p)
    assert found["accuracy"] == 1
    assert found["log_loss"] == pytest.approx(-(np.log(0.7) + np.log(0.6)) / 2)


def test_regression_metrics_are_scikit_learns():
    rng = np.random.default_rng(0)
    truth, predicted = rng.normal(1e6, 10, 50), rng.normal(1e6, 10, 50)
    found = metrics.regression_metrics(truth, predicted)
    assert found["r2"] == pytest.approx(peer.r2_score(truth, predicted))
    assert found["mean_absolute_error"] == pytest.approx(peer.mean_absolute_error(truth, predicted))
    assert found["root_mean_squared_error"] == pytest.approx(peer.root_mean_squared_error(truth, predicted))


@pytest.mark.parametrize("exponent", [-1060, -1000, -540, 0, 540, 1000, 1020])
def test_the_size_of_the_numbers_changes_no_digit(exponent):
    rng = np.random.default_rng(3)
    truth = np.round(rng.normal(size=40), 2)  # few digits, for those below 2**-1022 have fewer
    predicted = truth + np.round(rng.normal(scale=0.1, size=40), 2)
    truth, predicted = (np.round(each * 2**10) / 2**10 for each in (truth, predicted))
    plain = metrics.regression_metrics(truth, predicted)
    scaled = metrics.regression_metrics(np.ldexp(truth, exponent), np.ldexp(predicted, exponent))
    assert scaled["r2"] == plain["r2"]
    for name in ("mean_absolute_error", "root_mean_squared_error"):
        assert scaled[name] == pytest.approx(np.ldexp(plain[name], exponent), rel=1e-4, abs=0)


@pytest.mark.parametrize("truth", [[3.0], [2.0, 2.0], [0.1, 0.1, 0.1]])
def test_r2_is_none_where_it_is_undefined(truth):
    assert metrics.regression_metrics(np.array(truth), np.array(truth) + 1)["r2"] is None


def test_trivial_predictors():
    assert metrics.majority_accuracy(np.array([1, 1, 0]), np.array([1, 0, 1, 1])) == 0.75
    assert metrics.median_error(np.array([1.0, 2.0, 100.0]), np.array([2.0, 5.0])) == 1.5


def _counts(rows=200):
    rng = np.random.default_rng(4)
    predicted = rng.gamma(2.0, 1.5, rows)
    return rng.poisson(predicted).astype(float), predicted * rng.uniform(0.5, 2, rows)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("rows", [3, 20, 201])
def test_quantile_metrics_are_scikit_learns(level, rows):
    truth, predicted = _counts(rows)
    found = metrics.quantile_metrics(truth, predicted, level)
    plain = metrics.regression_metrics(truth, predicted)
    assert list(found)[:2] == ["mean_pinball_loss", "d2_pinball_score"]
    assert found["mean_pinball_loss"] == pytest.approx(
        peer.mean_pinball_loss(truth, predicted, alpha=level), rel=1e-12
    )
    assert found["d2_pinball_score"] == pytest.approx(
        peer.d2_pinball_score(truth, predicted, alpha=level), rel=1e-12
    )
    assert {name: found[name] for name in plain} == plain


def test_count_metrics_are_scikit_learns():
    truth, predicted = _counts()
    assert (truth == 0).any()
    found = metrics.count_metrics(truth, predicted)
    assert list(found)[:2] == ["mean_poisson_deviance", "d2_tweedie_score"]
    assert found["mean_poisson_deviance"] == pytest.approx(
        peer.mean_poisson_deviance(truth, predicted), rel=1e-12
    )
    assert found["d2_tweedie_score"] == pytest.approx(
        peer.d2_tweedie_score(truth, predicted, power=1), rel=1e-12
    )
    assert {"r2", "mean_absolute_error", "root_mean_squared_error"} < set(found)


@pytest.mark.parametrize("truth", [[3.0], [2.0, 2.0], [0.0, 0.0, 0.0]])
def test_d2_is_none_where_it_is_undefined(truth):
    truth = np.array(truth)
    assert metrics.quantile_metrics(truth, truth + 1, 0.9)["d2_pinball_score"] is None
    assert metrics.count_metrics(truth, truth + 1)["d2_tweedie_score"] is None


def test_what_is_beyond_float64_is_none():
    truth, predicted = np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.0, 3.0])
    found = metrics.count_metrics(truth, predicted)  # a count where 0 was expected
    assert (found["mean_poisson_deviance"], found["d2_tweedie_score"]) == (None, None)
    assert metrics.count_metrics(truth[[0, 2]], predicted[[0, 2]])["mean_poisson_deviance"] == 0
    huge = np.array([1e308, -1e308])
    assert metrics.quantile_metrics(huge, -huge, 0.9)["mean_pinball_loss"] is None


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_constant_guesses_are_the_best_of_the_training_rows(level):
    training, truth = _counts(40)[0], _counts(60)[0][40:]
    guess = metrics.quantile_guess(training, level)
    best = peer.d2_pinball_score(training, np.full(40, guess), alpha=level)
    assert best == pytest.approx(0, abs=1e-12)
    assert metrics.pinball_loss(truth, guess, level) == pytest.approx(
        peer.mean_pinball_loss(truth, np.full(20, guess), alpha=level)
    )
    assert metrics.poisson_deviance(truth, training.mean()) == pytest.approx(
        peer.mean_poisson_deviance(truth, np.full(20, training.mean()))
    )
