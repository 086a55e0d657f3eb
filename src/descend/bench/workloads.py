"""What is timed: small networks on 60,000 images of 784 bytes, a line of two inputs, a single row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from descend.bench.images import MNIST_ROWS, Images, read_images, stand_in
from descend.errors import OptionError, choices
from descend.networks import CrossEntropy, Dense, Network, SquaredError

Parameters = dict[str, NDArray[Any]]
_SEED = 0


@dataclass(frozen=True)
class Workload:
    """One thing every contender does.

    name : as ``--only`` takes it.
    kind : ``train``: an epoch is timed; ``predict``: the answer for the first row is.
    x : (n, inputs) uint8 pixels, scaled by 1/255 by whoever reads them, or float32.
    y : (n,) int64 class numbers, or float32.
    hidden : units of the hidden relu layers.
    batch_size : rows per step.  rate : of plain SGD.
    loss_epochs : after so many epochs the losses of all contenders are compared.
    """

    name: str
    kind: Literal["train", "predict"]
    x: NDArray[Any]
    y: NDArray[Any]
    hidden: tuple[int, ...]
    batch_size: int
    rate: float
    loss_epochs: int

    @cached_property
    def network(self) -> Network:
        """Hidden relu layers, then one output a class, or one for numbers."""
        return make_network(self.x, self.y, self.hidden)

    @property
    def title(self) -> str:
        """``MLP 784-256-10, batch 32``, ``linear 1000×2, batch 10``."""
        widths = "-".join(map(str, self.network.widths(self.x.shape[1])))
        if not self.network.classifies:
            shape = f"linear {len(self.x)}×{self.x.shape[1]}"
        else:
            shape = f"{'MLP' if self.hidden else 'softmax'} {widths}"
        return f"{shape}, one row" if self.kind == "predict" else f"{shape}, batch {self.batch_size}"

    @cached_property
    def floats(self) -> NDArray[np.float32]:
        """The rows as libraries without 8-bit input want them: float32, pixels from 0 to 1."""
        if self.x.dtype == np.uint8:
            return self.x.astype(np.float32) / np.float32(255)
        return self.x

    @cached_property
    def initial(self) -> Parameters:
        """The weights everyone starts from, float32."""
        drawn = self.network.draw_parameters(self.x.shape[1], _SEED)
        return {name: value.astype(np.float32) for name, value in drawn.items()}

    @cached_property
    def layers(self) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """``initial`` as (weight (inputs, units), bias (units,)) of each layer."""
        return [
            (self.initial[f"{place}.weight"], self.initial[f"{place}.bias"])
            for place in range(len(self.hidden) + 1)
        ]


def input_scale(x: NDArray[Any]) -> float:
    """1/255 where x is pixels, uint8, and 1 where it is float32."""
    return 1.0 / 255.0 if x.dtype == np.uint8 else 1.0


def make_network(x: NDArray[Any], y: NDArray[Any], hidden: Sequence[int]) -> Network:
    """Relu layers of ``hidden`` units, then softmax over the classes of whole ``y``, or a line."""
    classes = int(y.max()) + 1 if y.dtype.kind in "iu" else 0
    layers = [*(Dense(units, "relu") for units in hidden), Dense(classes or 1)]
    return Network(layers, CrossEntropy() if classes else SquaredError())


def named_parameters(layers: Sequence[tuple[Any, Any]]) -> Parameters:
    """Layers' weights (inputs, units) and biases under descend's names, float64."""
    named: Parameters = {}
    for place, (weight, bias) in enumerate(layers):
        named[f"{place}.weight"] = np.asarray(weight, np.float64)
        named[f"{place}.bias"] = np.asarray(bias, np.float64)
    return named


# name: kind, hidden units, batch size
_ON_IMAGES: dict[str, tuple[Literal["train", "predict"], tuple[int, ...], int]] = {
    "softmax-256": ("train", (), 256),
    "softmax-32": ("train", (), 32),
    "mlp-256": ("train", (256,), 256),
    "mlp-32": ("train", (256,), 32),
    "mlp-predict": ("predict", (256,), 32),
}
_LINEAR = "linear-10"
NAMES = ("softmax-256", "softmax-32", "mlp-256", "mlp-32", _LINEAR, "mlp-predict")


def make_workloads(names: Sequence[str], data: Path | None) -> tuple[list[Workload], str]:
    """The named workloads, all of them for no names, and what they read, in words.

    data : a folder of IDX files to read; None generates a stand-in.

    Raises
    ------
    OptionError : an unknown name.
    DataError : the folder cannot be read.
    """
    for name in names:
        if name not in NAMES:
            raise OptionError(f"unknown workload {name!r}; {choices(name, NAMES)}")
    wanted = [name for name in NAMES if not names or name in names]
    images = None
    if any(name in _ON_IMAGES for name in wanted):
        images = read_images(data) if data is not None else stand_in(MNIST_ROWS)
    made = [_linear() if name == _LINEAR else _on_images(name, images) for name in wanted]
    return made, images.described if images is not None else "generated numbers"


def _on_images(name: str, images: Images | None) -> Workload:
    assert images is not None
    kind, hidden, batch_size = _ON_IMAGES[name]
    return Workload(name, kind, images.pixels, images.labels, hidden, batch_size, rate=0.1, loss_epochs=2)


def _linear() -> Workload:
    """y = Xw + b + noise with w = [2, −3.4], b = 4.2; X (1000, 2) standard normal, noise 0.01 of that."""
    rng = np.random.default_rng(_SEED)
    x = rng.standard_normal((1000, 2)).astype(np.float32)
    y = (x @ [2.0, -3.4] + 4.2 + 0.01 * rng.standard_normal(1000)).astype(np.float32)
    return Workload(_LINEAR, "train", x, y, (), 10, rate=0.03, loss_epochs=1)
