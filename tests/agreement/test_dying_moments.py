"""Where a moment is let go, and that engines agree on a run whose moments die."""

import numpy as np
import pytest

from descend.engines.agreement import compare, promised
from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.networks import Dense, Network, SquaredError
from descend.optimizers import SGD, Adam, AdamW, RMSprop
from descend.optimizers.slots import least_kept

ROWS = 8
NETWORK = Network([Dense(20, "relu"), Dense(3, "relu"), Dense(1)], SquaredError())
OPTIMIZERS = {
    "momentum": SGD(0.01, momentum=0.3),
    "nesterov": SGD(0.01, momentum=0.3, nesterov=True),
    "rmsprop": RMSprop(0.01, alpha=0.3, momentum=0.2),
    "adam": Adam(0.01, betas=(0.3, 0.4)),
    "amsgrad": Adam(0.01, betas=(0.3, 0.4), amsgrad=True),
    "adamw": AdamW(0.01, betas=(0.3, 0.4)),
}


def _inputs(dtype):
    """Columns 5 and later are 0 in all rows: their weights have no gradient."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 19)).astype(dtype)
    x[:, 5:] = 0
    return Inputs(x, rng.normal(size=(ROWS, 1)).astype(dtype))


def _program(engine_name, optimizer, dtype):
    program = get_engine(engine_name).compile(NETWORK, NETWORK.widths(19), optimizer, dtype, 1, 3)
    program.bind(_inputs(dtype))
    return program


def _run(program, steps):
    decay = np.zeros(len(NETWORK.parameter_shapes(19)))
    return program.run(Plan(0, steps, Order(0, ROWS, ROWS), np.full(steps, 0.01), decay), np.inf)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_moment_is_let_go_below_its_bound_alone(engine_name, optimizer, dtype):
    """A step leaves at least a fifth of a slot: 5.1 times the bound stays, the bound itself does not."""
    for factor in (5.1, 1.0):
        program = _program(engine_name, optimizer, dtype)
        state = program.state() | {"updates": np.array(3)}
        watched = [slot for slot in optimizer.slots if not slot.startswith("max")]
        for slot in watched:
            state[f"{slot}.0.weight"][5:] = factor * least_kept(optimizer, slot, dtype)
        program.load(state)
        _run(program, 1)
        for slot in watched:
            assert program.state()[f"{slot}.0.weight"][5:].any() == (factor > 1), slot


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_engines_follow_the_reference_while_moments_die(follower, optimizer, dtype):
    agreement = compare(
        NETWORK, _inputs(dtype), optimizer, (follower, "reference"), dtype=dtype, batch_size=ROWS
    )
    assert agreement.within(promised(dtype, 20)), agreement.report()


@pytest.mark.parametrize("optimizer", [RMSprop(0.01, eps=0.0), Adam(0.01, betas=(0.3, 0.4), eps=0.0)])
def test_squares_that_are_divided_by_are_kept(engine_name, optimizer):
    program = _program(engine_name, optimizer, "float32")
    state = program.state() | {"updates": np.array(3)}
    squares = [name for name in state if "sq" in name]
    program.load(state | {name: np.full_like(state[name], 1e-40) for name in squares})
    assert _run(program, 2).stopped is None
    assert all(program.state()[name].all() for name in squares)
