"""What the optimizers share: the learning rate, and the check of their options."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from descend.errors import OptionError, choices
from descend.optimizers.schedules import Constant, Schedule, Span, check_rate, is_number

Rate = float | Schedule | Sequence[float] | NDArray[np.float64]
Decay = float | Mapping[str, float]


def check_learning_rate(lr: Rate) -> None:
    """Raises OptionError unless lr is a number ≥ 0, a schedule, or finite numbers ≥ 0, one per step."""
    if isinstance(lr, Schedule):
        return
    if isinstance(lr, np.ndarray | list | tuple):
        values = np.asarray(lr)
        if values.ndim != 1 or values.size == 0 or values.dtype.kind not in "iuf":
            raise OptionError("lr given per step must be a one-dimensional array of numbers")
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise OptionError("lr given per step must hold finite numbers of at least 0")
        return
    check_rate("lr", lr)


def check_decay(weight_decay: Decay) -> None:
    """Raises OptionError unless weight_decay is a number ≥ 0 or maps parameter names to such."""
    if isinstance(weight_decay, Mapping):
        for name, value in weight_decay.items():
            check_rate(f"weight_decay of {name}", value)
    else:
        check_rate("weight_decay", weight_decay)


def check_clip_norm(clip_norm: float | None, name: str = "clip_norm") -> float | None:
    """The norm as a float. Raises OptionError for anything but None and a finite number above 0."""
    if clip_norm is None:
        return None
    if not is_number(clip_norm) or not 0 < clip_norm < math.inf:
        raise OptionError(f"{name} must be a finite number above 0, not {clip_norm!r}")
    return float(clip_norm)


def check_fraction(name: str, value: float) -> None:
    """Raises OptionError unless 0 ≤ value < 1."""
    check_rate(name, value)
    if value >= 1:
        raise OptionError(f"{name} must be below 1, not {value!r}")


def step_rates(lr: Rate, span: Span) -> NDArray[np.float64]:
    """Learning rate of every step of the span, (steps,) float64.

    Raises OptionError where rates were given per step and there are not ``total`` of them, or where a
    schedule gives a rate that is negative or not finite.
    """
    if isinstance(lr, Schedule):
        return _checked(np.asarray(lr.rates(span), np.float64), lr, span)
    if isinstance(lr, np.ndarray | list | tuple):
        values = np.asarray(lr, np.float64)
        if len(values) != span.total:
            raise OptionError(f"lr has {len(values)} rates for {span.total} steps")
        return values[span.first : span.first + span.steps]
    return Constant(float(cast(float, lr))).rates(span)


def _checked(rates: NDArray[np.float64], lr: Schedule, span: Span) -> NDArray[np.float64]:
    if rates.shape != (span.steps,):
        raise OptionError(f"lr schedule {lr!r} gave rates of shape {rates.shape} for {span.steps} steps")
    wrong = np.flatnonzero(~(np.isfinite(rates) & (rates >= 0)))
    if len(wrong):
        step, rate = span.first + int(wrong[0]), float(rates[wrong[0]])
        raise OptionError(f"lr schedule {lr!r} gave {rate} at step {step}; rates are finite and at least 0")
    return rates


def parameter_decay(weight_decay: Decay, names: Sequence[str]) -> NDArray[np.float64]:
    """Weight decay of every parameter in order, (parameters,); those not named have 0.

    Raises OptionError for a name that is no parameter.
    """
    if not isinstance(weight_decay, Mapping):
        return np.full(len(names), float(weight_decay))
    for name in weight_decay:
        if name not in names:
            raise OptionError(f"weight_decay names no parameter {name!r}; {choices(name, names)}")
    return np.array([float(weight_decay.get(name, 0.0)) for name in names])


def check_flag(name: str, value: object) -> bool:
    """The flag as a bool. Raises OptionError for anything but True and False."""
    if not isinstance(value, bool | np.bool_):
        raise OptionError(f"{name} must be True or False, not {value!r}")
    return bool(value)
