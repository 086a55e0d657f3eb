"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass

from descend.errors import OptionError
from descend.optimizers.optimizer import Decay, Rate, check_decay, check_flag, check_learning_rate
from descend.optimizers.schedules import check_rate


@dataclass(frozen=True, slots=True)
class SGD:
    """Stochastic gradient descent with momentum, as torch.optim.SGD.

    With g the gradient, v the velocity (first update: v ← g)::

        g ← g + weight_decay · w
        v ← momentum · v + (1 − dampening) · g
        w ← w − lr · (g + momentum · v  if nesterov else  v  if momentum else  g)

    A stored v below 2⁻¹⁰⁰ in size becomes 0 (slots.py).

    Parameters
    ----------
    lr : rate per step: a number, a schedule, or one number per step. Default 1e-3.
    momentum, dampening : at least 0. Default 0.
    weight_decay : one number for all parameters, or a mapping from parameter name to number.
    nesterov : needs momentum above 0 and dampening 0.

    Raises
    ------
    OptionError : a value out of range.

    Source: I. Sutskever et al., "On the importance of initialization and momentum", ICML 2013.
    """

    lr: Rate = 1e-3
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: Decay = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check_learning_rate(self.lr)
        object.__setattr__(self, "nesterov", check_flag("nesterov", self.nesterov))
        check_rate("momentum", self.momentum)
        check_rate("dampening", self.dampening)
        check_decay(self.weight_decay)
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise OptionError("nesterov needs a momentum above 0 and dampening 0")

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the arrays kept per parameter, torch's names."""
        return ("momentum_buffer",) if self.momentum else ()
