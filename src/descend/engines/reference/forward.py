"""Forward: what the network outputs. NumPy, one line a formula; the definition the engines follow."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

from descend import streams
from descend.networks import Dropout, Network, Place

Array = NDArray[Any]

GELU_SLOPE = math.sqrt(2.0 / math.pi)
GELU_CUBE = 0.044715


@dataclass(frozen=True, slots=True)
class DenseTrace:
    """What backward needs of a dense layer: its input x (n, inputs), z = x W + b and f(z), (n, units)."""

    place: Place
    x: Array
    z: Array
    output: Array


@dataclass(frozen=True, slots=True)
class DropoutTrace:
    """Factors a dropout multiplied with, (n, width): 0 or 1 / (1 − rate)."""

    factor: Array


Trace = DenseTrace | DropoutTrace


def forward(
    network: Network, parameters: Mapping[str, Array], x: Array, dropout: tuple[int, int] | None
) -> tuple[Array, list[Trace]]:
    """Output (n, outputs) and the trace of every layer that did something.

    dropout : (seed, step) whose masks apply, or None for none.
    """
    traces: list[Trace] = []
    places = network.places(x.shape[1])
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Dropout):
            if dropout is not None:
                factor = dropout_factor(layer, index, x, *dropout)
                x = x * factor
                traces.append(DropoutTrace(factor))
        else:
            place = next(places)
            z = x @ parameters[place.weight]
            if layer.bias:
                z = z + parameters[place.bias]
            output = activate(layer.activation, z)
            traces.append(DenseTrace(place, x, z, output))
            x = output
    return x, traces


def dropout_factor(layer: Dropout, index: int, x: Array, seed: int, step: int) -> Array:
    """1 / (1 − rate) where a unit is kept, 0 where it is dropped, (n, width) in x's dtype."""
    kept = streams.kept(seed, step, index, x.shape[0], x.shape[1], layer.rate)
    return kept.astype(x.dtype) * x.dtype.type(1.0 / (1.0 - layer.rate))


def activate(name: str, z: Array) -> Array:
    """f(z), as networks.activations lists it."""
    match name:
        case "identity":
            return z
        case "sigmoid":
            return sigmoid(z)
        case "hard_sigmoid":
            return np.clip(z / 6 + 0.5, 0, 1)
        case "tanh":
            return np.tanh(z)
        case "relu":
            return np.where(z <= 0, z.dtype.type(0), z)
        case "gelu":
            return z * (0.5 * (1 + _erf(z / math.sqrt(2.0))))
        case "gelu_tanh":
            return 0.5 * z * (1 + np.tanh(GELU_SLOPE * (z + GELU_CUBE * z**3)))
    raise AssertionError(name)


def activation_derivative(name: str, z: Array, output: Array) -> Array:
    """f′(z), 0 at kinks; ``output`` is f(z)."""
    match name:
        case "identity":
            return np.ones_like(z)
        case "sigmoid":
            return output * (1 - output)
        case "hard_sigmoid":
            return ((z > -3) & (z < 3)).astype(z.dtype) / 6
        case "tanh":
            return 1 - output * output
        case "relu":
            return (z > 0).astype(z.dtype)
        case "gelu":
            density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
            return 0.5 * (1 + _erf(z / math.sqrt(2.0))) + z * density
        case "gelu_tanh":
            t = np.tanh(GELU_SLOPE * (z + GELU_CUBE * z**3))
            return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * GELU_SLOPE * (1 + 3 * GELU_CUBE * z * z)
    raise AssertionError(name)


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(−z)) without overflow."""
    return np.asarray(expit(z), z.dtype)


def _erf(z: Array) -> Array:
    return np.asarray(erf(z), z.dtype)
