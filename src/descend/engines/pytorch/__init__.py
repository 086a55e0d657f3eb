"""The PyTorch engine: autograd and torch.optim on a CPU or a CUDA device; needs torch.

Initial weights, orders and dropout masks come from the same streams as the other engines'. torch is
imported when the engine is asked for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from descend.errors import EngineUnavailable, OptionError, choices
from descend.networks import Network
from descend.optimizers import Optimizer

if TYPE_CHECKING:
    from descend.engines.pytorch.program import PytorchProgram

DEVICES = ("auto", "cpu", "cuda")


class PytorchEngine:
    """Implements engines.protocol.Engine.

    device : ``cpu`` or ``cuda``, where programs compute.
    """

    name = "pytorch"
    capabilities: frozenset[str] = frozenset()
    run_together = None

    def __init__(self, device: str) -> None:
        self.device = device

    def compile(
        self, network: Network, widths: Sequence[int], optimizer: Optimizer,
        dtype: str, threads: int, seed: int,
    ) -> PytorchProgram:  # fmt: skip
        """A program with the seed's initial weights. ``threads`` are torch's own within an operation."""
        from descend.engines.pytorch.program import PytorchProgram

        return PytorchProgram(network, widths[0], optimizer, dtype, threads, seed, self.device)


def engine(device: str = "auto") -> PytorchEngine:
    """The engine on ``auto`` (cuda where there is one), ``cpu`` or ``cuda``.

    The environment variable DESCEND_DEVICE overrides the argument.

    Raises
    ------
    EngineUnavailable : torch is not installed, or cuda is asked for and torch finds none.
    OptionError : an unknown device.
    """
    try:
        import torch
    except (ImportError, OSError) as error:  # OSError: installed, but one of its libraries does not load
        raise EngineUnavailable(
            f"engine pytorch cannot import torch ({error}); install it by pip install torch"
        ) from None
    device = os.environ.get("DESCEND_DEVICE") or device
    if device not in DEVICES:
        raise OptionError(f"unknown device {device!r}; {choices(device, DEVICES)}")
    present = torch.cuda.is_available()
    if device == "cuda" and not present:
        raise EngineUnavailable("torch finds no CUDA device on this machine; use device cpu or auto")
    if device == "auto":
        device = "cuda" if present else "cpu"
    return PytorchEngine(device)
