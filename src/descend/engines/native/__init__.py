"""The native engine: whole epochs in C++, with the same bits for every number of threads.

The instruction set is chosen when a program is compiled: the best this machine has, or the one that the
environment variable DESCEND_ISA names (``generic``, ``x86-64-v3``, ``x86-64-v4`` or ``neon``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from descend.errors import EngineUnavailable, OptionError
from descend.networks import Network
from descend.optimizers import Optimizer

if TYPE_CHECKING:
    from descend.engines.native.program import NativeProgram
    from descend.engines.protocol import RunTogether


class NativeEngine:
    """Implements engines.protocol.Engine."""

    name = "native"
    capabilities: frozenset[str] = frozenset({"many_steps"})

    @property
    def run_together(self) -> RunTogether:
        """Plans of programs of one shape over the same rows, all of an Order, side by side."""
        from descend.engines.native.program import run_together

        return run_together

    def compile(
        self, network: Network, widths: Sequence[int], optimizer: Optimizer,
        dtype: str, threads: int, seed: int,
    ) -> NativeProgram:  # fmt: skip
        """A program with the seed's initial weights on up to ``threads`` threads.

        Raises
        ------
        OptionError : DESCEND_ISA names no instruction set.
        EngineUnavailable : DESCEND_ISA names one that this machine or this build lacks.
        """
        from descend.engines.native.program import NativeProgram

        return NativeProgram(network, widths[0], optimizer, dtype, threads, seed)


def engine() -> NativeEngine:
    """The engine itself.

    Raises
    ------
    EngineUnavailable : the extension was not built, or does not load: there is too little memory, or it is
        damaged or of another Python.
    """
    try:
        import descend.engines.native._native  # noqa: F401
    except ModuleNotFoundError:
        raise EngineUnavailable(
            "engine native was not built here: install a C++ compiler and install descend again, or use "
            "engine reference"
        ) from None
    except ImportError as error:
        raise EngineUnavailable(
            f"engine native does not load ({error}): free memory if there is too little, else install "
            "descend again, or use engine reference"
        ) from None
    return NativeEngine()


def kernel_report(threads: int) -> dict[str, Any]:
    """The kernels at work: ``available`` and ``used`` instruction sets, ``peak_gflops``, ``threads``.

    The peak counts fused multiply-adds in float32 as two operations, on ``threads`` threads together; it is
    measured, which takes about a tenth of a second. Needs the extension: call ``engine`` first.

    Raises
    ------
    OptionError : DESCEND_ISA names no instruction set.
    EngineUnavailable : DESCEND_ISA names one that this machine or this build lacks.
    """
    from descend.engines.native import _native
    from descend.engines.native.program import our_errors

    wished = os.environ.get("DESCEND_ISA", "")
    with our_errors(OptionError):
        used, peak = _native.selected(wished), _native.peak(wished, threads)
    return {
        "available": _native.instruction_sets(),
        "used": used,
        "peak_gflops": peak,
        "threads": threads,
    }
