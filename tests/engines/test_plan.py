"""Batches of an order and of explicit lists."""

import numpy as np
import pytest

from descend import streams
from descend.engines.plan import Batches, Explicit, Order
from descend.errors import OptionError


def test_keep_ends_an_epoch_with_a_short_batch():
    order = Order(seed=1, rows=10, size=4)
    batches = [Batches(order).rows(step) for step in range(order.per_epoch)]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(batches), streams.permutation(1, streams.ORDER, 0, 10))


def test_drop_leaves_the_rest_out():
    order = Order(seed=1, rows=10, size=4, last="drop")
    assert order.per_epoch == 2
    np.testing.assert_array_equal(
        Batches(order).rows(2), streams.permutation(1, streams.ORDER, 1, 10)[:4]
    )  # step 2 begins epoch 1


def test_wrap_borrows_from_the_next_epoch_which_still_runs_whole():
    batches = Batches(Order(seed=1, rows=10, size=4, last="wrap"))
    following = streams.permutation(1, streams.ORDER, 1, 10)
    np.testing.assert_array_equal(batches.rows(2)[2:], following[:2])
    np.testing.assert_array_equal(batches.rows(3), following[:4])


def test_wrap_fills_a_batch_larger_than_the_table():
    batch = Batches(Order(seed=1, rows=3, size=8, last="wrap")).rows(0)
    following = streams.permutation(1, streams.ORDER, 1, 3)
    np.testing.assert_array_equal(batch[3:], np.resize(following, 5))


def test_without_shuffle_rows_keep_their_order():
    batches = Batches(Order(seed=1, rows=5, size=2, shuffle=False))
    assert [batches.rows(step).tolist() for step in range(4)] == [[0, 1], [2, 3], [4], [0, 1]]


def test_replacement_draws_each_epoch():
    batches = Batches(Order(seed=1, rows=50, size=50, replacement=True))
    np.testing.assert_array_equal(batches.rows(3), streams.draws(1, streams.ORDER, 3, 50))


def test_any_step_may_be_asked_for_in_any_order():
    order = Order(seed=4, rows=11, size=3, last="wrap")
    forward = [Batches(order).rows(step) for step in range(30)]
    backward = Batches(order)
    for step in reversed(range(30)):
        np.testing.assert_array_equal(backward.rows(step), forward[step])


def test_explicit_batches_are_cut_at_their_offsets():
    batches = Batches(Explicit(np.array([5, 1, 1, 0]), np.array([0, 3, 3, 4])))
    assert [batches.rows(step).tolist() for step in range(3)] == [[5, 1, 1], [], [0]]


@pytest.mark.parametrize(("rows", "size"), [(0, 1), (5, 0), (5, -1)])
def test_nothing_cannot_be_cut(rows, size):
    with pytest.raises(OptionError, match="both are at least 1"):
        Order(seed=0, rows=rows, size=size)


def test_drop_needs_a_whole_batch():
    with pytest.raises(OptionError, match="3 rows are fewer than a batch of 5"):
        Order(seed=0, rows=3, size=5, last="drop")


def test_unknown_policies_are_refused_with_the_choices():
    with pytest.raises(OptionError, match="choices: keep, drop, wrap"):
        Order(seed=0, rows=3, size=1, last="discard")
