"""The reference's formulas at values known by hand, and at kinks, extremes and NaN."""

import math

import numpy as np
import pytest
from scipy.special import erf
from sklearn.metrics import mean_pinball_loss

from descend.engines.reference.forward import activate, activation_derivative
from descend.engines.reference.loss import loss_terms
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Poisson,
    Quantile,
    SquaredError,
)
from descend.networks.activations import ACTIVATIONS

Z = np.array([-1000.0, -4.0, -3.0, -1.0, -0.0, 0.5, 2.0, 3.0, 4.0, 1000.0])
ONE = np.ones(1)


def _by_hand(name, z):
    return {
        "identity": lambda: z,
        "sigmoid": lambda: 0.0 if z < -700 else 1 / (1 + math.exp(-z)),
        "hard_sigmoid": lambda: min(max(z / 6 + 0.5, 0.0), 1.0),
        "tanh": lambda: math.tanh(z),
        "relu": lambda: max(z, 0.0),
        "gelu": lambda: z * 0.5 * (1 + erf(z / math.sqrt(2))),
        "gelu_tanh": lambda: 0.5 * z * (1 + math.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    }[name]()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_small_and_huge_values(name, dtype):
    values = activate(name, Z.astype(dtype))
    assert values.dtype == dtype
    expected = [_by_hand(name, float(z)) for z in Z]
    np.testing.assert_allclose(values, expected, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)
    assert np.isfinite(activation_derivative(name, Z.astype(dtype), values)).all()


@pytest.mark.parametrize(("name", "kinks"), [("relu", [0.0, -0.0]), ("hard_sigmoid", [-3.0, 3.0])])
def test_derivatives_at_kinks_are_zero(name, kinks):
    z = np.array(kinks)
    assert activation_derivative(name, z, activate(name, z)).tolist() == [0.0] * len(kinks)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_is_passed_on(name):
    assert np.isnan(activate(name, np.array([np.nan]))).all()


def _terms(loss, z, y):
    return loss_terms(loss, np.array([z], float), np.array([y]), ONE)


@pytest.mark.parametrize(
    ("loss", "residual", "value", "slope"),
    [
        (SquaredError(), 3.0, 4.5, 3.0),
        (AbsoluteError(), -2.0, 2.0, -1.0),
        (AbsoluteError(), 0.0, 0.0, 0.0),
        (Huber(2.0), 1.0, 0.5, 1.0),
        (Huber(2.0), 2.0, 2.0, 2.0),
        (Huber(2.0), -5.0, 8.0, -2.0),
        (Quantile(0.75), -4.0, 3.0, -0.75),
        (Quantile(0.75), 4.0, 1.0, 0.25),
        (Quantile(0.75), 0.0, 0.0, 0.0),
    ],
)
def test_regression_losses(loss, residual, value, slope):
    terms = _terms(loss, [residual + 1.0], [1.0])
    assert terms.mean == value
    assert terms.derivative.tolist() == [[slope]]


def test_poisson_by_hand():
    terms = _terms(Poisson(), [math.log(3.0)], [2.0])
    assert terms.mean == pytest.approx(3 - 2 * math.log(3))
    assert terms.derivative.tolist() == [[pytest.approx(1.0)]]
    assert _terms(Poisson(), [-1000.0], [0.0]).mean == 0.0


def test_the_quantile_loss_is_scikit_learns_pinball_loss():
    rng = np.random.default_rng(2)
    z, y, weight = rng.normal(size=(50, 3)), rng.normal(size=(50, 3)), rng.random(50)
    expected = mean_pinball_loss(y, z, sample_weight=weight, alpha=0.15)
    assert loss_terms(Quantile(0.15), z, y, weight).mean == pytest.approx(expected, rel=1e-13)


def test_several_columns_are_averaged():
    terms = _terms(SquaredError(), [1.0, 3.0], [0.0, 0.0])
    assert terms.mean == 2.5
    assert terms.derivative.tolist() == [[0.5, 1.5]]


def test_cross_entropy_by_hand():
    terms = _terms(CrossEntropy(), [0.0, math.log(3.0)], 0)
    assert terms.mean == pytest.approx(math.log(4))
    np.testing.assert_allclose(terms.derivative, [[-0.75, 0.75]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_cross_entropies_stay_finite_at_huge_logits(dtype):
    z = np.array([[3e4, -3e4], [-3e4, 3e4]], dtype)
    cross = loss_terms(CrossEntropy(), z, np.array([0, 0]), np.ones(2, dtype))
    assert cross.mean == 3e4
    binary = loss_terms(BinaryCrossEntropy(), z, np.array([[1, 1], [1, 0]], dtype), np.ones(2, dtype))
    assert binary.mean == 2.25e4
    assert np.isfinite(cross.derivative).all()
    assert np.isfinite(binary.derivative).all()


def test_small_binary_losses_keep_their_digits():
    terms = _terms(BinaryCrossEntropy(), [-40.0], [0.0])
    assert terms.mean == pytest.approx(math.exp(-40.0), rel=1e-15)


def test_one_binary_column_equals_two_classes():
    rng = np.random.default_rng(0)
    z, y, w = rng.normal(size=20), rng.integers(0, 2, 20), rng.random(20)
    binary = loss_terms(BinaryCrossEntropy(0.2, (0.5, 3.0)), z[:, None], y[:, None].astype(float), w)
    cross = loss_terms(CrossEntropy(0.0, (0.5, 3.0)), np.stack((np.zeros(20), z), axis=1), y, w)
    plain = loss_terms(BinaryCrossEntropy(0.0, (0.5, 3.0)), z[:, None], y[:, None].astype(float), w)
    assert plain.mean == pytest.approx(cross.mean, rel=1e-14)
    np.testing.assert_allclose(plain.derivative[:, 0], cross.derivative[:, 1], atol=1e-15)
    assert binary.weight == cross.weight


def test_right_answers_count_with_the_rows_own_weights():
    z = np.array([[2.0, 1.0], [0.0, 1.0], [5.0, 5.0]])
    terms = loss_terms(CrossEntropy(class_weight=(9, 9)), z, np.array([0, 0, 0]), np.array([1.0, 2.0, 4.0]))
    assert terms.correct == 5.0  # a tie goes to the first class
    shares = loss_terms(BinaryCrossEntropy(), z[:1] - 1.5, np.array([[1.0, 1.0]]), ONE)
    assert shares.correct == 0.5
