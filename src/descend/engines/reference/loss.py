"""Loss: every row's loss, its derivative by the output, and the weights they count with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from descend.engines.reference.forward import sigmoid
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Loss,
    Poisson,
    Quantile,
    RegressionLoss,
    SquaredError,
)

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class LossTerms:
    """A batch's loss in parts.

    total : Σ weight · loss.  weight : the divisor of the mean.  derivative : of ``total`` by the output,
    (n, outputs).  correct : own weights of the rows whose class was right.
    """

    total: float
    weight: float
    derivative: Array
    correct: float

    @property
    def mean(self) -> float:
        """The batch's loss; 0 where all weights are 0."""
        return self.total / self.weight if self.weight > 0 else 0.0


def loss_terms(loss: Loss, z: Array, y: Array, weight: Array) -> LossTerms:
    """Loss of outputs z (n, outputs) against targets y with row weights (n,)."""
    if isinstance(loss, CrossEntropy):
        return _cross_entropy(loss, z, y, weight)
    if isinstance(loss, BinaryCrossEntropy):
        return _binary_cross_entropy(loss, z, y, weight)
    values, derivative = _regression(loss, z, y)
    share = weight[:, None] / z.dtype.type(z.shape[1])  # means over the target columns
    return LossTerms(_sum(values * share), _sum(weight), derivative * share, 0.0)


def _regression(loss: RegressionLoss, z: Array, y: Array) -> tuple[Array, Array]:
    """Loss and its derivative by z, each (n, outputs)."""
    if isinstance(loss, Poisson):
        expected = np.exp(z)
        return expected - y * z, expected - y
    r = z - y
    if isinstance(loss, SquaredError):
        return 0.5 * r * r, r
    if isinstance(loss, AbsoluteError):
        return np.abs(r), np.sign(r)
    if isinstance(loss, Quantile):
        below, above = loss.level, 1.0 - loss.level  # slopes where z lies below y, and above it
        slope = np.where(r > 0, above, np.where(r < 0, -below, 0.0)).astype(z.dtype)
        return np.where(r > 0, above * r, -below * r), slope
    size, delta = np.abs(r), loss.delta
    values = np.where(size <= delta, 0.5 * r * r, delta * (size - 0.5 * delta))
    return values, np.clip(r, -delta, delta)


def _cross_entropy(loss: CrossEntropy, z: Array, y: Array, weight: Array) -> LossTerms:
    classes = z.shape[1]
    smoothing = loss.label_smoothing
    class_weight = np.ones(classes) if loss.class_weight is None else np.array(loss.class_weight)
    class_weight = class_weight.astype(z.dtype)
    rows = np.arange(len(y))

    shifted = z - z.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    # pull (n, classes): how strongly each class's log-probability is asked for
    pull = np.broadcast_to(smoothing / classes * class_weight, z.shape).astype(z.dtype)
    pull[rows, y] += (1 - smoothing) * class_weight[y]

    values = -(pull * log_softmax).sum(axis=1)
    derivative = pull.sum(axis=1, keepdims=True) * np.exp(log_softmax) - pull
    right = z.argmax(axis=1) == y
    return LossTerms(
        _sum(values * weight),
        _sum(weight * class_weight[y]),
        derivative * weight[:, None],
        _sum(weight * right),
    )


def _binary_cross_entropy(loss: BinaryCrossEntropy, z: Array, y: Array, weight: Array) -> LossTerms:
    zero, one = loss.class_weight or (1.0, 1.0)
    share = weight[:, None] * np.where(y > 0.5, one, zero).astype(z.dtype) / z.dtype.type(z.shape[1])
    q = (1 - loss.label_smoothing) * y + loss.label_smoothing / 2
    values = np.maximum(z, 0) - q * z + np.log1p(np.exp(-np.abs(z)))
    right = ((z > 0) == (y > 0.5)).mean(axis=1)
    return LossTerms(_sum(values * share), _sum(share), (sigmoid(z) - q) * share, _sum(weight * right))


def expected_target(loss: Loss, z: Array) -> Array:
    """What outputs z say of the target: probabilities, expected counts, or z itself, (n, outputs)."""
    if isinstance(loss, CrossEntropy):
        return np.asarray(np.exp(log_softmax(z, axis=1)), z.dtype)
    if isinstance(loss, BinaryCrossEntropy):
        return sigmoid(z)
    return np.exp(z) if isinstance(loss, Poisson) else z


def _sum(values: Array) -> float:
    return float(np.sum(values, dtype=np.float64))
