"""Mean cross-entropy of a linear model with a penalty: value, derivatives, distance to the optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr, expit

from descend.solvers.design import Design, Doubles

Integers = NDArray[np.int64]
_SETTLED = 1e-14
_STRONGEST = 1e300  # a penalty no coefficient moves against


@dataclass(frozen=True, slots=True)
class Point:
    """Coefficients (width, k) and what the objective is there.

    scores : A · coefficients, (n, k).
    loss, value : mean loss, and with the penalty.
    probabilities : (n, k).
    loss_gradient : of the mean loss, (width, k).
    """

    coefficients: Doubles
    scores: Doubles
    loss: float
    value: float
    probabilities: Doubles
    loss_gradient: Doubles


class Fit(NamedTuple):
    """Mean loss of scores, and their probabilities (n, k)."""

    loss: float
    probabilities: Doubles


class CrossEntropyObjective:
    """F(W, b) = Σ ωᵢ·ℓ(yᵢ, xᵢ W + b) + ½ l2 ‖W‖² + l1 ‖W‖₁ in the coordinates of a Design; ω sums to 1.

    ℓ is the cross-entropy of softmax for classes of three or more (k columns), of the sigmoid for two (one
    column, the score of class 1).

    Parameters
    ----------
    numbers : (n,) class numbers.  classes : how many, at least 2.
    weight : (n,) of at least 0, not all 0; None for 1 each.
    l2, l1 : penalties per unit of the mean loss and of x's own coefficients, at least 0.
    """

    def __init__(
        self, design: Design, numbers: Integers, classes: int, weight: Doubles | None, l2: float, l1: float
    ) -> None:
        self.design, self.numbers = design, numbers
        self._own = np.arange(design.rows), numbers
        self.evaluations = 0  # gradients of all rows asked for
        self.outputs = 1 if classes == 2 else classes
        share = np.ones(design.rows) if weight is None else weight.astype(np.float64)
        self.share = share / share.max()  # weights near the largest number must not overflow in their sum
        self.share /= self.share.sum()
        self.penalised = np.arange(design.width) < design.inputs
        unit = np.append(design.scale, np.ones(design.width - design.inputs))
        with np.errstate(over="ignore"):
            self.l2 = np.where(self.penalised, np.minimum(l2 / unit / unit, _STRONGEST), 0.0)[:, None]
            self.l1 = np.where(self.penalised, np.minimum(l1 / unit, _STRONGEST), 0.0)[:, None]

    def at(self, coefficients: Doubles, scores: Doubles | None = None, fit: Fit | None = None) -> Point:
        """The point, from its scores and their fit where they are known."""
        self.evaluations += 1
        if scores is None:
            scores = self.design.dot(coefficients)
        loss, probabilities = fit or self.fit(scores)
        gradient = self.design.transposed_dot(self._residual(scores, probabilities))
        value = loss + self.penalty(coefficients)
        return Point(coefficients, scores, loss, value, probabilities, gradient)

    def fit(self, scores: Doubles) -> Fit:
        """Mean loss and probabilities, (n, k)."""
        if self.outputs == 1:
            margins = np.where(self.numbers == 1, scores[:, 0], -scores[:, 0])
            return Fit(float(self.share @ np.logaddexp(0.0, -margins)), np.asarray(expit(scores)))
        # Relative to the row's own score, so that a loss near 0 keeps its digits.
        others = scores - scores[self._own][:, None]
        others[self._own] = -np.inf
        top = np.maximum(others.max(axis=1), 0.0)
        raised = np.exp(others - top[:, None])
        rest = raised.sum(axis=1) + np.expm1(-top)
        raised[self._own] = np.exp(-top)
        raised /= (1.0 + rest)[:, None]
        return Fit(float(self.share @ (top + np.log1p(rest))), raised)

    def penalty(self, coefficients: Doubles) -> float:
        """½ l2 ‖W‖² + l1 ‖W‖₁."""
        return float((0.5 * self.l2 * coefficients**2 + self.l1 * np.abs(coefficients)).sum())

    def gradient(self, point: Point) -> Doubles:
        """(width, k): of the loss and the L2 penalty, without the L1 penalty."""
        return point.loss_gradient + self.l2 * point.coefficients

    def subgradient(self, point: Point) -> Doubles:
        """(width, k): the smallest subgradient of F, 0 at the optimum and only there."""
        gradient, w = self.gradient(point), point.coefficients
        at_zero = np.sign(gradient) * np.maximum(np.abs(gradient) - self.l1, 0.0)
        return np.where(w == 0, at_zero, gradient + self.l1 * np.sign(w))

    def optimality(self, point: Point) -> float:
        """Largest absolute entry of the smallest subgradient by x's own coefficients."""
        return float(np.abs(self.design.original_gradient(self.subgradient(point))).max())

    def curvature(self, point: Point, active: NDArray[np.intp] | None = None) -> Doubles:
        """Hessian of the loss and the L2 penalty by the flat coefficients, or by some of them, (a, a).

        The Hessian is Σ ωᵢ (diag pᵢ − pᵢ pᵢᵀ) ⊗ aᵢ aᵢᵀ, summed over blocks of rows. For softmax the direction
        that moves all classes alike has none where it is not penalised; (1/k) 11ᵀ per column is added there,
        to which gradients are orthogonal.
        """
        hessian = self._whole_curvature(point) if active is None else self._some_curvature(point, active)
        flat = np.arange(len(hessian)) if active is None else active
        features = flat // self.outputs
        hessian.ravel()[:: len(hessian) + 1] += self.l2[features, 0]
        free = (self.l2 + self.l1)[features, 0] == 0
        if self.outputs > 1 and free.any():
            alike = free[:, None] & (features[:, None] == features[None, :])
            hessian += alike / self.outputs
        return hessian

    def _whole_curvature(self, point: Point) -> Doubles:
        k, size = self.outputs, point.coefficients.size
        hessian = np.zeros((size, size))
        for part, block in self.design.blocks():
            p, root = point.probabilities[part], np.sqrt(self.share[part, None])
            if k == 1:
                half = block * (root * np.sqrt(p * (1 - p)))
                hessian += half.T @ half
                continue
            half = (block[:, :, None] * (p * root)[:, None, :]).reshape(len(block), size)
            hessian -= half.T @ half
            for own, weight in enumerate((root * np.sqrt(p)).T):
                half = block * weight[:, None]
                hessian[own::k, own::k] += half.T @ half
        return hessian

    def _some_curvature(self, point: Point, active: NDArray[np.intp]) -> Doubles:
        features, classes = np.divmod(active, self.outputs)
        columns, place = np.unique(features, return_inverse=True)
        hessian = np.zeros((len(active), len(active)))
        same = [np.flatnonzero(classes == k) for k in range(self.outputs)]
        for part, block in self.design.blocks(columns if len(columns) < self.design.width else None):
            # One column after the other, so that picking some of them copies whole stretches.
            upright, p = np.ascontiguousarray(block.T), point.probabilities[part].T
            root = np.sqrt(self.share[part])
            if self.outputs == 1:
                half = upright[place] * (root * np.sqrt(p * (1 - p)))
                hessian += half @ half.T
                continue
            half = upright[place] * (root * p)[classes]
            hessian -= half @ half.T
            for own, weight in zip(same, root * np.sqrt(p), strict=True):
                half = upright[place[own]] * weight
                hessian[np.ix_(own, own)] += half @ half.T
        return hessian

    def class_curvature(self, point: Point, output: int) -> Doubles:
        """The Hessian's block of one output, (width, width)."""
        p = point.probabilities[:, output]
        weight = np.sqrt(self.share * p * (1 - p))[:, None]
        found = np.diag(self.l2[:, 0])
        for part, block in self.design.blocks():
            half = block * weight[part]
            found += half.T @ half
        return found

    def curvature_diagonal(self, point: Point) -> Doubles:
        """The Hessian's diagonal, (width, k)."""
        p = point.probabilities
        return self.design.squares_dot(self.share[:, None] * p * (1 - p)) + self.l2

    def curvature_times(self, point: Point, direction: Doubles) -> Doubles:
        """Hessian of the loss and the L2 penalty times a direction, (width, k)."""
        p, moved = point.probabilities, self.design.dot(direction)
        if self.outputs == 1:
            moved *= p * (1 - p)
        else:
            moved = p * (moved - (p * moved).sum(axis=1, keepdims=True))
        return self.design.transposed_dot(moved * self.share[:, None]) + self.l2 * direction

    def intercept_derivatives(self, scores: Doubles) -> tuple[Doubles, Doubles]:
        """Gradient (k,) and Hessian (k, k) of the loss by the intercept."""
        p = self.fit(scores).probabilities
        gradient = self._residual(scores, p).sum(axis=0)
        if self.outputs == 1:
            return gradient, np.atleast_2d(self.share @ (p * (1 - p)))
        return gradient, np.diag(self.share @ p) - p.T @ (p * self.share[:, None])

    def gap(self, point: Point) -> float:
        """How far F is above its minimum at most, by Fenchel's dual; infinite where that is not known.

        With G = Σ ωᵢ xᵢ (pᵢ − eᵢ) the probabilities are a dual point, if the intercept is optimal; then
        F − F* ≤ ⟨G, W⟩ + R(W) + R*(−G). Without L2, p − e is shrunk until |G| ≤ l1.
        """
        own, w = point.loss_gradient[self.penalised], point.coefficients[self.penalised]
        l2, l1 = self.l2[self.penalised], self.l1[self.penalised]
        if (l2 > 0).all():
            beyond = np.maximum(np.abs(own) - l1, 0.0)
            # Each term is at least 0: the square is completed where W and G have opposite signs.
            terms = np.where(
                l1 > 0,
                own * w + l1 * np.abs(w) + 0.5 * l2 * w**2 + beyond**2 / (2 * l2),
                (own + l2 * w) ** 2 / (2 * l2),
            )
            return float(np.maximum(terms, 0.0).sum())
        if not (l1 > 0).all() or (l2 > 0).any():
            return np.inf
        excess = float((np.abs(own) / l1).max(initial=0.0))
        return max(0.0, point.value - self._dual(point, min(1.0, 1.0 / excess) if excess else 1.0))

    def unsettled(self, point: Point) -> float:
        """Gap over 1e-14 · ½ l2 ‖W‖²; at most 1 where W is its optimum to 7 digits. Infinite without L2.

        For ½ l2 ‖W − W*‖² ≤ gap. The dual bound needs an optimal intercept, so this is infinite, too, where
        that is off by as much.
        """
        if not (self.l2[self.penalised] > 0).all():
            return np.inf
        allowed = _SETTLED * self.penalty(point.coefficients)
        gap = self.gap(point)
        if self.design.intercept:
            p = point.probabilities
            bent = 2 * (self.share @ (p * (1 - p)))
            with np.errstate(divide="ignore", invalid="ignore"):
                gap = max(gap, np.nanmax(point.loss_gradient[-1] ** 2 / bent, initial=0.0))
        if not gap > 0:
            return 0.0
        return float(gap / allowed) if allowed > 0 else np.inf

    def _dual(self, point: Point, shrunk: float) -> float:
        """Entropy Σ ωᵢ H(eᵢ + shrunk·(pᵢ − eᵢ))."""
        if self.outputs == 1:
            wrong = shrunk * np.where(
                self.numbers == 1, expit(-point.scores[:, 0]), point.probabilities[:, 0]
            )
            return float(self.share @ (entr(wrong) + entr(1 - wrong)))
        mixed = shrunk * point.probabilities
        mixed[self._own] += 1 - shrunk
        return float(self.share @ entr(mixed).sum(axis=1))

    def _residual(self, scores: Doubles, probabilities: Doubles) -> Doubles:
        """ωᵢ (pᵢ − eᵢ), to full precision also where pᵢ is close to eᵢ."""
        if self.outputs == 1:
            z = scores[:, 0]
            return (np.where(self.numbers == 1, -expit(-z), expit(z)) * self.share)[:, None]
        found = probabilities * self.share[:, None]
        found[self._own] = 0.0
        found[self._own] = -found.sum(axis=1)
        return found
