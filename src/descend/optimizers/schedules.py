"""Learning rates that change as training goes on.

A schedule turns step numbers into rates before an engine runs them. ``epoch`` below is the whole
number of epochs completed before a step, ``progress`` the fraction of all steps completed before it,
from 0 up to but not including 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from descend.errors import OptionError


@dataclass(frozen=True, slots=True)
class Span:
    """Which steps to rate: ``first`` … ``first + steps − 1`` of ``total``, ``per_epoch`` an epoch."""

    first: int
    steps: int
    per_epoch: int
    total: int

    @property
    def step(self) -> NDArray[np.int64]:
        """Step numbers, (steps,)."""
        return np.arange(self.first, self.first + self.steps, dtype=np.int64)

    @property
    def epoch(self) -> NDArray[np.int64]:
        """Epochs completed before each step, (steps,)."""
        return self.step // self.per_epoch


@runtime_checkable
class Schedule(Protocol):
    """Anything with ``rates``: Span → (steps,) float64."""

    def rates(self, span: Span) -> NDArray[np.float64]:
        """Learning rate of every step in the span, (steps,)."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """rate = lr."""

    lr: float

    def __post_init__(self) -> None:
        check_rate("Constant lr", self.lr)

    def rates(self, span: Span) -> NDArray[np.float64]:
        """(steps,) times lr."""
        return np.full(span.steps, self.lr, np.float64)


@dataclass(frozen=True, slots=True)
class Step:
    """rate = lr · factor^⌊epoch / every⌋, as torch.optim.lr_scheduler.StepLR.

    every : epochs between drops, at least 1.  factor : at least 0.
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        check_rate("Step lr", self.lr)
        check_rate("Step factor", self.factor)
        _check_count("Step every", self.every)

    def rates(self, span: Span) -> NDArray[np.float64]:
        """(steps,), the same within an epoch."""
        return _powers(self.lr, self.factor, span.epoch // self.every)


@dataclass(frozen=True, slots=True)
class Exponential:
    """rate = lr · factor^epoch, as torch.optim.lr_scheduler.ExponentialLR.

    factor : what an epoch multiplies the rate by, at least 0.
    """

    lr: float
    factor: float

    def __post_init__(self) -> None:
        check_rate("Exponential lr", self.lr)
        check_rate("Exponential factor", self.factor)

    def rates(self, span: Span) -> NDArray[np.float64]:
        """(steps,), the same within an epoch."""
        return _powers(self.lr, self.factor, span.epoch)


@dataclass(frozen=True, slots=True)
class Cosine:
    """rate = final + ½ (lr − final) (1 + cos(π · progress)), a step at a time.

    final : rate that the last step comes close to, at least 0.

    Source: I. Loshchilov, F. Hutter, "SGDR", ICLR 2017, eq. 5, one cycle.
    """

    lr: float
    final: float = 0.0

    def __post_init__(self) -> None:
        check_rate("Cosine lr", self.lr)
        check_rate("Cosine final", self.final)

    def rates(self, span: Span) -> NDArray[np.float64]:
        """(steps,), falling from lr."""
        progress = np.minimum(span.step / max(span.total, 1), 1.0)
        return self.final + 0.5 * (self.lr - self.final) * (1.0 + _cos_pi(progress))


@dataclass(frozen=True, slots=True)
class WarmUp:
    """The first ``epochs`` epochs climb in even steps to what ``then`` asks for: min(1, (step+1)/ramp).

    then : a schedule or a number.  epochs : length of the ramp in epochs, above 0, fractions allowed.

    Source: P. Goyal et al., "Accurate, large minibatch SGD", 2017, section 2.2 (gradual warmup).
    """

    then: Schedule | float
    epochs: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.then, Schedule):
            check_rate("WarmUp then", self.then)
        if not is_number(self.epochs) or not 0 < self.epochs < math.inf:
            raise OptionError(f"WarmUp epochs must be a finite number above 0, not {self.epochs!r}")

    def rates(self, span: Span) -> NDArray[np.float64]:
        """(steps,)."""
        inner = self.then if isinstance(self.then, Schedule) else Constant(self.then)
        ramp = self.epochs * span.per_epoch
        return inner.rates(span) * np.minimum(1.0, (span.step + 1) / ramp)


def check_rate(name: str, value: object) -> None:
    """Raises OptionError unless value is a finite number of at least 0."""
    if not is_number(value) or not 0 <= value < math.inf:  # type: ignore[operator]
        raise OptionError(f"{name} must be a finite number of at least 0, not {value!r}")


def is_number(value: object) -> bool:
    """Whether value is an integer or a float of Python's or NumPy's, and no bool."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise OptionError(f"{name} must be a whole number of at least 1, not {value!r}")


def _powers(lr: float, factor: float, exponents: NDArray[np.int64]) -> NDArray[np.float64]:
    """lr · factor^k by repeated multiplication, so that every machine gets the same bits."""
    distinct, where = np.unique(exponents, return_inverse=True)
    values = []
    rate, reached = float(lr), 0
    for exponent in distinct:
        while reached < exponent and rate != 0.0:
            rate *= factor
            reached += 1
        values.append(rate)
    return np.asarray(values, np.float64)[where]


def _cos_pi(t: NDArray[np.float64]) -> NDArray[np.float64]:
    """cos(π t) for 0 ≤ t ≤ 1 by its Taylor series about ½, for NumPy's cosine differs by machine."""
    x = np.pi * (0.5 - t)
    squared = x * x
    series = np.ones_like(x)
    for n in range(22, 0, -2):
        series = 1.0 - squared / (n * (n + 1)) * series
    return x * series
