"""How large the rounding of a loss and its gradient may be: the scale of the sums they are made of.

A sum rounds in proportion to the size of its terms, not of its result: where terms cancel, two correct
engines differ by more than a fraction of what is left. The sizes below follow the computation with every
term replaced by its magnitude, first order in the machine's epsilon; with bars for these sizes,

    z̄ = x̄ |W| + |b|      f̄ = |f(z)| + |f′(z)| z̄      (output, and what its input's rounding does to it;
                                                     |z| for |f(z)| of gelu, z · ½ (1 + erf(z / √2)))
    d̄ by z = d̄ by f · (|f′(z)| + C (1 + z̄))          (C bounds |f″|)
    W̄ = x̄ᵀ d̄      b̄ = Σ_rows d̄      d̄ by x = d̄ |W|ᵀ

Source: N. Higham, "Accuracy and stability of numerical algorithms", 2002, chapter 3 (running error analysis).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from descend.engines.protocol import Array, State
from descend.engines.reference.forward import (
    DenseTrace,
    Trace,
    activation_derivative,
    forward,
    sigmoid,
)
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    Network,
    Poisson,
    Quantile,
)

_CURVATURE = {"sigmoid": 0.1, "tanh": 0.8, "gelu": 0.8, "gelu_tanh": 0.8}  # bounds of |f″|; 0 for the others


def rounding_scales(
    network: Network,
    parameters: Mapping[str, Array],
    x: Array,
    y: Array,
    weight: Array,
    dropout: tuple[int, int] | None,
) -> tuple[float, State]:
    """Sizes of the sums behind the loss and behind every entry of its gradient, by parameter name.

    An engine's rounding is a small multiple of machine epsilon times these. x (n, inputs), y and
    weight (n,) as Inputs has them, dropout as the reference's forward has it.
    """
    z, traces = forward(network, parameters, x, dropout)
    sizes = _forward_sizes(parameters, np.abs(x), traces)
    values, derivative = _loss_sizes(network.loss, z, sizes[-1], y)
    share = weight / max(float(weight.sum()), np.finfo(np.float64).tiny)
    return float(share @ values), _backward_sizes(parameters, traces, sizes, derivative * share[:, None])


def output_scale(network: Network, parameters: Mapping[str, Array], x: Array) -> Array:
    """Sizes of the sums behind the outputs of rows x (n, inputs) without dropout, (n, outputs)."""
    _, traces = forward(network, parameters, x, None)
    return _forward_sizes(parameters, np.abs(x), traces)[-1]


def _forward_sizes(parameters: Mapping[str, Array], size: Array, traces: list[Trace]) -> list[Array]:
    """Size of what every layer reads, and of the output last; each (n, width)."""
    sizes = [size]
    for trace in traces:
        if isinstance(trace, DenseTrace):
            size = _output_size(trace) + _slope(trace) * _sum_size(parameters, trace, size)
        else:
            size = size * trace.factor
        sizes.append(size)
    return sizes


def _output_size(trace: DenseTrace) -> Array:
    """|f(z)|; of the gelus |z|, which they multiply with a sum that may cancel to 0."""
    return np.abs(trace.z if trace.place.layer.activation in ("gelu", "gelu_tanh") else trace.output)


def _sum_size(parameters: Mapping[str, Array], trace: DenseTrace, size: Array) -> Array:
    total = size @ np.abs(parameters[trace.place.weight])
    return total + np.abs(parameters[trace.place.bias]) if trace.place.layer.bias else total


def _slope(trace: DenseTrace) -> Array:
    return np.abs(activation_derivative(trace.place.layer.activation, trace.z, trace.output))


def _loss_sizes(loss: Loss, z: Array, size: Array, y: Array) -> tuple[Array, Array]:
    """Per row: size of the loss (n,) and of its derivative by the output (n, outputs), without weights.

    Class weights are left at their largest, which they are divided by in the mean at the latest.
    """
    columns = z.shape[1]
    if isinstance(loss, CrossEntropy):
        probability = np.exp(z - z.max(axis=1, keepdims=True))
        probability /= probability.sum(axis=1, keepdims=True)
        target = np.full(z.shape, loss.label_smoothing / columns)
        target[np.arange(len(y)), y] += 1.0 - loss.label_smoothing
        spread = 1.0 + size.max(axis=1, keepdims=True)
        factor = _weight_ratio(loss)
        return factor * spread[:, 0], factor * (target + probability * spread)
    if isinstance(loss, BinaryCrossEntropy):
        p, factor = sigmoid(z), _weight_ratio(loss) / columns
        return factor * (1.0 + size).sum(axis=1), factor * (p + np.abs(y) + p * (1.0 - p) * size)
    if isinstance(loss, Poisson):
        spread = np.exp(z) * (1.0 + size)
        return (spread + np.abs(y) * size).mean(axis=1), (spread + np.abs(y)) / columns
    residual = size + np.abs(y)
    if isinstance(loss, AbsoluteError | Quantile):
        return residual.mean(axis=1), np.ones_like(z) / columns
    if isinstance(loss, Huber):
        inside = np.abs(z - y) <= loss.delta
        slope = np.where(inside, np.abs(z - y), loss.delta)
        return (slope * residual).mean(axis=1), np.where(inside, residual, loss.delta) / columns
    return (np.abs(z - y) * residual).mean(axis=1), residual / columns


def _weight_ratio(loss: CrossEntropy | BinaryCrossEntropy) -> float:
    """Largest over smallest positive class weight: how much one row may count above its share."""
    positive = [w for w in loss.class_weight or (1.0,) if w > 0]
    return max(positive) / min(positive) if positive else 1.0


def _backward_sizes(
    parameters: Mapping[str, Array], traces: list[Trace], sizes: list[Array], delta: Array
) -> State:
    gradient: State = {}
    for trace, size in reversed(list(zip(traces, sizes[:-1], strict=True))):
        if not isinstance(trace, DenseTrace):
            delta = delta * trace.factor
            continue
        curvature = _CURVATURE.get(trace.place.layer.activation, 0.0)
        delta = delta * (_slope(trace) + curvature * (1.0 + _sum_size(parameters, trace, size)))
        gradient[trace.place.weight] = size.T @ delta
        if trace.place.layer.bias:
            gradient[trace.place.bias] = delta.sum(axis=0)
        delta = delta @ np.abs(parameters[trace.place.weight]).T
    return gradient
