"""Linear regression under Huber's loss, to its optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.solvers.exact import least_squares
from descend.solvers.linear_map import LinearMap, divided, largest, powers
from descend.solvers.robust import RobustFit, share_of_null
from descend.solvers.triangle import triangle

Doubles = NDArray[np.float64]
_NOTHING = 2.0**-90  # a share of the objective; steps change c by its root at most
_MOST_STEPS = 500
_LARGEST_PENALTY = 1e200
_LEAST_DELTA, _LARGEST_DELTA = 2.0**-45, 1e100  # beside y's size
_DAMPING = 1e-3


def huber_fit(
    x: Any, y: Doubles, weight: Doubles | None, *, delta: float, l2: float, intercept: bool, threads: int
) -> RobustFit:
    """Minimises ``Σ w·H(y − A·c) + l2·‖coef‖²``, H(r) being r² up to delta, then 2·delta·|r| − delta².

    The objective is quadratic wherever the rows beyond delta stay the same, so Newton's method ends at the
    optimum exactly once they do (K. Madsen and H. B. Nielsen, "Finite algorithms for robust linear
    regression", BIT 30, 1990). Steps are Newton's with an exact line search; where the rows within delta do
    not determine c, those of iteratively reweighted least squares (P. J. Huber, "Robust Statistics", 1981).

    Below 2⁻⁴⁵ of y's size delta is taken for that, l2 growing by as much: the loss is then 2·delta·|r|, but
    for its rounding.

    x : (n, p) float64, dense or CSR; a copy with columns of one size is made.  y, weight : (n,).
    """
    columns, target = powers(largest(x)), float(powers(np.abs(y).max(initial=0.0, keepdims=True))[0])
    rows, y = LinearMap(divided(x, columns), intercept), y / target
    w = np.ones(len(y)) if weight is None else weight.astype(np.float64)
    start = least_squares(rows.x, y, sample_weight=weight, fit_intercept=intercept, threads=threads)
    c = np.concatenate([np.full(int(intercept), start.intercept), start.coef])
    units = np.concatenate([np.ones(int(intercept)), columns])
    bend = min(max(delta / target, _LEAST_DELTA), _LARGEST_DELTA)  # residuals beyond the largest are none
    raised = max(1.0, _LEAST_DELTA * (target / delta))
    strength = l2 * raised if l2 > 0 else 0.0
    with np.errstate(over="ignore"):
        penalty = np.minimum(strength * rows.penalised / units / units, _LARGEST_PENALTY)
    rank = len(c) if l2 > 0 else start.rank + int(intercept)
    problem = _Huber(rows, y, w, bend, penalty, rank, threads)
    rest, decrement, iterations = y - rows.fitted(c), np.inf, 0
    settled = False
    while iterations < _MOST_STEPS:
        iterations += 1
        step, decrement, newton = problem.step(problem.gradient(c, rest), rest)
        moved = rows.fitted(step)
        whole = y - rows.fitted(c + step)
        before, settled = settled, newton and np.array_equal(problem.side(whole), problem.side(rest))
        length = 1.0 if settled else problem.best_length(c, step, rest, moved)
        changed = c + length * step
        after = y - rows.fitted(changed)
        if not problem.value(changed, after) <= problem.value(c, rest):
            break  # rounding hides what is left: every further step would be this one
        c, rest = changed, after
        if (settled and before) or decrement <= _NOTHING * max(problem.value(c, rest), _NOTHING):
            break
    null = problem.value(np.zeros(len(c)), y - (np.median(y) if intercept else 0.0))
    share = share_of_null(float(decrement), null)
    c[penalty == _LARGEST_PENALTY] = 0.0  # beside columns this small nothing would be left
    objective = problem.value(c, rest) * target * target / raised  # beyond float64 it is infinite
    return RobustFit(c * target / units, objective, share, iterations)


@dataclass(frozen=True)
class _Huber:
    rows: LinearMap
    y: Doubles
    weight: Doubles
    delta: float
    penalty: Doubles
    rank: int
    threads: int

    def value(self, c: Doubles, rest: Doubles) -> float:
        size = np.abs(rest)
        loss = np.where(size <= self.delta, rest**2, self.delta * (2 * size - self.delta))
        return float(self.weight @ loss + self.penalty @ c**2)

    def gradient(self, c: Doubles, rest: Doubles) -> Doubles:
        """Half the negative gradient."""
        return self.rows.products(self.weight * rest.clip(-self.delta, self.delta)) - self.penalty * c

    def side(self, rest: Doubles) -> Doubles:
        """−1, 0 or 1: below, within, beyond delta."""
        return np.sign(rest) * (np.abs(rest) > self.delta)

    def step(self, gradient: Doubles, rest: Doubles) -> tuple[Doubles, float, bool]:
        """A direction down, what the quadratic model expects of its whole length, whether it is Newton's."""
        within = self.weight * (np.abs(rest) <= self.delta)
        found = (
            self.rows.solve(self._factor(within), self.penalty, gradient, self.rank) if within.any() else None
        )
        newton = found is not None
        if found is None:  # the rows beyond delta count a little: far along where only they have a say
            with np.errstate(divide="ignore"):
                shares = np.minimum(1.0, self.delta / np.abs(rest))
            damped = np.where(np.abs(rest) <= self.delta, 1.0, _DAMPING * shares)
            found = self.rows.solve(self._factor(self.weight * damped), self.penalty, gradient, 0)
        assert found is not None
        return found, float(gradient @ found), newton

    def _factor(self, weight: Doubles) -> Any:
        nothing = np.zeros((len(weight), 1))
        return triangle(self.rows.x, nothing, weight, 1.0, self.rows.intercept, self.threads)

    def best_length(self, c: Doubles, step: Doubles, rest: Doubles, moved: Doubles) -> float:
        """Where the objective is least along the step: its slope is monotone, 1 is tried first."""

        def slope(t: float) -> float:
            bent = (rest - t * moved).clip(-self.delta, self.delta)
            return float(self.penalty @ (step * (c + t * step)) - (self.weight * bent) @ moved)

        tolerance = 1e-9 * abs(slope(0.0))
        if abs(slope(1.0)) <= tolerance:
            return 1.0
        low, high = 0.0, 1.0
        while slope(high) < 0 and high < 2.0**60:
            low, high = high, 2 * high
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if slope(middle) < 0 else (low, middle)
            if abs(slope(middle)) <= tolerance:
                break
        return (low + high) / 2
