"""The curvature L-BFGS remembers, and the direction it makes of it."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


class Memory:
    """The last ``size`` pairs of a step s and the gradient's change y.

    Source: J. Nocedal and S. Wright, "Numerical Optimization", 2nd edition, algorithm 7.4.
    """

    def __init__(self, size: int) -> None:
        self._pairs: deque[tuple[Vector, Vector, float]] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._pairs)

    def add(self, step: Vector, change: Vector) -> None:
        """Remembers a pair, unless rounding left it without positive curvature."""
        curvature = float(step @ change)
        if curvature > np.finfo(np.float64).eps * float(np.linalg.norm(step) * np.linalg.norm(change)):
            self._pairs.append((step, change, curvature))

    def clear(self) -> None:
        """Forgets all pairs."""
        self._pairs.clear()

    def direction(self, gradient: Vector) -> Vector:
        """−H · gradient, H the inverse Hessian that fits the pairs and is (s·y / y·y) I elsewhere."""
        found = -gradient
        shares = []
        for step, change, curvature in reversed(self._pairs):
            share = float(step @ found) / curvature
            found -= share * change
            shares.append(share)
        if self._pairs:
            _, change, curvature = self._pairs[-1]
            found *= curvature / float(change @ change)
        for (step, change, curvature), share in zip(self._pairs, reversed(shares), strict=True):
            found += (share - float(change @ found) / curvature) * step
        return found
