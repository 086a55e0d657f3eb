"""Moments that have died away are 0 on every engine, and never subnormal."""

import numpy as np
import pytest

from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import EngineUnavailable
from descend.networks import Dense, Network, SquaredError
from descend.optimizers import SGD, Adam, RMSprop
from descend.optimizers.slots import LEAST_MOMENT, least_kept

NETWORK = Network([Dense(5, "relu"), Dense(1)], SquaredError())
OPTIMIZERS = {
    "sgd": SGD(0.01, momentum=0.5),
    "rmsprop": RMSprop(1e-3, alpha=0.5, momentum=0.5, centered=True),
    "adam": Adam(1e-3, betas=(0.5, 0.5)),
    "amsgrad": Adam(1e-3, betas=(0.5, 0.5), amsgrad=True),
}


def dying(engine, optimizer, dtype, steps):
    """States along a run in which the second of two columns is filled in the first batch alone."""
    try:
        program = get_engine(engine).compile(NETWORK, NETWORK.widths(2), optimizer, dtype, 1, 0)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    x = np.ones((40, 2), dtype)
    x[4:, 1] = 0.0
    program.bind(Inputs(x, np.linspace(0, 1, 40, dtype=dtype)[:, None]))
    states = []
    for first in range(0, steps, 10):
        program.run(Plan(first, 10, Order(0, 40, 4, shuffle=False), np.full(10, 0.01), np.zeros(4)), np.inf)
        states.append(program.state())
        if first == 0:
            x[:, 1] = 0.0
            program.bind(Inputs(x, np.zeros((40, 1), dtype)))
    return states


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("engine", ["native", "reference", "pytorch"])
def test_what_dies_away_becomes_0(engine, optimizer, dtype):
    states = dying(engine, optimizer, dtype, 300)
    died = 0
    for state in states:
        for slot in optimizer.slots:
            values = np.abs(state[f"{slot}.0.weight"])
            least = least_kept(optimizer, slot, dtype)
            assert (values[values > 0] >= least).all()
            died += np.count_nonzero(values[1] == 0)
    assert died  # the second column's


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("engine", ["native", "pytorch"])
def test_engines_let_go_at_the_same_step(engine, optimizer):
    found, right = (dying(each, optimizer, "float64", 200) for each in (engine, "reference"))
    for ours, reference in zip(found, right, strict=True):
        for slot in optimizer.slots:
            second = ours[f"{slot}.0.weight"][1], reference[f"{slot}.0.weight"][1]
            np.testing.assert_allclose(*second, rtol=1e-6, atol=0)


def test_squares_are_kept_where_nothing_is_added_to_their_root():
    assert least_kept(Adam(eps=0.0), "exp_avg_sq", "float32") == 0
    assert least_kept(Adam(), "exp_avg_sq", "float32") == np.finfo("float32").tiny
    assert least_kept(SGD(momentum=0.9), "momentum_buffer", "float64") == LEAST_MOMENT
