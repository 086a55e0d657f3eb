"""Coordinates are a change of variables, and moments are those of the rows."""

import numpy as np
import pytest

from descend import CrossEntropy, Dense, Network, SquaredError
from descend.engines.protocol import Inputs
from descend.solvers.coordinates import MOST_WHITENED_INPUTS, Plain, Whitened, coordinates_for
from descend.solvers.moments import moments


def random_parameters(network, inputs):
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=shape) for name, shape in network.parameter_shapes(inputs).items()}


def rows(count=50, columns=4):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, columns)) @ rng.normal(size=(columns, columns)) + 5


@pytest.mark.parametrize("layers", [[Dense(3)], [Dense(3, bias=False)], [Dense(5, "tanh"), Dense(3)]])
def test_the_gradient_changes_as_the_chain_rule_says(layers):
    network = Network(layers, CrossEntropy())
    coordinates = coordinates_for(network, Inputs(rows(), np.zeros(50, np.int64)), 0.1)
    slope = random_parameters(network, 4)
    step = np.random.default_rng(2).normal(size=sum(part.size for part in slope.values()))
    moved = coordinates.parameters(step)
    assert {name: part.shape for name, part in moved.items()} == network.parameter_shapes(4)
    change = sum(np.vdot(slope[name], moved[name]) for name in slope)
    assert coordinates.gradient(slope) @ step == pytest.approx(change, rel=1e-10)


def test_squared_error_is_a_sphere_in_whitened_coordinates():
    X, l2 = rows(), 0.3
    network = Network([Dense(1)], SquaredError())
    coordinates = Whitened(network, moments(Inputs(X, np.zeros((50, 1))), centred=True), l2)

    def objective(vector):
        own = coordinates.parameters(vector)
        z = X @ own["0.weight"] + own["0.bias"]
        return 0.5 * (z**2).mean() + 0.5 * l2 * (own["0.weight"] ** 2).sum()

    for vector in np.random.default_rng(3).normal(size=(5, 5)):
        assert objective(vector) == pytest.approx(0.5 * vector @ vector, rel=1e-10)


def test_wide_and_deep_networks_stay_as_they_are():
    wide = Inputs(np.zeros((2, MOST_WHITENED_INPUTS + 1)), np.zeros(2, np.int64))
    narrow = Inputs(np.zeros((2, 3)), np.zeros(2, np.int64))
    assert isinstance(coordinates_for(Network([Dense(2)], CrossEntropy()), wide, 0.0), Plain)
    assert isinstance(coordinates_for(Network([Dense(4), Dense(2)], CrossEntropy()), narrow, 0.0), Plain)
    assert isinstance(coordinates_for(Network([Dense(2)], CrossEntropy()), narrow, 0.0), Whitened)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize("weighted", [False, True])
def test_moments_of_a_short_table_are_exact(kind, weighted):
    X = (10 * rows() + 100).clip(0, 255).astype(kind)
    weight = np.random.default_rng(4).uniform(0, 2, 50) if weighted else None
    found = moments(Inputs(X, np.zeros(50), weight, scale=0.5), centred=True)
    own = 0.5 * X.astype(float)
    np.testing.assert_allclose(found.mean, np.average(own, axis=0, weights=weight), rtol=10 * found.rounding)
    expected = np.cov(own, rowvar=False, aweights=weight, ddof=0)
    np.testing.assert_allclose(
        found.covariance, expected, rtol=0, atol=10 * found.rounding * np.abs(expected).max()
    )


def test_a_large_mean_costs_no_digits():
    X = rows(5000, 3) + 1e7
    found = moments(Inputs(X, np.zeros(5000)), centred=True)
    np.testing.assert_allclose(found.covariance, np.cov(X, rowvar=False, ddof=0), rtol=1e-6)


def test_a_long_table_gives_all_its_rows_to_variances_and_a_sample_to_correlations():
    X = rows(20_000, 3)
    X[:, 2] = 0.0
    X[1, 2] = 1.0  # seen by no sample
    found = moments(Inputs(X, np.zeros(len(X))), centred=True)
    expected = np.cov(X, rowvar=False, ddof=0)
    np.testing.assert_allclose(np.diag(found.covariance), np.diag(expected), rtol=1e-9)
    assert found.covariance[0, 1] == pytest.approx(expected[0, 1], rel=0.1)
    assert np.linalg.eigvalsh(found.covariance).min() > 0


def test_uncentred_moments_are_about_0():
    X = rows()
    found = moments(Inputs(X, np.zeros(50)), centred=False)
    np.testing.assert_array_equal(found.mean, 0.0)
    np.testing.assert_allclose(found.covariance, X.T @ X / 50, rtol=1e-10)


def test_rows_whose_squares_overflow_are_left_as_they_are():
    inputs = Inputs(np.array([[1e200], [-1e200], [0.0]]), np.zeros((3, 1)))
    assert isinstance(coordinates_for(Network([Dense(1)], SquaredError()), inputs, 0.0), Plain)
