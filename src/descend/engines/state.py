"""Weights and optimizer state that go into a program: what may be missing, and what must fit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from descend.engines.protocol import Array, State
from descend.errors import OptionError, choices
from descend.networks import Network
from descend.optimizers import Optimizer


def checked_state(
    network: Network,
    inputs: int,
    optimizer: Optimizer,
    dtype: np.dtype[np.generic],
    state: Mapping[str, Array],
) -> State:
    """A full copy of ``state``, contiguous and in ``dtype``: parameters, ``slot.parameter``, ``updates``.

    Slots and updates that are not given are 0.

    Raises
    ------
    OptionError : a parameter is missing or not finite in ``dtype``; an entry has another shape; an unknown
        name; updates below 0.
    """
    shapes = network.parameter_shapes(inputs)
    network.check_parameters(inputs, {k: v for k, v in state.items() if k in shapes})
    expected = shapes | {
        f"{slot}.{name}": shape for slot in optimizer.slots for name, shape in shapes.items()
    }
    for name in state:
        if name not in expected and name != "updates":
            raise OptionError(f"unknown entry {name!r} in a program's state; {choices(name, expected)}")
    full: State = {}
    for name, shape in expected.items():
        array = np.asarray(state.get(name, np.zeros(shape)))
        if array.shape != shape:
            raise OptionError(f"state {name} has shape {array.shape}, expected {shape}")
        with np.errstate(over="ignore"):  # found by the next line
            full[name] = np.array(array, dtype, order="C")
        if name in shapes and not np.isfinite(full[name]).all():
            raise OptionError(f"parameter {name} holds values that are not finite in {dtype}")
    updates = int(np.asarray(state.get("updates", 0)))
    if updates < 0:
        raise OptionError(f"updates must be at least 0, not {updates}")
    full["updates"] = np.array(updates, np.int64)
    return full
