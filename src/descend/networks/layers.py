"""Layers: what is computed between the inputs and the loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from descend.errors import OptionError
from descend.networks.activations import check_activation
from descend.networks.initialisation import check_init


@dataclass(frozen=True, slots=True)
class Dense:
    """Fully connected layer, f(x W + b).

    Parameters
    ----------
    units : number of outputs, at least 1.
    activation : ``identity`` (default), ``sigmoid``, ``hard_sigmoid``, ``tanh``, ``relu``, ``gelu``
        or ``gelu_tanh``.
    bias : whether b is added and trained.
    init : ``auto`` (default: he before relu and gelu, glorot otherwise), ``zeros``, ``normal``
        (standard deviation 0.01), ``normal(std)``, ``glorot`` or ``he``; the bias starts at 0.

    Shapes: x (n, inputs), W (inputs, units), b (units,), result (n, units).

    Raises
    ------
    OptionError : units below 1, unknown activation or init.
    """

    units: int
    activation: str = "identity"
    bias: bool = True
    init: str = "auto"

    def __post_init__(self) -> None:
        if isinstance(self.units, bool) or not isinstance(self.units, int | np.integer) or self.units < 1:
            raise OptionError(f"Dense units must be a whole number of at least 1, not {self.units!r}")
        object.__setattr__(self, "units", int(self.units))
        if not isinstance(self.bias, bool | np.bool_):
            raise OptionError(f"Dense bias must be True or False, not {self.bias!r}")
        object.__setattr__(self, "bias", bool(self.bias))
        check_activation(self.activation)
        check_init(self.init)


@dataclass(frozen=True, slots=True)
class Dropout:
    """While training, sets each value to 0 with probability ``rate`` and divides the others by 1 − rate.

    Parameters
    ----------
    rate : probability of dropping a value, 0 ≤ rate < 1.

    Shapes: (n, inputs) → (n, inputs). Does nothing in prediction and evaluation.

    Raises
    ------
    OptionError : rate outside [0, 1).

    Source: N. Srivastava et al., "Dropout", JMLR 15 (2014); the scaling is the inverted form.
    """

    rate: float

    def __post_init__(self) -> None:
        if not isinstance(self.rate, int | float) or not 0 <= self.rate < 1:
            raise OptionError(f"Dropout rate must be at least 0 and below 1, not {self.rate!r}")


Layer = Dense | Dropout
