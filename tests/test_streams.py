"""Philox against its published answers, and what is drawn from its words."""

import numpy as np
import pytest

from descend import streams
from descend.errors import OptionError

# Random123's kat_vectors, "philox4x32 10": counter, key, answer.
KNOWN_ANSWERS = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def _words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, answer):
    low, high = _words(key)
    drawn = streams.philox(np.array([_words(counter)], np.uint32), low | high << 32)
    assert drawn.tolist() == [_words(answer)]


def test_words_are_the_counters_in_order():
    drawn = streams.words(seed=2**40 + 3, purpose=2, step=7, layer=5, count=10)
    counters = np.array([[block, 5, 7, 2] for block in range(3)], np.uint32)
    expected = streams.philox(counters, 2**40 + 3).reshape(-1)[:10]
    np.testing.assert_array_equal(drawn, expected)


def test_long_words_hold_the_low_half_first():
    low, high = streams.words(1, 0, 0, 0, 2).tolist()
    assert streams.long_words(1, 0, 0, 0, 1).tolist() == [low + high * 2**32]


def test_uniform_numbers_fill_the_unit_interval_evenly():
    drawn = streams.uniform(11, streams.INITIAL, 0, 0, 100_000)
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0
    counts = np.histogram(drawn, bins=100, range=(0, 1))[0]
    chi_squared = float(((counts - 1000.0) ** 2 / 1000.0).sum())
    assert 53 < chi_squared < 161  # 1e-4 quantiles of chi-squared with 99 degrees of freedom


def test_bits_of_words_are_balanced():
    drawn = streams.words(5, streams.DROPOUT, 3, 1, 40_000)
    ones = np.unpackbits(drawn.view(np.uint8)).reshape(-1, 32).mean(axis=0)
    assert np.abs(ones - 0.5).max() < 5 * 0.5 / np.sqrt(40_000)


def test_neighbouring_streams_are_unrelated():
    first = streams.uniform(0, streams.INITIAL, 0, 0, 20_000)
    for seed, purpose, step, layer in [
        (1, 0, 0, 0),
        (0, 1, 0, 0),
        (0, 0, 1, 0),
        (0, 0, 0, 1),
        (2**32, 0, 0, 0),
    ]:
        other = streams.uniform(seed, purpose, step, layer, 20_000)
        assert abs(np.corrcoef(first, other)[0, 1]) < 5 / np.sqrt(20_000)


def test_permutation_orders_rows_by_their_words():
    keys = [int(key) for key in streams.long_words(9, streams.ORDER, 4, 0, 37)]
    assert streams.permutation(9, streams.ORDER, 4, 37).tolist() == sorted(range(37), key=keys.__getitem__)


def test_draws_scale_words_without_rounding():
    keys = [int(key) for key in streams.long_words(9, streams.ORDER, 4, 0, 1000)]
    assert streams.draws(9, streams.ORDER, 4, 1000).tolist() == [key * 1000 >> 64 for key in keys]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_drops_its_share(rate):
    kept = streams.kept(3, 0, 0, 500, 201, rate)
    deviation = np.sqrt(max(rate * (1 - rate), 1e-12) / kept.size)
    assert abs((1 - kept.mean()) - rate) <= 5 * deviation


def test_a_rows_mask_does_not_depend_on_how_many_rows_there_are():
    np.testing.assert_array_equal(streams.kept(3, 2, 1, 5, 7, 0.5), streams.kept(3, 2, 1, 50, 7, 0.5)[:5])


def test_dropout_compares_words_with_the_threshold():
    drawn = streams.words(3, streams.DROPOUT, 2, 1, 2 * 8).reshape(2, 8)[:, :6]
    np.testing.assert_array_equal(streams.kept(3, 2, 1, 2, 6, 0.3), drawn >= int(0.3 * 2**32))


def test_seeds_are_checked_and_drawn():
    assert streams.check_seed(2**64 - 1) == 2**64 - 1
    assert streams.check_seed(np.int64(5)) == 5
    assert 0 <= streams.check_seed(None) < 2**64
    assert streams.check_seed(None) != streams.check_seed(None)


@pytest.mark.parametrize("seed", [-1, 2**64, 1.0, "1", True, float("nan")])
def test_other_seeds_are_refused(seed):
    with pytest.raises(OptionError, match="seed must be an integer from 0 to"):
        streams.check_seed(seed)
