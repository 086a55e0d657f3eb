"""Predictions have as many decimals as the network's type can tell apart, and no more."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from descend.data.decimals import rounded
from descend.data.target import NumberTarget


def digits(value: float) -> int:
    """Significant digits of the shortest decimal that reads back as ``value``."""
    return len(np.format_float_scientific(value, trim="-").split("e")[0].replace(".", "").lstrip("-"))


@settings(deadline=None)
@given(st.floats(-1e12, 1e12), st.floats(1e-14, 1e6))
def test_a_value_is_off_by_half_a_step_at_most(value: float, step: float) -> None:
    found = rounded(np.array([value]), np.array([step]))[0]
    assert abs(found - value) <= step / 2 * (1 + 1e-9) + abs(value) * 2.0**-53
    assert np.array_equal(rounded(np.array([found]), np.array([step])), [found])


def test_steps_of_powers_of_ten() -> None:
    values, steps = np.array([48.843129405344925, 1234567.8, 7.0]), np.array([2.4e-6, 1e3, 0.25])
    assert rounded(values, steps).tolist() == [48.843129, 1234568.0, 7.0]


@pytest.mark.parametrize("mean", [50.0, -3e4, 1e-3, 0.0])
@pytest.mark.parametrize("deviation", [20.0, 3e-4, 7e8])
def test_float32_predictions_are_short_decimals(mean: float, deviation: float) -> None:
    z = np.random.default_rng(0).normal(size=500).astype(np.float32)
    y = z.astype(np.float64) * deviation + mean
    found = NumberTarget(mean, deviation).decode(z)
    assert (np.abs(found - y) <= np.spacing(np.maximum(np.abs(z), np.float32(1))) * deviation / 2).all()
    carried = 9 + np.log10(max(abs(mean), deviation) / deviation)
    assert max(digits(value) for value in found) <= carried + 1
    assert found.dtype == np.float64
    alone = np.concatenate([NumberTarget(mean, deviation).decode(z[row : row + 1]) for row in range(50)])
    assert alone.tolist() == found[:50].tolist()


def test_a_mean_far_above_the_deviation_costs_no_precision() -> None:
    z = np.linspace(-2, 2, 101).astype(np.float32)
    found = NumberTarget(1.7e9, 1e-2).decode(z)  # float32 itself would tell apart steps of 128
    np.testing.assert_allclose(found - 1.7e9, z.astype(np.float64) * 1e-2, rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [3.9444525e-8, 0.0, 1e-30, 5.25, 3e7])
def test_small_counts_keep_their_digits(count: float) -> None:
    z = np.array([count / 3.5], np.float32)
    found = NumberTarget(0.0, 3.5).decode(z)[0]
    assert found == pytest.approx(float(z[0]) * 3.5, rel=2.0**-23, abs=0)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_extreme_targets_stay_as_they_are(size: float) -> None:
    z = np.array([0.5, -1.25], np.float32)
    assert NumberTarget(size, size).decode(z).tolist() == [0.5 * size + size, -1.25 * size + size]


def test_float64_predictions_keep_every_digit() -> None:
    z = np.random.default_rng(1).normal(size=50)
    assert NumberTarget(50.0, 20.0).decode(z).tolist() == (z * 20.0 + 50.0).tolist()
