"""The course's first model: 1000 × 2 synthetic rows, three epochs, on every engine."""

import numpy as np
import pytest

from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.networks import Dense, Network, SquaredError
from descend.optimizers import SGD

TRUE_WEIGHT, TRUE_BIAS, NOISE = np.array([[2.0], [-3.4]]), 4.2, 0.01


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_finds_the_weights(engine_name, dtype):
    rng = np.random.default_rng(42)
    x = rng.normal(size=(1000, 2))
    y = x @ TRUE_WEIGHT + TRUE_BIAS + NOISE * rng.normal(size=(1000, 1))
    network = Network([Dense(1, init="normal(0.01)")], SquaredError())
    program = get_engine(engine_name).compile(network, (2, 1), SGD(lr=0.03), dtype, 1, 42)
    program.bind(Inputs(x.astype(dtype), y.astype(dtype)))
    order = Order(seed=42, rows=1000, size=10)
    steps = 3 * order.per_epoch
    chunk = program.run(Plan(0, steps, order, np.full(steps, 0.03), np.zeros(2)), np.inf)
    found = program.state()
    assert np.abs(found["0.weight"] - TRUE_WEIGHT).max() < 1e-3
    assert abs(found["0.bias"][0] - TRUE_BIAS) < 1e-3
    assert chunk.step_loss[-1] < 1e-3 < 1.0 < chunk.step_loss[0]
