"""Refuses networks that cannot fit into this machine before anything is allocated."""

from __future__ import annotations

import math

from descend.errors import OptionError
from descend.memory import free_memory
from descend.networks import Network
from descend.optimizers import Optimizer


def check_memory(network: Network, inputs: int, optimizer: Optimizer, itemsize: int) -> None:
    """Raises OptionError where weights, their state and their drawing need more than the free memory."""
    numbers = sum(math.prod(shape) for shape in network.parameter_shapes(inputs).values())
    # weights twice (kept and packed), gradient, slots, the last good state, and the float64 drawing
    need = numbers * (itemsize * (4 + 2 * len(optimizer.slots)) + 16)
    free = free_memory()
    if need > free:
        raise OptionError(
            f"a network of {numbers:,} parameters needs about {need / 2**30:,.1f} GiB, "
            f"{free / 2**30:,.1f} GiB are free: use fewer units"
        )
