"""How far to go along a direction: a step that satisfies the weak Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_DECREASE, _CURVATURE = 1e-4, 0.9
_MOST_TRIALS = 40


@dataclass(frozen=True, slots=True)
class Point:
    """A place ``x`` and what the function is there.

    value, gradient : F(x), or inf where it is not finite, and its gradient.
    optimality : largest absolute entry of the gradient by the parameters themselves.
    """

    x: Vector
    value: float
    gradient: Vector
    optimality: float


def line_search(
    function: Callable[[Vector], Point], start: Point, direction: Vector, step: float, rounding: float
) -> Point | None:
    """A point x + t d with F(x + t d) ≤ F(x) + 1e-4 t g·d and a slope g(x + t d)·d ≥ 0.9 g·d, or None.

    t is doubled while the slope is too steep and halved between known bounds otherwise; a value that is not
    finite counts as no decrease. Such a step ensures s·y > 0, also where the gradient has jumps.

    Parameters
    ----------
    direction : d with g·d < 0.
    step : first t.
    rounding : relative error of F; an increase by as much is not held against a step.

    Source: A. Lewis and M. Overton, "Nonsmooth optimization via quasi-Newton methods", 2013, algorithm 4.6.
    """
    slope = float(start.gradient @ direction)
    allowed = start.value + rounding * abs(start.value)
    shortest, longest = 0.0, math.inf
    for _ in range(_MOST_TRIALS):
        trial = function(start.x + step * direction)
        if not trial.value <= allowed + _DECREASE * step * slope:
            longest = step
        elif float(trial.gradient @ direction) < _CURVATURE * slope:
            shortest = step
        else:
            return trial
        step = 2.0 * shortest if longest == math.inf else 0.5 * (shortest + longest)
    return None
