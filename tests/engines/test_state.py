"""What may be loaded into a program, and what is refused."""

import numpy as np
import pytest

from descend.engines.state import checked_state
from descend.errors import OptionError
from descend.networks import Dense, Network, SquaredError
from descend.optimizers import SGD, Adam

NETWORK = Network([Dense(2)], SquaredError())
WEIGHTS = {"0.weight": np.ones((3, 2)), "0.bias": np.zeros(2)}


def _checked(state, optimizer=SGD(momentum=0.9), dtype="float32"):  # noqa: B008 - a frozen declaration
    return checked_state(NETWORK, 3, optimizer, np.dtype(dtype), state)


def test_what_is_missing_beside_the_parameters_is_zero():
    full = _checked(WEIGHTS)
    assert set(full) == {
        "0.weight",
        "0.bias",
        "momentum_buffer.0.weight",
        "momentum_buffer.0.bias",
        "updates",
    }
    assert full["momentum_buffer.0.weight"].shape == (3, 2)
    assert not full["momentum_buffer.0.weight"].any()
    assert full["updates"] == 0


def test_arrays_are_copied_into_the_dtype():
    given = {**WEIGHTS, "0.weight": np.asfortranarray(WEIGHTS["0.weight"])}
    full = _checked(given)
    assert full["0.weight"].dtype == np.float32
    assert full["0.weight"].flags.c_contiguous
    same = _checked(WEIGHTS, dtype="float64")
    same["0.weight"][0, 0] = 5
    assert WEIGHTS["0.weight"][0, 0] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.weight": np.ones((2, 3))}, r"shape \(2, 3\), expected \(3, 2\)"),
        ({"0.weight": np.full((3, 2), np.nan)}, "not finite"),
        ({"0.weight": np.full((3, 2), 1e300)}, "not finite in float32"),
        ({"momentum_buffer.0.bias": np.ones(3)}, r"shape \(3,\), expected \(2,\)"),
        ({"exp_avg.0.bias": np.ones(2)}, "unknown entry 'exp_avg.0.bias'.*choices"),
        ({"updates": np.array(-1)}, "at least 0, not -1"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(OptionError, match=message):
        _checked({**WEIGHTS, **change})


def test_missing_parameters_are_named():
    with pytest.raises(OptionError, match=r"named 0\.weight, 0\.bias, not 0\.weight"):
        _checked({"0.weight": WEIGHTS["0.weight"]}, Adam())
