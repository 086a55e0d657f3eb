"""Backward: the gradient of the loss by every weight and bias, from the last layer to the first.

With delta = ∂loss/∂output of a layer, (n, units):

    ∂loss/∂z = delta · f′(z)     ∂loss/∂W = xᵀ ∂loss/∂z     ∂loss/∂b = Σ_rows ∂loss/∂z
    delta of the layer below = ∂loss/∂z Wᵀ

Source: D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors", 1986.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from descend.engines.reference.forward import Array, DenseTrace, Trace, activation_derivative


def backward(parameters: Mapping[str, Array], traces: Sequence[Trace], delta: Array) -> dict[str, Array]:
    """Gradient of every parameter, by name.

    delta : derivative of the loss by the network's output, (n, outputs).
    """
    gradient: dict[str, Array] = {}
    for index, trace in reversed(list(enumerate(traces))):
        if not isinstance(trace, DenseTrace):
            delta = delta * trace.factor
            continue
        layer = trace.place.layer
        delta = delta * activation_derivative(layer.activation, trace.z, trace.output)
        gradient[trace.place.weight] = trace.x.T @ delta
        if layer.bias:
            gradient[trace.place.bias] = delta.sum(axis=0)
        if index > 0:
            delta = delta @ parameters[trace.place.weight].T
    return {name: gradient[name] for name in parameters}
