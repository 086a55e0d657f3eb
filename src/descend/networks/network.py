"""A network: layers and a loss. It says what is computed and never how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descend.errors import OptionError
from descend.networks.initialisation import draw_weight
from descend.networks.layers import Dense, Dropout, Layer
from descend.networks.losses import BinaryCrossEntropy, CrossEntropy, Loss


@dataclass(frozen=True, slots=True)
class Place:
    """A dense layer in its network.

    number : place among the layers that have parameters, from 0; parameters are named after it.
    inputs : width of what it reads.
    """

    number: int
    layer: Dense
    inputs: int

    @property
    def weight(self) -> str:
        """Name of W, ``"0.weight"`` for the first layer."""
        return f"{self.number}.weight"

    @property
    def bias(self) -> str:
        """Name of b, ``"0.bias"`` for the first layer."""
        return f"{self.number}.bias"


@dataclass(frozen=True, slots=True)
class Network:
    """Layers, applied in order, and the loss of their output.

    Parameters
    ----------
    layers : Dense and Dropout layers; the last one is Dense and its units are the outputs.
    loss : SquaredError, AbsoluteError, Huber, Quantile, Poisson, CrossEntropy or BinaryCrossEntropy.

    Raises
    ------
    OptionError : no layers, a last layer that is not Dense, a class_weight of the wrong length,
        CrossEntropy over a single output.

    Examples
    --------
    >>> from descend import CrossEntropy, Dense, Network
    >>> Network([Dense(256, "relu"), Dense(10)], loss=CrossEntropy()).widths(784)
    (784, 256, 10)
    """

    layers: Sequence[Layer]
    loss: Loss

    def __post_init__(self) -> None:
        if isinstance(self.layers, Dense | Dropout) or not isinstance(self.layers, Sequence):
            raise OptionError("Network layers must be a list of Dense and Dropout layers")
        object.__setattr__(self, "layers", tuple(self.layers))
        for layer in self.layers:
            if not isinstance(layer, Dense | Dropout):
                raise OptionError(f"Network layers must be Dense or Dropout, not {layer!r}")
        if not self.layers or not isinstance(self.layers[-1], Dense):
            raise OptionError("the last layer of a Network must be Dense")
        if not isinstance(self.loss, Loss):
            raise OptionError(
                f"Network loss must be a loss such as SquaredError() or CrossEntropy(), not {self.loss!r}"
            )
        if isinstance(self.loss, CrossEntropy):
            self._check_classes(self.loss)

    def _check_classes(self, loss: CrossEntropy) -> None:
        if self.outputs < 2:
            raise OptionError(
                "CrossEntropy needs one output per class, at least 2; "
                "for one yes/no output use BinaryCrossEntropy"
            )
        if loss.class_weight is not None and len(loss.class_weight) != self.outputs:
            raise OptionError(f"class_weight has {len(loss.class_weight)} numbers for {self.outputs} classes")

    @property
    def outputs(self) -> int:
        """Units of the last layer."""
        last = self.layers[-1]
        assert isinstance(last, Dense)
        return last.units

    @property
    def classifies(self) -> bool:
        """Whether the loss compares classes."""
        return isinstance(self.loss, CrossEntropy | BinaryCrossEntropy)

    def widths(self, inputs: int) -> tuple[int, ...]:
        """Number of inputs, then units of every dense layer."""
        return (inputs, *(layer.units for layer in self.layers if isinstance(layer, Dense)))

    def places(self, inputs: int) -> Iterator[Place]:
        """The dense layers with their number and the width of what they read."""
        width = inputs
        for number, layer in enumerate(layer for layer in self.layers if isinstance(layer, Dense)):
            yield Place(number, layer, width)
            width = layer.units

    def parameter_shapes(self, inputs: int) -> dict[str, tuple[int, ...]]:
        """Name and shape of every parameter, in order: 0.weight, 0.bias, 1.weight, …"""
        shapes: dict[str, tuple[int, ...]] = {}
        for place in self.places(inputs):
            shapes[place.weight] = (place.inputs, place.layer.units)
            if place.layer.bias:
                shapes[place.bias] = (place.layer.units,)
        return shapes

    def draw_parameters(self, inputs: int, seed: int) -> dict[str, NDArray[np.float64]]:
        """Initial weights and biases in float64, by each layer's ``init`` and the seed's stream."""
        drawn: dict[str, NDArray[np.float64]] = {}
        for place in self.places(inputs):
            layer = place.layer
            drawn[place.weight] = draw_weight(
                layer.init, layer.activation, place.inputs, layer.units, seed, place.number
            )
            if layer.bias:
                drawn[place.bias] = np.zeros(layer.units)
        return drawn

    def check_parameters(self, inputs: int, given: Mapping[str, NDArray[np.generic]]) -> None:
        """Raises OptionError unless names, shapes and finiteness of ``given`` fit this network."""
        shapes = self.parameter_shapes(inputs)
        if set(given) != set(shapes):
            raise OptionError(
                f"parameters are named {', '.join(shapes)}, not {', '.join(given) or 'nothing'}"
            )
        for name, shape in shapes.items():
            array = np.asarray(given[name])
            if array.shape != shape:
                raise OptionError(f"parameter {name} has shape {array.shape}, expected {shape}")
            if not np.isfinite(array).all():
                raise OptionError(f"parameter {name} holds values that are not finite")
