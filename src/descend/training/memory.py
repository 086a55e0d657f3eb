"""Refuses networks that cannot fit into this machine before anything is allocated."""

from __future__ import annotations

import math
import os

from descend.errors import OptionError
from descend.networks import Network
from descend.optimizers import Optimizer


def check_memory(network: Network, inputs: int, optimizer: Optimizer, itemsize: int) -> None:
    """Raises OptionError where weights, their state and their drawing need more than the free memory."""
    numbers = sum(math.prod(shape) for shape in network.parameter_shapes(inputs).values())
    # weights twice (kept and packed), gradient, slots, the last good state, and the float64 drawing
    need = numbers * (itemsize * (4 + 2 * len(optimizer.slots)) + 16)
    free = _free_memory()
    if need > free:
        raise OptionError(
            f"a network of {numbers:,} parameters needs about {need / 2**30:,.1f} GiB, "
            f"{free / 2**30:,.1f} GiB are free: use fewer units"
        )


def _free_memory() -> int:
    if not hasattr(os, "sysconf") or "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return 1 << 62
    try:
        with open("/proc/meminfo") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
