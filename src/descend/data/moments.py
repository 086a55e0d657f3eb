"""Mean and standard deviation that come out with the same bits on every machine.

NumPy's own sums are free to change their order with the processor, so the sum here halves its array
again and again: elementwise additions only, with the rounding error of a pairwise sum. Values are
scaled by a power of two first, which is exact, so that nothing overflows.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def mean_and_deviation(values: NDArray[np.float64]) -> tuple[float, float]:
    """μ = Σx/n and σ = √(Σ(x−μ)²/n) of finite ``values`` (n,), n ≥ 1."""
    scaled, exponent = _scaled(values)
    mean = _sum(scaled) / len(scaled)
    around, shift = _scaled(scaled - mean)
    deviation = math.sqrt(_sum(around * around) / len(around))
    return math.ldexp(mean, exponent), math.ldexp(deviation, exponent + shift)


def median(values: NDArray[np.float64]) -> float:
    """Middle of finite ``values`` (n,), n ≥ 1; halfway between the two middle ones where n is even."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    low, high = float(ordered[middle - 1]), float(ordered[middle])
    total = low + high
    return total / 2 if math.isfinite(total) else low / 2 + high / 2


def _scaled(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    exponent = int(np.frexp(np.max(np.abs(values)))[1])
    return np.ldexp(values, -exponent), exponent


def _sum(values: NDArray[np.float64]) -> float:
    while len(values) > 1:
        half = (len(values) + 1) // 2
        folded = values[:half].copy()
        folded[: len(values) - half] += values[half:]
        values = folded
    return float(values[0])
