"""Moments of weights without a gradient die away: to 0 on every engine, and not through subnormal numbers."""

import numpy as np
import pytest

from descend.engines.agreement import compare, promised
from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.networks import Dense, Network, SquaredError
from descend.optimizers import SGD, Adam, AdamW, RMSprop
from descend.optimizers.slots import least_kept

ROWS, STEPS = 8, 60
NETWORK = Network([Dense(20, "relu"), Dense(3, "relu"), Dense(1)], SquaredError())
OPTIMIZERS = {
    "momentum": SGD(0.01, momentum=0.3),
    "nesterov": SGD(0.01, momentum=0.3, nesterov=True),
    "rmsprop": RMSprop(0.01, alpha=0.3, momentum=0.2, centered=True),
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


def _started(engine_name, optimizer, dtype, small):
    """A program whose slots hold ``small`` where they are not about to be filled by a gradient."""
    inputs = _inputs(dtype)
    program = get_engine(engine_name).compile(NETWORK, NETWORK.widths(19), optimizer, dtype, 1, 3)
    program.bind(inputs)
    state = program.state()
    for name, array in state.items():
        if name.endswith("0.weight") and name != "0.weight":
            array[5:] = small
    program.load(state | {"updates": np.array(3)})
    return program


def _run(program, steps=STEPS):
    names = len(NETWORK.parameter_shapes(19))
    order = Order(0, ROWS, ROWS)
    return program.run(Plan(0, steps, order, np.full(steps, 0.01), np.zeros(names)), np.inf)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_no_subnormal_number_stays(engine_name, optimizer, dtype):
    smallest = np.finfo(dtype).tiny
    program = _started(engine_name, optimizer, dtype, smallest * 2.0**30)
    assert _run(program).done == STEPS
    for name, array in program.state().items():
        small = (array != 0) & (np.abs(array) < smallest)
        assert not small.any(), f"{name}: {array[small][:3]}"
        if name.endswith("0.weight") and name != "0.weight" and not name.startswith("max"):
            assert not array[5:].any(), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_what_is_just_large_enough_stays(engine_name, optimizer, dtype):
    """A step multiplies a slot by at least 0.2: 5.1 times the bound stays, the bound itself does not."""
    for factor in (5.1, 1.0):
        program = _started(engine_name, optimizer, dtype, 0.0)
        state = program.state()
        watched = [slot for slot in optimizer.slots if not slot.startswith("max")]
        for slot in watched:
            state[f"{slot}.0.weight"][5:] = factor * least_kept(optimizer, slot, dtype)
        program.load(state)
        _run(program, 1)
        for slot in watched:
            assert program.state()[f"{slot}.0.weight"][5:].all() == (factor > 1), slot


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_engines_follow_the_reference_while_moments_die(follower, optimizer, dtype):
    agreement = compare(
        NETWORK, _inputs(dtype), optimizer, (follower, "reference"), dtype=dtype, batch_size=ROWS
    )
    assert agreement.within(promised(dtype, 20)), agreement.report()


def _slots_after(engine_name, optimizer, dtype):
    program = _started(engine_name, optimizer, dtype, np.finfo(dtype).tiny * 2.0**30)
    _run(program, 12)
    return {n: a for n, a in program.state().items() if n.endswith("0.weight") and n != "0.weight"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_engines_clear_the_same_numbers(follower, optimizer, dtype):
    wanted = _slots_after("reference", optimizer, dtype)
    for name, array in _slots_after(follower, optimizer, dtype).items():
        np.testing.assert_allclose(array[5:], wanted[name][5:], rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("optimizer", [RMSprop(0.01, eps=0.0), Adam(0.01, betas=(0.3, 0.4), eps=0.0)])
def test_squares_that_are_divided_by_are_kept(engine_name, optimizer):
    program = _started(engine_name, optimizer, "float32", 0.0)
    state = program.state()
    squares = [name for name in state if "sq" in name]
    program.load(state | {name: np.full_like(state[name], 1e-40) for name in squares})
    assert _run(program, 2).stopped is None
    assert all(program.state()[name].all() for name in squares)
