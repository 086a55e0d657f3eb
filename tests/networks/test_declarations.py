"""Layers, losses and networks: what they accept, what they refuse, and in which words."""

import numpy as np
import pytest

from descend.errors import OptionError
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Huber,
    Network,
    Quantile,
    SquaredError,
)
from descend.networks.activations import ACTIVATIONS, check_activation

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_known(name):
    assert Dense(1, name).activation == name


@pytest.mark.parametrize("name", ["rellu", "ReLU", "", None, 3, ["relu"]])
def test_unknown_activations_are_refused_with_all_choices(name):
    with pytest.raises(OptionError, match="choices: " + ", ".join(ACTIVATIONS)):
        check_activation(name)


def test_the_nearest_activation_is_suggested():
    with pytest.raises(OptionError, match="did you mean 'sigmoid'"):
        Dense(1, "sigmoyd")


def test_softmax_is_sent_to_the_loss():
    with pytest.raises(OptionError, match="CrossEntropy"):
        Dense(3, "softmax")


@pytest.mark.parametrize("units", [0, -1, 1.5, "3", True, None, NAN])
def test_units_are_a_whole_number(units):
    with pytest.raises(OptionError, match="units must be a whole number of at least 1"):
        Dense(units)


def test_numpy_units_become_plain_integers():
    assert type(Dense(np.int64(7)).units) is int


@pytest.mark.parametrize("rate", [1, 1.5, -0.1, NAN, INF, "0.5", None])
def test_dropout_rates_are_a_share(rate):
    with pytest.raises(OptionError, match="at least 0 and below 1"):
        Dropout(rate)


@pytest.mark.parametrize("delta", [0, -1, NAN, INF, "1", None, True])
def test_hubers_delta_is_positive(delta):
    with pytest.raises(OptionError, match="above 0"):
        Huber(delta)


@pytest.mark.parametrize("level", [0, 1, -0.5, 2, NAN, INF, "0.5", None, True])
def test_a_quantiles_level_lies_between_0_and_1(level):
    with pytest.raises(OptionError, match="Quantile level must be a number between 0 and 1"):
        Quantile(level)


@pytest.mark.parametrize("kind", [CrossEntropy, BinaryCrossEntropy])
@pytest.mark.parametrize("smoothing", [-0.1, 1.1, NAN, "0.1", None])
def test_smoothing_is_a_share(kind, smoothing):
    with pytest.raises(OptionError, match="label_smoothing must be a number from 0 to 1"):
        kind(label_smoothing=smoothing)


@pytest.mark.parametrize("kind", [CrossEntropy, BinaryCrossEntropy])
@pytest.mark.parametrize("weights", [(-1, 1), (NAN, 1), (INF, 1), (), 3, "balanced", "12", {0: 1.0, 1: 5.0}])
def test_class_weights_are_numbers(kind, weights):
    with pytest.raises(OptionError, match="class_weight must"):
        kind(class_weight=weights)


def test_class_weights_become_a_tuple_of_floats():
    assert CrossEntropy(class_weight=np.array([1, 2])).class_weight == (1.0, 2.0)


def test_binary_class_weights_are_a_pair():
    with pytest.raises(OptionError, match="needs 2 numbers"):
        BinaryCrossEntropy(class_weight=(1, 2, 3))


def test_class_weights_fit_the_classes():
    with pytest.raises(OptionError, match="class_weight has 2 numbers for 3 classes"):
        Network([Dense(3)], CrossEntropy(class_weight=(1, 2)))


def test_one_output_has_no_classes():
    with pytest.raises(OptionError, match="use BinaryCrossEntropy"):
        Network([Dense(1)], CrossEntropy())


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "last layer"),
        ([Dense(2), Dropout(0.5)], "last layer"),
        ([Dense(2), "relu"], "must be Dense or Dropout"),
        (Dense(2), "must be a list"),
        (None, "must be a list"),
    ],
)
def test_layers_are_a_list_that_ends_with_dense(layers, message):
    with pytest.raises(OptionError, match=message):
        Network(layers, SquaredError())


@pytest.mark.parametrize("loss", ["squared", None, SquaredError, 3])
def test_a_loss_is_a_declared_one(loss):
    with pytest.raises(OptionError, match="loss must be a loss such as"):
        Network([Dense(1)], loss)


def test_a_network_knows_its_shapes():
    network = Network([Dropout(0.2), Dense(4, "tanh"), Dense(3, bias=False), Dense(2)], AbsoluteError())
    assert network.widths(5) == (5, 4, 3, 2)
    assert network.outputs == 2
    assert not network.classifies
    assert network.parameter_shapes(5) == {
        "0.weight": (5, 4),
        "0.bias": (4,),
        "1.weight": (4, 3),
        "2.weight": (3, 2),
        "2.bias": (2,),
    }


def test_networks_are_values():
    assert Network([Dense(2)], SquaredError()) == Network((Dense(2),), SquaredError())
    assert hash(Network([Dense(2)], CrossEntropy(class_weight=[1, 2])))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"0.weight": np.zeros((2, 1))}, "named 0.weight, 0.bias"),
        ({"0.weight": np.zeros((1, 2)), "0.bias": np.zeros(1)}, r"shape \(1, 2\), expected \(2, 1\)"),
        ({"0.weight": np.full((2, 1), NAN), "0.bias": np.zeros(1)}, "not finite"),
        ({}, "not nothing"),
    ],
)
def test_given_parameters_must_fit(given, message):
    with pytest.raises(OptionError, match=message):
        Network([Dense(1)], SquaredError()).check_parameters(2, given)
