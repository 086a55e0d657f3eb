"""Adam and AdamW."""

from __future__ import annotations

from dataclasses import dataclass

from descend.errors import OptionError
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
class Adam:
    """Adam, as torch.optim.Adam.

    With t the number of updates, this one included::

        g ← g + weight_decay · w
        m ← m + (1 − beta1) · (g − m)
        s ← beta2 · s + (1 − beta2) · g²
        e ← eps / √(1 − beta2^t)  if eps_hat else  eps
        d ← √(largest s so far  if amsgrad else  s) / √(1 − beta2^t) + e
        w ← w − lr / (1 − beta1^t) · m / d

    A stored m below 2⁻¹⁰⁰ in size becomes 0 (slots.py).

    Parameters
    ----------
    lr : rate per step: a number, a schedule, or one number per step. Default 1e-3.
    betas : shares of the old means kept each step, each 0 ≤ beta < 1. Default (0.9, 0.999).
    eps : added to the root, at least 0. Default 1e-8.
    weight_decay : one number for all parameters, or a mapping from parameter name to number.
    amsgrad : divide by the largest mean of squares seen.
    eps_hat : whether eps is added before the correction: ε̂ of section 2 of Adam's paper, as TensorFlow and
        scikit-learn have it, and torch has not.

    Raises
    ------
    OptionError : a value out of range.

    Sources: D. Kingma, J. Ba, "Adam", ICLR 2015; amsgrad: S. Reddi et al., ICLR 2018.
    """

    lr: Rate = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: Decay = 0.0
    amsgrad: bool = False
    eps_hat: bool = False

    def __post_init__(self) -> None:
        check_learning_rate(self.lr)
        object.__setattr__(self, "amsgrad", check_flag("amsgrad", self.amsgrad))
        object.__setattr__(self, "eps_hat", check_flag("eps_hat", self.eps_hat))
        if not isinstance(self.betas, tuple | list) or len(self.betas) != 2:
            raise OptionError(f"betas must be a pair of numbers, not {self.betas!r}")
        object.__setattr__(self, "betas", tuple(self.betas))
        check_fraction("beta1", self.betas[0])
        check_fraction("beta2", self.betas[1])
        check_rate("eps", self.eps)
        check_decay(self.weight_decay)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the arrays kept per parameter, torch's names."""
        return ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if self.amsgrad else ()))


@dataclass(frozen=True, slots=True)
class AdamW(Adam):
    """Adam with decoupled weight decay, as torch.optim.AdamW.

    Instead of being added to the gradient, the decay shrinks the weights before Adam's step::

        w ← w − lr · weight_decay · w

    Parameters and errors as Adam's; weight_decay is 0.01 by default.

    Source: I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019.
    """

    weight_decay: Decay = 0.01
