"""The reference engine, in NumPy: it reads like a textbook and is the definition of every result.

It forgoes speed: no threads of its own, one Python call a layer and step. What it may not do is trade
a formula for a faster one.
"""

from __future__ import annotations

from collections.abc import Sequence

from descend.engines.reference.program import ReferenceProgram
from descend.networks import Network
from descend.optimizers import Optimizer


class ReferenceEngine:
    """Implements engines.protocol.Engine."""

    name = "reference"
    capabilities: frozenset[str] = frozenset()
    run_together = None

    def compile(
        self, network: Network, widths: Sequence[int], optimizer: Optimizer,
        dtype: str, threads: int, seed: int,
    ) -> ReferenceProgram:  # fmt: skip
        """A program with the seed's initial weights; ``threads`` is NumPy's own affair."""
        return ReferenceProgram(network, widths[0], optimizer, dtype, seed)


def engine() -> ReferenceEngine:
    """The engine itself."""
    return ReferenceEngine()
