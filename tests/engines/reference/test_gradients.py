"""Every gradient of the reference by central differences in float64, away from kinks."""

import numpy as np
import pytest

from descend.engines.protocol import Inputs
from descend.engines.reference import engine
from descend.engines.reference.forward import DenseTrace, forward
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Huber,
    Network,
    Poisson,
    Quantile,
    SquaredError,
)
from descend.networks.activations import ACTIVATIONS
from descend.optimizers import SGD

STEP = 1e-5
CLEAR = 20 * STEP  # how far from a kink every value must stay
KINKS = {"relu": (0.0,), "hard_sigmoid": (-3.0, 3.0)}
LOSSES = {
    "squared": SquaredError(),
    "absolute": AbsoluteError(),
    "huber": Huber(0.4),
    "quantile": Quantile(0.9),
    "poisson": Poisson(),
    "cross": CrossEntropy(),
    "cross-smooth": CrossEntropy(label_smoothing=0.3),
    "cross-weighted": CrossEntropy(label_smoothing=0.1, class_weight=(0.5, 2.0, 0.0)),
    "binary": BinaryCrossEntropy(),
    "binary-weighted": BinaryCrossEntropy(label_smoothing=0.2, class_weight=(0.3, 2.5)),
}


def _targets(loss, rows, outputs, rng):
    if isinstance(loss, CrossEntropy):
        return rng.integers(0, outputs, rows)
    if isinstance(loss, BinaryCrossEntropy):
        return rng.integers(0, 2, (rows, outputs)).astype(float)
    if isinstance(loss, Poisson):
        return rng.poisson(2.0, (rows, outputs)).astype(float)
    return rng.normal(size=(rows, outputs))


def _clear_of_kinks(network, parameters, inputs, seed):
    z, traces = forward(network, parameters, inputs.x, (seed, 0))
    for trace in traces:
        if isinstance(trace, DenseTrace):
            for kink in KINKS.get(trace.place.layer.activation, ()):
                if np.abs(trace.z - kink).min() < CLEAR:
                    return False
    if isinstance(network.loss, AbsoluteError | Quantile):
        return np.abs(z - inputs.y).min() > CLEAR
    if isinstance(network.loss, Huber):
        return np.abs(np.abs(z - inputs.y) - network.loss.delta).min() > CLEAR
    return True


def _check(network, rows, columns, *, weighted=False, dtype="float64"):
    """Compares at the first seed whose values stay clear of kinks."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        weight = rng.uniform(0.2, 3.0, rows) * (rng.random(rows) < 0.8) + 1e-3 if weighted else None
        inputs = Inputs(
            rng.normal(size=(rows, columns)), _targets(network.loss, rows, network.outputs, rng), weight
        )
        parameters = {
            name: rng.normal(size=shape) for name, shape in network.parameter_shapes(columns).items()
        }
        if _clear_of_kinks(network, parameters, inputs, seed):
            break
    else:
        pytest.fail("no seed stays clear of kinks")
    program = engine().compile(network, network.widths(columns), SGD(), dtype, 1, seed)
    program.bind(inputs)
    chosen = np.arange(rows)

    def loss_at(changed):
        program.load(changed)
        return program.gradient(chosen, 0)[0]

    program.load(parameters)
    _, gradient = program.gradient(chosen, 0)
    assert list(gradient) == list(parameters)
    for name, w in parameters.items():
        assert gradient[name].shape == w.shape
        for place in np.ndindex(w.shape):
            above, below = w.copy(), w.copy()
            above[place] += STEP
            below[place] -= STEP
            difference = loss_at(parameters | {name: above}) - loss_at(parameters | {name: below})
            assert gradient[name][place] == pytest.approx(difference / (2 * STEP), rel=1e-6, abs=1e-8), name


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_two_layers(activation, loss):
    _check(Network([Dense(4, activation), Dense(3)], loss), rows=5, columns=3)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_dropout_weights_and_a_layer_without_bias(loss):
    layers = [Dropout(0.3), Dense(5, "tanh"), Dropout(0.4), Dense(4, "gelu", bias=False), Dense(3)]
    _check(Network(layers, loss), rows=6, columns=4, weighted=True)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_at_the_output(activation):
    _check(Network([Dense(3), Dense(2, activation)], SquaredError()), rows=4, columns=2, weighted=True)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_one_row(loss):
    _check(Network([Dense(3, "sigmoid"), Dense(3)], loss), rows=1, columns=4)


@pytest.mark.parametrize(
    "name", ["squared", "absolute", "huber", "quantile", "poisson", "binary", "binary-weighted"]
)
def test_one_column_in_and_out(name):
    _check(Network([Dense(3, "gelu_tanh"), Dense(1)], LOSSES[name]), rows=4, columns=1, weighted=True)


def test_the_last_class_may_count_nothing():
    """A batch in which every row's class weighs 0 has loss 0 and no gradient."""
    network = Network([Dense(2)], CrossEntropy(class_weight=(1, 0)))
    program = engine().compile(network, (3, 2), SGD(), "float64", 1, 0)
    program.bind(Inputs(np.ones((2, 3)), np.array([1, 1])))
    loss, gradient = program.gradient(np.arange(2), 0)
    assert loss == 0.0
    assert not any(g.any() for g in gradient.values())
