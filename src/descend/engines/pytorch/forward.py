"""Forward in torch: the network's output, ready for autograd."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from descend import streams
from descend.networks import Dropout, Network


def _hard_sigmoid(z: Tensor) -> Tensor:
    """clip(z/6 + ½, 0, 1) with derivative 0 at ±3; torch's own multiplies by a float32 1/6 in float64."""
    return functional.hardtanh(z, -3.0, 3.0) / 6 + 0.5


# The derivatives of torch's relu and hardtanh at their kinks are 0, as networks.activations asks.
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": functional.gelu,
    "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
}


def forward(
    network: Network, parameters: Mapping[str, Tensor], x: Tensor, dropout: tuple[int, int] | None
) -> Tensor:
    """Output (n, outputs).

    dropout : (seed, step) whose masks apply, or None for none.
    """
    places = network.places(x.shape[1])
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Dropout):
            if dropout is not None:
                x = x * _dropout_factor(layer, index, x, *dropout)
            continue
        place = next(places)
        z = x @ parameters[place.weight]
        if layer.bias:
            z = z + parameters[place.bias]
        x = _ACTIVATIONS[layer.activation](z)
    return x


def _dropout_factor(layer: Dropout, index: int, x: Tensor, seed: int, step: int) -> Tensor:
    kept = streams.kept(seed, step, index, x.shape[0], x.shape[1], layer.rate)
    return torch.from_numpy(kept).to(x.device, x.dtype) * (1.0 / (1.0 - layer.rate))
