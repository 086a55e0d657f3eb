"""RMSprop."""

from __future__ import annotations

from dataclasses import dataclass

from descend.optimizers.optimizer import (
    Decay,
    Rate,
    check_decay,
    check_flag,
    check_fraction,
    check_learning_rate,
)
from descend.optimizers.schedules import check_rate


@dataclass(frozen=True, slots=True)
class RMSprop:
    """RMSprop, as torch.optim.RMSprop.

    ::

        g ← g + weight_decay · w
        s ← alpha · s + (1 − alpha) · g²
        m ← m + (1 − alpha) · (g − m)                   centered only
        d ← √(s − m²  if centered else  s) + eps
        v ← momentum · v + g / d;  w ← w − lr · v       with momentum
        w ← w − lr · g / d                              without

    A stored m or v below 2⁻¹⁰⁰ in size becomes 0 (slots.py).

    Parameters
    ----------
    lr : rate per step: a number, a schedule, or one number per step. Default 0.01.
    alpha : share of the old mean of squares kept each step, 0 ≤ alpha < 1. Default 0.99.
    eps : added to the root, at least 0. Default 1e-8.
    weight_decay : one number for all parameters, or a mapping from parameter name to number.
    momentum : at least 0. Default 0.
    centered : divide by the spread about the gradient's mean.

    Raises
    ------
    OptionError : a value out of range.

    Source: T. Tieleman, G. Hinton, "Neural networks for machine learning", lecture 6.5, 2012;
    centered: A. Graves, "Generating sequences with recurrent neural networks", 2013, eq. 38–45.
    """

    lr: Rate = 0.01
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: Decay = 0.0
    momentum: float = 0.0
    centered: bool = False

    def __post_init__(self) -> None:
        check_learning_rate(self.lr)
        object.__setattr__(self, "centered", check_flag("centered", self.centered))
        check_fraction("alpha", self.alpha)
        check_rate("eps", self.eps)
        check_decay(self.weight_decay)
        check_rate("momentum", self.momentum)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the arrays kept per parameter, torch's names."""
        return (
            "square_avg",
            *(("momentum_buffer",) if self.momentum else ()),
            *(("grad_avg",) if self.centered else ()),
        )
