"""Whether all of an array's numbers are finite."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from descend.engines.protocol import Array


def all_finite(values: Array) -> bool:
    """Whether no value is NaN or infinite.

    values : float32 or float64 of any shape, C-contiguous and aligned. One pass without a copy where the
    extension is built; NumPy's two, and a mask between them, where it is not.
    """
    return _check()(values)


@functools.cache
def _check() -> Callable[[Array], bool]:
    try:
        from descend.engines.native.finite import all_finite as check
    except ImportError:
        return _check_in_numpy
    return check


def _check_in_numpy(values: Array) -> bool:
    return bool(np.isfinite(values).all())
