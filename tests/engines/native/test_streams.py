"""The extension draws the words that streams.py defines."""

from __future__ import annotations

import numpy as np
import pytest

from descend import streams
from descend.engines.plan import Batches, Explicit, Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.networks import Dense, Network, SquaredError
from descend.optimizers import SGD

_native = pytest.importorskip("descend.engines.native._native", reason="the extension is not built")

SEEDS = [0, 1, 2**32, 2**64 - 1, 987654321012345]


@pytest.mark.parametrize("rows", [0, 1, 2, 7, 1000, 60001])
@pytest.mark.parametrize("seed", SEEDS)
def test_orders(seed, rows):
    for step in (0, 3, 2**32 - 1):
        expected = streams.permutation(seed, streams.ORDER, step, rows)
        np.testing.assert_array_equal(_native._order(seed, step, rows, False), expected)
        drawn = streams.draws(seed, streams.ORDER, step, rows)
        np.testing.assert_array_equal(_native._order(seed, step, rows, True), drawn)


@pytest.mark.parametrize("width", [1, 4, 37, 64, 257])
@pytest.mark.parametrize("seed", SEEDS)
def test_masks(seed, width):
    for rate in (0.0, 0.3, 1 - 2**-53):
        expected = streams.kept(seed, 5, 2, 33, width, rate)
        for name in _native.instruction_sets():
            found = _native._kept(name, seed, 5, 2, 33, width, rate)
            np.testing.assert_array_equal(found, expected.astype(np.float64))


@pytest.mark.parametrize("last", ["keep", "drop", "wrap"])
@pytest.mark.parametrize(("shuffle", "replacement"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize(("rows", "size"), [(23, 5), (20, 5), (7, 7), (3, 8)])
def test_batches_are_the_plans(rows, size, last, shuffle, replacement):
    """A plan by order equals the same batches listed by hand, which the losses tell apart."""
    if last == "drop" and size > rows:
        pytest.skip("every batch is dropped, which is refused")
    order = Order(9, rows, size, last, shuffle, replacement)
    network = Network([Dense(1)], loss=SquaredError())
    x = np.arange(float(rows))[:, None]
    steps, first = 17, 4
    batches = Batches(order)
    listed = [batches.rows(step) for step in range(first + steps)]
    offsets = np.cumsum([0, *map(len, listed)])
    losses = []
    for given in (order, Explicit(np.concatenate(listed), offsets)):
        program = get_engine("native").compile(network, (1,), SGD(), "float64", 1, 0)
        program.bind(Inputs(x, 1.0 + x**3))
        chunk = program.run(Plan(first, steps, given, np.full(steps, 1e-6), np.zeros(2)), 10.0)
        assert chunk.done == steps
        losses.append(chunk.step_loss)
    np.testing.assert_array_equal(*losses)
