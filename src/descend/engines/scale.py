"""What the numbers of a table are multiplied by on their way into a network: one factor for all columns."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import OptionError


def check_input_scale(scale: object, dtype: str) -> float:
    """The factor itself. Raises OptionError unless it is a number above 0 that ``dtype`` can hold."""
    if isinstance(scale, int | float | np.integer | np.floating) and not isinstance(scale, bool):
        with np.errstate(over="ignore", under="ignore"), contextlib.suppress(OverflowError):
            if 0 < np.dtype(dtype).type(float(scale)) < np.inf:
                return float(scale)
    raise OptionError(f"input_scale must be a number above 0 that fits {dtype}, not {scale!r}")


def scaled(values: NDArray[Any], scale: float) -> NDArray[Any]:
    """Floating-point values times ``scale`` in their own type; they themselves where it is 1."""
    if scale == 1.0:
        return values
    with np.errstate(over="ignore", under="ignore"):  # what is beyond the type is found by the caller
        return np.asarray(values * values.dtype.type(scale))
