"""What of an optimizer's slots is kept: numbers that have died away are 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from descend.optimizers.adam import Adam
from descend.optimizers.rmsprop import RMSprop
from descend.optimizers.sgd import SGD

LEAST_MOMENT = 2.0**-100
"""Means and sums of gradients below it are stored as 0."""

_SQUARES = frozenset({"square_avg", "exp_avg_sq", "max_exp_avg_sq"})


def least_kept(optimizer: SGD | RMSprop | Adam, slot: str, dtype: DTypeLike) -> float:
    """Gives the magnitude below which a slot's number is stored as 0.

    The moments of a unit that has died shrink from step to step until they are subnormal, and every operation
    with a subnormal number takes a hundred cycles. It is

    - 2⁻¹⁰⁰ of means and sums of gradients: (1 − beta) times such a number is still normal in float32;
    - the smallest normal number of ``dtype`` of means of squares, and 0 (all are kept) where ``eps`` is 0,
      for they are divided by.

    The step at hand uses the number as it was before.
    """
    if slot not in _SQUARES:
        return LEAST_MOMENT
    return 0.0 if isinstance(optimizer, SGD) or optimizer.eps == 0 else float(np.finfo(dtype).tiny)
