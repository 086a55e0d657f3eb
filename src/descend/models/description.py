"""A network as plain JSON values and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from descend.errors import ModelFileError, OptionError
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Huber,
    Network,
    Poisson,
    Quantile,
    SquaredError,
)

_LAYERS = {kind.__name__: kind for kind in (Dense, Dropout)}
_LOSSES = {
    kind.__name__: kind
    for kind in (SquaredError, AbsoluteError, Huber, Quantile, Poisson, CrossEntropy, BinaryCrossEntropy)
}


def network_to_json(network: Network) -> dict[str, Any]:
    """``{"layers": [{"kind": "Dense", "units": 10, …}, …], "loss": {"kind": "CrossEntropy", …}}``."""
    return {
        "layers": [{"kind": type(layer).__name__, **asdict(layer)} for layer in network.layers],
        "loss": {"kind": type(network.loss).__name__, **asdict(network.loss)},
    }


def network_from_json(described: Any) -> Network:
    """The network. Raises ModelFileError where the description is not one."""
    try:
        layers = [_build(_LAYERS, layer) for layer in described["layers"]]
        return Network(layers, _build(_LOSSES, described["loss"]))
    except (KeyError, TypeError, AttributeError, OptionError) as error:
        raise ModelFileError(f"the network in the model file cannot be read: {error}") from None


def _build(kinds: dict[str, Any], described: dict[str, Any]) -> Any:
    options = dict(described)
    return kinds[options.pop("kind")](**options)
