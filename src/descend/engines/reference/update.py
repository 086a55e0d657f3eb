"""Update: one step of an optimizer on one parameter, in place. Formulas as in the optimizers' docstrings."""

from __future__ import annotations

import math

import numpy as np

from descend.engines.reference.forward import Array
from descend.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from descend.optimizers.slots import least_kept

Slots = dict[str, Array]


CLIP_EPS = 1e-6  # torch.nn.utils.clip_grad_norm_ adds it to the norm


def clipped(gradient: dict[str, Array], most: float) -> dict[str, Array]:
    """The gradient, scaled down where its norm over all parameters together is above ``most``."""
    squares = sum(float(np.sum(np.square(g, dtype=np.float64))) for g in gradient.values())
    scale = most / (math.sqrt(squares) + CLIP_EPS)
    if not scale < 1.0:
        return gradient
    return {name: g * g.dtype.type(scale) for name, g in gradient.items()}


def update(
    optimizer: Optimizer, w: Array, g: Array, slots: Slots, rate: float, decay: float, number: int
) -> None:
    """Moves ``w`` and its ``slots``.

    w, g : parameter and gradient, one shape and dtype.  slots : arrays by name, zeros before the first
    update.  rate, decay : of this step.  number : updates made, this one included.
    """
    if isinstance(optimizer, SGD):
        _sgd(optimizer, w, g + decay * w, slots, rate, number)
    elif isinstance(optimizer, RMSprop):
        _rmsprop(optimizer, w, g + decay * w, slots, rate)
    elif isinstance(optimizer, AdamW):
        w *= 1.0 - rate * decay
        _adam(optimizer, w, g, slots, rate, number)
    else:
        _adam(optimizer, w, g + decay * w, slots, rate, number)
    for name, slot in slots.items():
        slot[np.abs(slot) < least_kept(optimizer, name, slot.dtype)] = 0.0


def _sgd(optimizer: SGD, w: Array, g: Array, slots: Slots, rate: float, number: int) -> None:
    if optimizer.momentum:
        v = slots["momentum_buffer"]
        v[...] = g if number == 1 else optimizer.momentum * v + (1.0 - optimizer.dampening) * g
        g = g + optimizer.momentum * v if optimizer.nesterov else v
    w -= rate * g


def _rmsprop(optimizer: RMSprop, w: Array, g: Array, slots: Slots, rate: float) -> None:
    s = slots["square_avg"]
    s[...] = optimizer.alpha * s + (1.0 - optimizer.alpha) * g * g
    if optimizer.centered:
        m = slots["grad_avg"]
        m += (1.0 - optimizer.alpha) * (g - m)
        root = np.sqrt(s - m * m)
    else:
        root = np.sqrt(s)
    step = g / (root + optimizer.eps)
    if optimizer.momentum:
        v = slots["momentum_buffer"]
        v[...] = optimizer.momentum * v + step
        step = v
    w -= rate * step


def _adam(optimizer: Adam, w: Array, g: Array, slots: Slots, rate: float, number: int) -> None:
    beta1, beta2 = optimizer.betas
    m, s = slots["exp_avg"], slots["exp_avg_sq"]
    m += (1.0 - beta1) * (g - m)
    s[...] = beta2 * s + (1.0 - beta2) * g * g
    if optimizer.amsgrad:
        largest = slots["max_exp_avg_sq"]
        np.maximum(largest, s, out=largest)
        s = largest
    root = math.sqrt(1.0 - beta2**number)
    d = np.sqrt(s) / root + (optimizer.eps / root if optimizer.eps_hat else optimizer.eps)
    w -= rate / (1.0 - beta1**number) * (m / d)
