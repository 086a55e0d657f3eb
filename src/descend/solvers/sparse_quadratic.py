"""The quadratic with an L1 penalty that each step of a proximal Newton method minimises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descend.solvers.design import Doubles
from descend.solvers.newton_systems import solve_symmetric

Flags = NDArray[np.bool_]
_SLACK = 1e-12  # of a gradient beyond the penalty, for rounding
_ROUNDING = 1e-14  # of a slope, relative to the sizes of its terms
_AGREE = 0.5
_MOST_ROUNDS = 500


@dataclass(frozen=True)
class SparseQuadratic:
    """½ wᵀ H w + c·w + Σ l1ⱼ |wⱼ|.

    hessian : (a, a) positive semidefinite.  linear : (a,) c.  l1 : (a,) of at least 0.
    """

    hessian: Doubles
    linear: Doubles
    l1: Doubles

    def minimum(self, start: Doubles, enough: float = 0.0) -> Doubles:
        """The minimum, (a,), by an active set of signs from ``start``: exact but for rounding.

        Within one set of signs the minimum solves a linear system. Of the points on the way to it the lowest
        is taken, where one entry may have become 0, or the end itself with all entries that changed sign at
        0, if that is lower; entries join where the gradient exceeds the penalty. The value falls with each
        step and there are finitely many sets.

        enough : it ends before once a step lowers the value by no more than this share of all steps.

        Source: H. Lee, A. Battle, R. Raina and A. Ng, "Efficient sparse coding algorithms", NIPS 2006; there
        one entry joins at a time, which is done here where many do not descend together. The projection is
        that of G. Andrew and J. Gao, "Scalable training of L1-regularized log-linear models", ICML 2007.
        """
        first = self._value(start)
        w, joining, excess = start, np.zeros(len(start), bool), np.zeros(len(start))
        for _ in range(_MOST_ROUNDS):
            before = self._value(w)
            found = self._descended(w, joining, enough * (first - before))
            if found is None and joining.any():
                greatest = np.arange(len(w)) == np.argmax(np.where(joining, excess, -np.inf))
                found = self._descended(w, greatest, enough * (first - before))
                if found is None:
                    return w
            w = w if found is None else found
            if before - self._value(w) < enough * (first - before):
                return w
            excess = np.abs(self.hessian @ w + self.linear) - self.l1 * (1 + _SLACK)
            joining = (w == 0) & (self.l1 > 0) & (excess > 0)
            if not joining.any():
                return w
        return w

    def _descended(self, w: Doubles, joining: Flags, little: float) -> Doubles | None:
        """The minimum over the entries that are not 0 or join; None where nothing descends.

        little : a step that lowers the value by less is the last.
        """
        found, value = None, self._value(w)
        for _ in range(_MOST_ROUNDS):
            direction = self._towards(w, joining)
            step, whole = self._lowest(w, direction)
            if step == 0.0:
                return found
            with np.errstate(divide="ignore", invalid="ignore"):
                reaches_zero = (direction != 0) & (-w / direction == step) & (self.l1 > 0)
            nearest = np.where(reaches_zero, 0.0, w + step * direction)
            lowest = self._value(nearest)
            if not whole:
                turned = (w * (w + direction) < 0) & (self.l1 > 0)
                projected = np.where(turned, 0.0, w + direction)
                if self._value(projected) < lowest:
                    nearest, lowest = projected, self._value(projected)
            w = found = nearest
            if whole or value - lowest < little:
                break
            value, joining = lowest, np.zeros_like(joining)
        return found

    def _value(self, w: Doubles) -> float:
        return float(w @ (0.5 * (self.hessian @ w) + self.linear) + self.l1 @ np.abs(w))

    def _towards(self, w: Doubles, joining: Flags) -> Doubles:
        """From w to the minimum for the signs w has, those of joining entries being downhill."""
        signs = np.where(w != 0, np.sign(w), -np.sign(self.hessian @ w + self.linear))
        chosen = (w != 0) | (self.l1 == 0) | joining
        while True:
            direction = np.zeros_like(w)
            places = np.flatnonzero(chosen)
            # Whole rows first: faster than np.ix_.
            system = self.hessian.take(places, axis=0).take(places, axis=1)
            right = -(self.linear + self.l1 * signs)[chosen] - system @ w[chosen]
            direction[chosen] = solve_symmetric(system, right) if len(system) else 0.0
            wrong = chosen & (w == 0) & (self.l1 > 0) & (direction * signs < 0)
            if not wrong.any():
                return direction
            chosen &= ~wrong

    def _lowest(self, w: Doubles, direction: Doubles) -> tuple[float, bool]:
        """The step with the lowest value along the direction, and whether no entry changes its sign on it.

        Along the line the value is a convex piecewise parabola: its slope grows steadily, and jumps by
        2 l1 |d| where an entry passes 0. The step is 0 where nothing but rounding is to be gained.
        """
        bent_w, bent_d = self.hessian @ w, self.hessian @ direction
        penalty_slope = np.where(w != 0, np.sign(w) * direction, np.abs(direction))
        slope = float((bent_w + self.linear) @ direction + self.l1 @ penalty_slope)
        bent = max(0.0, float(direction @ bent_d))  # rounding may leave a singular direction less than 0
        size = np.abs(direction) @ (np.abs(bent_w) + np.abs(self.linear) + self.l1)
        # A step of Newton's has a slope of −bent, which rounding would hardly give by chance.
        hidden = -slope <= _ROUNDING * float(size) and abs(slope + bent) > _AGREE * bent
        if hidden or not slope < 0:
            return 0.0, False
        with np.errstate(divide="ignore", invalid="ignore"):
            zero = -w / direction
        passing = np.flatnonzero((zero > 0) & (zero < 1) & (self.l1 > 0))
        for j in passing[np.argsort(zero[passing])]:
            if slope + bent * zero[j] >= 0:
                break
            slope += float(2 * self.l1[j] * abs(direction[j]))
            if slope + bent * zero[j] >= 0:
                return float(zero[j]), False
        return (1.0, True) if not len(passing) or slope + bent <= 0 else (-slope / bent, False)
