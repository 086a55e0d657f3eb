"""Orders and streams: which rows an epoch reads, whatever the seed, the rows and the batch."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from descend import streams
from descend.engines.plan import Batches, Order

SEEDS = st.integers(0, 2**64 - 1)
ROWS = st.integers(1, 60)
SIZES = st.integers(1, 70)
quick = settings(max_examples=60, derandomize=True)


def _epoch(order, number):
    batches = Batches(order)
    return [batches.rows(number * order.per_epoch + place) for place in range(order.per_epoch)]


@quick
@given(SEEDS, ROWS, SIZES, st.integers(0, 5), st.booleans())
def test_keep_reads_every_row_once(seed, rows, size, number, shuffle):
    batches = _epoch(Order(seed, rows, size, "keep", shuffle), number)
    assert sorted(np.concatenate(batches)) == list(range(rows))
    assert all(len(batch) == size for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= size


@quick
@given(SEEDS, ROWS, SIZES, st.integers(0, 5))
def test_drop_reads_whole_batches_and_no_row_twice(seed, rows, size, number):
    size = min(size, rows)
    batches = _epoch(Order(seed, rows, size, "drop"), number)
    read = np.concatenate(batches)
    assert all(len(batch) == size for batch in batches)
    assert len(set(read.tolist())) == len(read)
    assert rows - len(read) < size


@quick
@given(SEEDS, ROWS, SIZES, st.integers(0, 5))
def test_wrap_reads_every_row_and_whole_batches(seed, rows, size, number):
    order = Order(seed, rows, size, "wrap")
    batches = _epoch(order, number)
    read = np.concatenate(batches)
    assert all(len(batch) == size for batch in batches)
    assert sorted(read[:rows]) == list(range(rows))
    following = order.epoch(number + 1)
    np.testing.assert_array_equal(read[rows:], np.resize(following, len(read) - rows))


@quick
@given(SEEDS, ROWS, SIZES, st.integers(0, 5))
def test_policies_share_one_order(seed, rows, size, number):
    keep, wrap = (np.concatenate(_epoch(Order(seed, rows, size, last), number)) for last in ("keep", "wrap"))
    np.testing.assert_array_equal(keep, wrap[:rows])
    np.testing.assert_array_equal(keep, Order(seed, rows, size).epoch(number))


@quick
@given(SEEDS, st.integers(0, 2**32 - 1), ROWS)
def test_a_permutation_is_one(seed, step, rows):
    assert sorted(streams.permutation(seed, streams.ORDER, step, rows)) == list(range(rows))


@quick
@given(SEEDS, st.integers(0, 2**32 - 1), st.integers(1, 2**20))
def test_draws_stay_inside(seed, step, rows):
    drawn = streams.draws(seed, streams.ORDER, step, min(rows, 500))
    assert drawn.min() >= 0
    assert drawn.max() < min(rows, 500)


@quick
@given(SEEDS, st.integers(0, 3), st.integers(0, 2**32 - 1), st.integers(0, 9), st.integers(1, 50), st.data())
def test_a_word_depends_on_its_place_alone(seed, purpose, step, layer, count, data):
    more = data.draw(st.integers(count, 90))
    whole = streams.words(seed, purpose, step, layer, more)
    np.testing.assert_array_equal(whole[:count], streams.words(seed, purpose, step, layer, count))


@quick
@given(
    SEEDS, st.integers(0, 1000), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9), st.floats(0, 0.99)
)
def test_a_lower_rate_keeps_what_a_higher_one_keeps(seed, step, layer, rows, width, rate):
    higher = streams.kept(seed, step, layer, rows, width, rate)
    lower = streams.kept(seed, step, layer, rows, width, rate / 2)
    assert higher.shape == (rows, width)
    assert (lower | ~higher).all()
