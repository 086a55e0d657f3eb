"""How times are taken, with a clock of our own."""

import numpy as np
import pytest

from descend.bench import timing
from descend.bench.images import stand_in
from descend.bench.operations import operations
from descend.bench.workloads import make_workloads


class Clock:
    """Stands still until something takes time."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    monkeypatch.setattr(timing, "LONG_ENOUGH", 0.5)
    return clock


@pytest.mark.parametrize(("epoch", "fewest"), [(1e-5, 40_000), (0.01, 40), (3.0, 2)])
def test_what_a_run_costs_once_is_taken_off(clock, epoch, fewest):
    def train(count):
        clock.now += 0.05 + epoch * count

    measure, epochs = timing.epoch_timer(train)
    assert measure() == pytest.approx(epoch)
    assert fewest <= epochs <= max(2, 0.51 / epoch)


def test_a_disturbed_single_epoch_does_not_shorten_the_others(clock):
    runs = []

    def train(count):
        runs.append(count)
        clock.now += 0.1 * count + (5.0 if disturbed and count == 1 and len(runs) % 3 == 1 else 0)

    disturbed = False
    measure, _ = timing.epoch_timer(train)
    runs.clear()
    disturbed = True
    assert measure() == pytest.approx(0.1)


def test_times_without_sense_are_an_error_in_the_end(clock):
    def train(count):
        clock.now += 1.0 / count

    measure, _ = timing.epoch_timer(train)
    with pytest.raises(RuntimeError, match="less time than one"):
        measure()


def test_calls_are_timed_in_a_loop(clock):
    def call():
        clock.now += 2e-6

    measure, calls = timing.call_timer(call)
    assert measure() == pytest.approx(2e-6)
    assert calls * 2e-6 == pytest.approx(0.5, rel=0.01)


def test_turns_alternate_and_ratios_are_of_the_same_turn():
    seen = []
    timers = {name: lambda name=name: seen.append(name) or float(len(seen)) for name in "ab"}
    assert timing.take_turns(timers, 3) == {"a": [1, 3, 5], "b": [2, 4, 6]}
    assert seen == list("ababab")
    assert timing.ratios([10.0, 30.0, 50.0], [1.0, 2.0, 10.0]) == {"ratio": 10.0, "range": [5.0, 15.0]}


def test_operations_are_counted_layer_by_layer(images):
    assert operations(images()) == 230 * 4 * 12 * 3
    assert operations(images((7,))) == 230 * (4 * (12 * 7 + 7 * 3) + 2 * 7 * 3)
    assert operations(images((7,), kind="predict")) == 2 * (12 * 7 + 7 * 3)


def test_the_stand_in_looks_like_digits_and_can_be_learnt():
    made = stand_in(5000)
    assert made.pixels.shape == (5000, 784)
    assert 0.65 < (made.pixels == 0).mean() < 0.85
    assert set(made.labels) == set(range(10))
    assert np.array_equal(made.pixels, stand_in(5000).pixels)
    middle = np.stack([made.pixels[:4000][made.labels[:4000] == c].mean(axis=0) for c in range(10)])
    guess = (made.pixels[4000:] @ middle.T - (middle**2).sum(axis=1) / 2).argmax(axis=1)
    assert (guess == made.labels[4000:]).mean() > 0.9


def test_titles():
    (work,), data = make_workloads(("linear-10",), None)
    assert (work.title, work.name, data) == ("linear 1000×2, batch 10", "linear-10", "generated numbers")
