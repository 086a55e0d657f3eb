"""In which coordinates a solver walks: the parameters themselves, or ones in which the loss is rounder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from scipy.linalg import cholesky

from descend.engines.protocol import Inputs
from descend.networks import BinaryCrossEntropy, CrossEntropy, Network
from descend.solvers.dense import substitute
from descend.solvers.moments import Moments, moments
from descend.solvers.objective import Vector

# Beyond this the products of the columns cost more than the evaluations they save.
MOST_WHITENED_INPUTS = 2048


class Coordinates(Protocol):
    """A linear change of variables.

    unit_step : whether x − gradient is a good first step.
    """

    unit_step: bool

    def parameters(self, vector: Vector) -> dict[str, Vector]:
        """The parameters that ``vector`` stands for."""

    def gradient(self, gradient: Mapping[str, Vector]) -> Vector:
        """The gradient by the coordinates, from the gradient by the parameters."""


class Plain:
    """All parameters one after the other."""

    unit_step = False

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self._shapes = dict(shapes)

    def parameters(self, vector: Vector) -> dict[str, Vector]:
        """The parameters that ``vector`` stands for."""
        found, start = {}, 0
        for name, shape in self._shapes.items():
            end = start + int(np.prod(shape))
            found[name] = vector[start:end].reshape(shape)
            start = end
        return found

    def gradient(self, gradient: Mapping[str, Vector]) -> Vector:
        """The gradient by the coordinates: the same numbers."""
        return np.concatenate([gradient[name].ravel() for name in self._shapes])


class Whitened:
    """Coordinates in which the curvature of one dense layer is close to the identity.

    With μ and S the mean and covariance of the inputs (moments.py; S about 0, and μ = 0, where there is no
    bias), and c the loss's second derivative by an output where all classes are as likely:

        L Lᵀ = c S + l2 I        V = Lᵀ W        v = √c (b + Wᵀ μ)

    Squared error is a sphere in (V, v); for cross-entropy c S bounds the curvature's shape (D. Böhning,
    "Multinomial logistic regression algorithm", 1992), as it is before anything is learnt.
    """

    unit_step = True

    def __init__(self, network: Network, found: Moments, l2: float) -> None:
        width = len(found.mean)
        place = next(network.places(width))
        self._weight, self._bias = place.weight, place.bias if place.layer.bias else None
        self._plain = Plain(network.parameter_shapes(width))
        curvature = _curvature(network)
        self._mean = found.mean
        self._factor = _factor(curvature * found.covariance, l2, found.rounding)
        self._root = np.sqrt(curvature)

    def parameters(self, vector: Vector) -> dict[str, Vector]:
        """The parameters that ``vector`` stands for."""
        own = self._plain.parameters(vector)
        weight = substitute(self._factor.T, own[self._weight])
        if not self._bias:
            return {self._weight: weight}
        return {self._weight: weight, self._bias: own[self._bias] / self._root - self._mean @ weight}

    def gradient(self, gradient: Mapping[str, Vector]) -> Vector:
        """The gradient by the coordinates, from the gradient by the parameters."""
        weight = gradient[self._weight]
        if not self._bias:
            return self._plain.gradient({self._weight: self._by_coordinates(weight)})
        bias = gradient[self._bias]
        weight = self._by_coordinates(weight - np.outer(self._mean, bias))
        return self._plain.gradient({self._weight: weight, self._bias: bias / self._root})

    def _by_coordinates(self, gradient: Vector) -> Vector:
        """L⁻¹ · gradient, (inputs, outputs)."""
        return substitute(self._factor.T, gradient, transposed=True)


def coordinates_for(network: Network, inputs: Inputs, l2: float) -> Coordinates:
    """Whitened for a single layer of at most MOST_WHITENED_INPUTS inputs, else plain.

    Plain too where the rows are so large that their squares overflow.
    """
    width = inputs.x.shape[1]
    if len(network.widths(width)) == 2 and width <= MOST_WHITENED_INPUTS:
        with np.errstate(over="ignore", invalid="ignore"):  # found by the next line
            found = moments(inputs, centred=next(network.places(width)).layer.bias)
        if np.isfinite(found.mean).all() and np.isfinite(found.covariance).all():
            return Whitened(network, found, l2)
    return Plain(network.parameter_shapes(width))


def _curvature(network: Network) -> float:
    if isinstance(network.loss, CrossEntropy):
        return (1 - 1 / network.outputs) / network.outputs
    return (0.25 if isinstance(network.loss, BinaryCrossEntropy) else 1.0) / network.outputs


def _factor(second: Vector, l2: float, rounding: float) -> Vector:
    """Cholesky factor of second + l2 I, with as much added as rounding may have taken away."""
    diagonal = np.diag(second) + l2
    # A column without variation and penalty has no curvature: any scale will do.
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    correlation = second / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1.0)
    added = rounding
    while True:
        try:
            lower = cholesky(correlation + added * np.eye(len(scale)), lower=True, check_finite=False)
            return lower * scale[:, None]
        except np.linalg.LinAlgError:
            added *= 100.0
