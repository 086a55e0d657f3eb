"""Steps satisfy the weak Wolfe conditions, also where the function is steep, flat, kinked or not finite."""

import numpy as np
import pytest

from descend.solvers.line_search import Point, line_search


def along(value, slope):
    """A function of one variable as points, and the list of places asked for."""
    asked = []

    def point(x):
        asked.append(float(x[0]))
        with np.errstate(all="ignore"):
            g = np.array([slope(x[0])])
            return Point(x, float(value(x[0])), g, float(np.abs(g[0])))

    return point, asked


@pytest.mark.parametrize("first", [1e-6, 1e-2, 1.0, 100.0])
@pytest.mark.parametrize(
    ("value", "slope"),
    [
        (lambda t: (t - 1) ** 2, lambda t: 2 * (t - 1)),
        (lambda t: abs(t - 1) + 0.1 * t, lambda t: np.sign(t - 1) + 0.1),
        (lambda t: np.cosh(3 * (t - 2)), lambda t: 3 * np.sinh(3 * (t - 2))),
        (lambda t: -np.log(3 - t) - t if t < 3 else np.inf, lambda t: 1 / (3 - t) - 1),
    ],
)
def test_steps_are_neither_too_long_nor_too_short(value, slope, first):
    function, _ = along(value, slope)
    start = function(np.array([-1.0]))
    direction = -np.sign(start.gradient)
    found = line_search(function, start, direction, first, 0.0)
    step = (found.x - start.x) @ direction
    before = start.gradient @ direction
    assert found.value <= start.value + 1e-4 * step * before
    assert found.gradient @ direction >= 0.9 * before


def test_a_first_step_that_fits_costs_one_evaluation():
    function, asked = along(lambda t: t**2, lambda t: 2 * t)
    start = function(np.array([1.0]))
    line_search(function, start, np.array([-1.0]), 1.0, 0.0)
    assert asked == [1.0, 0.0]


def test_nothing_is_found_where_nothing_is_smaller():
    function, asked = along(lambda t: abs(t), lambda t: -1.0)
    assert line_search(function, function(np.array([0.0])), np.array([1.0]), 1.0, 0.0) is None
    assert len(asked) <= 41
