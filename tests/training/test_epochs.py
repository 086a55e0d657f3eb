"""Batches of epochs, and epochs made one at a time."""

import itertools

import numpy as np
import pytest

from descend import SGD, Dense, Dropout, Network, SquaredError, train
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import Diverged
from descend.training.divergence import LossLimit
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
    epochs = Epochs(program, tuple(network.parameter_shapes(3)), LossLimit(network, Inputs(x, y)))
    losses = [epochs.make(rows, ends, np.full(3, 0.1), np.zeros((3, 4))) for rows, ends in listed]
    np.testing.assert_array_equal(np.concatenate(losses), whole.history.step_loss)
    for name, value in whole.model.parameters.items():
        np.testing.assert_array_equal(epochs.parameters[name], value)
        np.testing.assert_array_equal(epochs.state()[name], value)


def test_a_diverging_epoch_keeps_the_last_finite_weights():
    network = Network([Dense(1)], SquaredError())
    x, y = _table()
    program = get_engine("native").compile(network, network.widths(3), SGD(1.0), "float64", 1, 0)
    program.bind(Inputs(x, y))
    epochs = Epochs(program, ("0.weight", "0.bias"), LossLimit(network, Inputs(x, y)))
    rows, ends = _epochs(1, 40, 1, "keep")[0]
    with pytest.raises(Diverged, match="learning rate 1e\\+30") as caught:
        epochs.make(rows, ends, np.full(40, 1e30), np.zeros((40, 2)))
    assert all(np.isfinite(value).all() for value in caught.value.parameters.values())
    assert caught.value.step > 0


class _Interrupting:
    """A program that is interrupted within the runs of these numbers, and does not know of it before."""

    def __init__(self, program, numbers):
        self._program, self._numbers, self.runs = program, numbers, 0

    def __getattr__(self, name):
        return getattr(self._program, name)

    def run(self, plan, seconds):
        chunk = self._program.run(plan, seconds)
        self.runs += 1
        if self.runs in self._numbers:
            raise KeyboardInterrupt
        return chunk


def _momentum(engine):
    network = Network([Dense(6, "tanh"), Dropout(0.3), Dense(1)], SquaredError())
    x, y = _table()
    program = get_engine(engine).compile(network, network.widths(3), SGD(0.1, momentum=0.5), "float64", 1, 5)
    program.bind(Inputs(x, y))
    return program, tuple(network.parameter_shapes(3))


def _limit():
    return LossLimit(Network([Dense(1)], SquaredError()), Inputs(*_table()))


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("kept", [0.0, 1e9])
def test_an_interrupted_epoch_leaves_the_state_before_it(engine, kept, monkeypatch):
    """Whether that was kept or is made again, and though making it again is interrupted too."""
    monkeypatch.setattr("descend.training.epochs.CHUNK_SECONDS", kept)
    listed = _epochs(3, 40, 40, "keep", np.random.RandomState(0))
    program, names = _momentum(engine)
    epochs = Epochs(program, names, _limit())
    for rows, ends in listed[:2]:
        epochs.make(rows, ends, np.full(1, 0.1), np.zeros((1, 4)))
    program, _ = _momentum(engine)
    interrupted = Epochs(_Interrupting(program, (3, 4, 6)), names, _limit())
    for rows, ends in listed[:2]:
        interrupted.make(rows, ends, np.full(1, 0.1), np.zeros((1, 4)))
    with pytest.raises(KeyboardInterrupt):
        interrupted.make(*listed[2], np.full(1, 0.1), np.zeros((1, 4)))
    for name, value in epochs.state().items():
        np.testing.assert_array_equal(program.state()[name], value)
        np.testing.assert_array_equal(interrupted.state()[name], value)


def test_steps_are_numbered_by_the_updates_made(monkeypatch):
    """A batch that weighs nothing is no update, whenever the state was kept; dropout follows the numbers."""
    x, y = _table()
    weight = np.ones(40)
    weight[:8] = 0
    rows, ends = _epochs(1, 40, 8, "keep")[0]
    states = []
    for seconds in (0.0, 1e9):
        monkeypatch.setattr("descend.training.epochs.CHUNK_SECONDS", seconds)
        program, names = _momentum("native")
        program.bind(Inputs(x, y, weight))
        epochs = Epochs(program, names, _limit())
        for _ in range(4):
            epochs.make(rows, ends, np.full(5, 0.1), np.zeros((5, 4)))
        states.append(epochs.state())
    assert states[0]["updates"] == 16
    for name, value in states[0].items():
        np.testing.assert_array_equal(states[1][name], value)


def test_an_epoch_whose_loss_explodes_is_a_divergence():
    network = Network([Dense(1)], SquaredError())
    x, y = _table()
    program = get_engine("native").compile(network, network.widths(3), SGD(1.0), "float64", 1, 0)
    program.bind(Inputs(x, y))
    epochs = Epochs(program, ("0.weight", "0.bias"), LossLimit(network, Inputs(x, y)))
    rows, ends = _epochs(1, 40, 4, "keep")[0]
    with pytest.raises(Diverged, match=r"the loss grew from .* to .* learning rate 1000\): try") as caught:
        epochs.make(rows, ends, np.full(10, 1e3), np.zeros((10, 2)))
    assert 0 < caught.value.step < 10
    assert all(np.isfinite(value).all() for value in caught.value.parameters.values())
