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


@pytest.mark.parametrize("truth", [[3.0], [2.0, 2.0]])
def test_r2_is_none_where_it_is_undefined(truth):
    assert metrics.regression_metrics(np.array(truth), np.array(truth) + 1)["r2"] is None


def test_trivial_predictors():
    assert metrics.majority_accuracy(np.array([1, 1, 0]), np.array([1, 0, 1, 1])) == 0.75
    assert metrics.median_error(np.array([1.0, 2.0, 100.0]), np.array([2.0, 5.0])) == 1.5
