"""Losses: what training makes small.

All are means over the batch's rows (weighted means where rows have weights, divided by the sum of the
weights) and over target columns where there are several, never over class logits. A batch whose
weights sum to 0 has loss 0 and causes no update. They are in the units the network sees.

Shapes: z is the network's output, (n, outputs). Targets of the regression losses and of
BinaryCrossEntropy are (n, outputs); those of CrossEntropy are class numbers, (n,).
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from descend.errors import OptionError


@dataclass(frozen=True, slots=True)
class SquaredError:
    """½ (z − y)²; derivative z − y."""


@dataclass(frozen=True, slots=True)
class AbsoluteError:
    """|z − y|; derivative sign(z − y), 0 at 0."""


@dataclass(frozen=True, slots=True)
class Huber:
    """½ r² where |r| ≤ delta, delta (|r| − ½ delta) elsewhere, r = z − y; derivative clip(r, −delta, delta).

    Parameters
    ----------
    delta : where the square turns into a line, above 0, in the units the network sees.

    Source: P. Huber, "Robust estimation of a location parameter", 1964; torch.nn.HuberLoss.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not _is_number(self.delta) or not 0 < self.delta < math.inf:
            raise OptionError(f"Huber delta must be a finite number above 0, not {self.delta!r}")


@dataclass(frozen=True, slots=True)
class Quantile:
    """level r where r ≥ 0, (level − 1) r elsewhere, r = y − z: the pinball loss, small at that quantile of y.

    Derivative by z: −level where r > 0, 1 − level where r < 0, 0 at 0.

    Parameters
    ----------
    level : share of the targets that lie below the prediction, 0 < level < 1; 0.5 is the median.

    Source: R. Koenker, G. Bassett, "Regression quantiles", 1978; sklearn.metrics.mean_pinball_loss.
    """

    level: float = 0.5

    def __post_init__(self) -> None:
        if not _is_number(self.level) or not 0 < self.level < 1:
            raise OptionError(f"Quantile level must be a number between 0 and 1, not {self.level!r}")


@dataclass(frozen=True, slots=True)
class Poisson:
    """exp(z) − y z for counts y of at least 0, where z is the logarithm of the expected count exp(z).

    The Poisson distribution's negative log-likelihood without log y!, which no weight changes; it may be
    below 0. Derivative: exp(z) − y. Models of such a network predict exp(z).

    Source: torch.nn.PoissonNLLLoss(log_input=True, full=False).
    """


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """−Σ_c q_c log softmax(z)_c, with log softmax(z)_c = z_c − m − log Σ_k exp(z_k − m), m = max z.

    q is 1 at the true class and 0 elsewhere; label_smoothing ε makes it (1 − ε) q + ε / classes.
    class_weight multiplies the terms by class and takes part in the mean's divisor, as in
    torch.nn.CrossEntropyLoss. Derivative by z_c, without weights: softmax(z)_c − q_c.

    Parameters
    ----------
    label_smoothing : ε, 0 ≤ ε ≤ 1.
    class_weight : one number of at least 0 per class, in the classes' order, or None for all 1.

    Raises
    ------
    OptionError : ε outside [0, 1] or a negative weight, here; a weight too many or few, in Network.
    """

    label_smoothing: float = 0.0
    class_weight: Sequence[float] | None = None

    def __post_init__(self) -> None:
        _check_smoothing(self.label_smoothing)
        object.__setattr__(self, "class_weight", _check_class_weight(self.class_weight))


@dataclass(frozen=True, slots=True)
class BinaryCrossEntropy:
    """−q log σ(z) − (1 − q) log(1 − σ(z)) = max(z, 0) − q z + log(1 + exp(−|z|)), a column at a time.

    Targets are 0 or 1; label_smoothing ε makes them q = (1 − ε) y + ε / 2. class_weight is the pair of
    weights of targets 0 and 1; it multiplies the terms and takes part in the mean's divisor, so one
    column equals CrossEntropy over two classes with logits (0, z). Derivative by z: σ(z) − q.

    Parameters
    ----------
    label_smoothing : ε, 0 ≤ ε ≤ 1.
    class_weight : pair of numbers of at least 0, or None for (1, 1).

    Raises
    ------
    OptionError : ε outside [0, 1], or not two weights of at least 0.
    """

    label_smoothing: float = 0.0
    class_weight: Sequence[float] | None = None

    def __post_init__(self) -> None:
        _check_smoothing(self.label_smoothing)
        object.__setattr__(self, "class_weight", _check_class_weight(self.class_weight))
        if self.class_weight is not None and len(self.class_weight) != 2:
            raise OptionError(
                "BinaryCrossEntropy class_weight needs 2 numbers, for targets 0 and 1, "
                f"not {len(self.class_weight)}"
            )


RegressionLoss = SquaredError | AbsoluteError | Huber | Quantile | Poisson
Loss = RegressionLoss | CrossEntropy | BinaryCrossEntropy


def _is_number(value: object) -> bool:
    """Whether it is a number, and no whole one beyond float64."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return isinstance(value, float) or abs(value) <= sys.float_info.max


def _check_smoothing(value: float) -> None:
    if not _is_number(value) or not 0 <= value <= 1:
        raise OptionError(f"label_smoothing must be a number from 0 to 1, not {value!r}")


def _check_class_weight(weights: Sequence[float] | None) -> tuple[float, ...] | None:
    if weights is None:
        return None
    if isinstance(weights, Mapping | str):
        raise OptionError(
            f"class_weight must list one number per class, in the classes' order, not {weights!r}"
        )
    try:
        checked = tuple(float(weight) for weight in weights)
    except (TypeError, ValueError, OverflowError):
        raise OptionError(f"class_weight must be a sequence of numbers, not {weights!r}") from None
    if not checked or not all(0 <= weight < math.inf for weight in checked):
        raise OptionError(f"class_weight must hold finite numbers of at least 0, not {weights!r}")
    return checked
