"""Initial weights: their distribution, their fans, and the normal quantile."""

import numpy as np
import pytest
from scipy.special import ndtri

from descend import streams
from descend.errors import OptionError
from descend.networks import CrossEntropy, Dense, Network
from descend.networks.initialisation import _normal_quantile, check_init, draw_weight


def test_normal_quantile_matches_scipy():
    units = np.concatenate(
        [np.linspace(0, 1 - 2.0**-53, 20_001), 2.0 ** -np.arange(1, 54), 1 - 2.0 ** -np.arange(1, 53)]
    )
    expected = ndtri(np.minimum(units + 2.0**-54, 1 - 2.0**-53))
    np.testing.assert_allclose(_normal_quantile(units), expected, rtol=2e-15, atol=2e-16)


@pytest.mark.parametrize(
    ("scheme", "activation", "bound"),
    [
        ("glorot", "relu", np.sqrt(6 / 700)),
        ("he", "tanh", np.sqrt(6 / 300)),
        ("auto", "relu", np.sqrt(6 / 300)),
        ("auto", "gelu", np.sqrt(6 / 300)),
        ("auto", "gelu_tanh", np.sqrt(6 / 300)),
        ("auto", "tanh", np.sqrt(6 / 700)),
        ("auto", "identity", np.sqrt(6 / 700)),
    ],
)
def test_uniform_schemes_fill_their_bounds(scheme, activation, bound):
    drawn = draw_weight(scheme, activation, 300, 400, seed=1, layer=0)
    assert drawn.shape == (300, 400)
    assert np.abs(drawn).max() <= bound
    assert np.abs(drawn).max() > 0.999 * bound
    assert abs(drawn.std() - bound / np.sqrt(3)) < 0.01 * bound
    assert abs(drawn.mean()) < 0.01 * bound


@pytest.mark.parametrize(("scheme", "std"), [("normal", 0.01), ("normal(0.5)", 0.5), ("normal(1e-3)", 1e-3)])
def test_normal_schemes_have_their_spread(scheme, std):
    drawn = draw_weight(scheme, "identity", 300, 400, seed=1, layer=0) / std
    assert abs(drawn.std() - 1) < 0.01
    assert abs((np.abs(drawn) < 1).mean() - 0.6827) < 0.01
    assert abs((drawn**4).mean() - 3) < 0.15


def test_zeros_are_zeros():
    assert not draw_weight("zeros", "identity", 3, 4, seed=1, layer=0).any()


def test_weights_come_from_the_layers_own_stream_in_row_order():
    drawn = draw_weight("he", "relu", 6, 4, seed=5, layer=2)
    units = streams.uniform(5, streams.INITIAL, 0, 2, 24).reshape(6, 4)
    np.testing.assert_array_equal(drawn, 2 * units - 1)


def test_a_network_draws_weights_by_name_and_zero_biases():
    network = Network([Dense(5, "relu"), Dense(3, bias=False)], CrossEntropy())
    drawn = network.draw_parameters(4, seed=7)
    assert {name: w.shape for name, w in drawn.items()} == network.parameter_shapes(4)
    assert list(drawn) == ["0.weight", "0.bias", "1.weight"]
    assert not drawn["0.bias"].any()
    np.testing.assert_array_equal(drawn["1.weight"], draw_weight("auto", "identity", 5, 3, 7, 1))


@pytest.mark.parametrize("scheme", ["auto", "zeros", "normal", "normal(0)", "normal(2.5)", "glorot", "he"])
def test_known_schemes_pass(scheme):
    assert check_init(scheme) == scheme


@pytest.mark.parametrize("scheme", ["glorott", "normal()", "", None, 3, "normal(1"])
def test_unknown_schemes_are_refused_with_the_choices(scheme):
    with pytest.raises(OptionError, match=r"choices: auto, zeros, normal, normal\(std\), glorot, he"):
        check_init(scheme)


@pytest.mark.parametrize("scheme", ["normal(-1)", "normal(nan)", "normal(inf)", "normal(x)"])
def test_a_spread_must_be_a_number(scheme):
    with pytest.raises(OptionError, match="std must be a finite number of at least 0"):
        check_init(scheme)
