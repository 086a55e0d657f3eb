"""Batches of epochs, and epochs made one at a time."""

import itertools

import numpy as np
import pytest

from descend import SGD, Dense, Dropout, Network, SquaredError, train
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import Diverged
from descend.training.epochs import Epochs, epoch_batches


def _epochs(count, rows, size, last, shuffle=None):
    return list(itertools.islice(epoch_batches(np.arange(rows), size, last, shuffle), count))


@pytest.mark.parametrize(("last", "sizes"), [("keep", [4, 4, 2]), ("drop", [4, 4]), ("wrap", [4, 4, 4])])
def test_the_last_batch(last, sizes):
    for rows, offsets in _epochs(3, 10, 4, last, np.random.RandomState(0)):
        assert np.diff(offsets).tolist() == sizes
        assert len(rows) == sum(sizes)
        assert len(set(rows[:10])) == len(rows[:10])


def test_wrap_takes_the_first_rows_of_the_next_epoch_which_still_runs_whole():
    first, second = _epochs(2, 10, 4, "wrap", np.random.RandomState(1))
    assert first[0][10:].tolist() == second[0][:2].tolist()
    assert sorted(second[0][:10]) == list(range(10))


def test_without_shuffling_the_order_is_kept():
    for rows, _ in _epochs(2, 5, 2, "keep"):
        assert rows.tolist() == [0, 1, 2, 3, 4]


def _table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    return x, x @ [[1.0], [-2.0], [0.5]]


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_epochs_make_the_steps_of_train(engine):
    """Two epochs of listed batches, dropout included, are one run of train over the same list."""
    network = Network([Dense(6, "tanh"), Dropout(0.3), Dense(1)], SquaredError())
    x, y = _table()
    listed = _epochs(2, 40, 16, "keep", np.random.RandomState(0))
    batches = [rows[a:b] for rows, ends in listed for a, b in itertools.pairwise(ends)]
    whole = train(
        network,
        x,
        y,
        optimizer=SGD(0.1, momentum=0.5),
        batches=batches,
        engine=engine,
        dtype="float64",
        seed=5,
    )
    program = get_engine(engine).compile(network, network.widths(3), SGD(0.1, momentum=0.5), "float64", 1, 5)
    program.bind(Inputs(x, y))
    epochs = Epochs(program, tuple(network.parameter_shapes(3)))
    losses = [epochs.make(rows, ends, np.full(3, 0.1), np.zeros((3, 4))) for rows, ends in listed]
    np.testing.assert_array_equal(np.concatenate(losses), whole.history.step_loss)
    for name, value in whole.model.parameters.items():
        np.testing.assert_array_equal(epochs.state[name], value)
    assert not np.array_equal(epochs.previous["0.weight"], epochs.state["0.weight"])


def test_a_diverging_epoch_keeps_the_last_finite_weights():
    network = Network([Dense(1)], SquaredError())
    x, y = _table()
    program = get_engine("native").compile(network, network.widths(3), SGD(1.0), "float64", 1, 0)
    program.bind(Inputs(x, y))
    epochs = Epochs(program, ("0.weight", "0.bias"))
    rows, ends = _epochs(1, 40, 1, "keep")[0]
    with pytest.raises(Diverged, match="learning rate 1e\\+30") as caught:
        epochs.make(rows, ends, np.full(40, 1e30), np.zeros((40, 2)))
    assert all(np.isfinite(value).all() for value in caught.value.parameters.values())
    assert caught.value.step > 0
