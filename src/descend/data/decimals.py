"""Numbers written with no more decimals than they carry."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_MOST = 22  # 10^22 is the largest power of ten that is exact in float64
_POWERS = np.array([10.0**places for places in range(_MOST + 1)])
_EXACT = 2.0**53  # whole numbers below are exact in float64


def rounded(values: NDArray[np.float64], steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each value at the fewest decimals that are no coarser than its step, so off by at most half of it.

    values, steps : of one shape, steps above 0. Values with more than 22 decimals or more than 53 bits before
    the last of them stay as they are. Bits do not depend on the machine: the count of decimals comes from
    the step's exponent.
    """
    below = 1 - np.frexp(steps)[1]  # the step is at least 2^−below
    places = np.ceil(below * math.log10(2)).astype(np.int64)
    powers = _POWERS[places.clip(0, _MOST)]
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(values * powers)
        known = (places <= _MOST) & (np.abs(whole) < _EXACT)
        return np.where(known, whole / powers, values)
