"""The native QR factorization of tall least-squares problems."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.engines.native import _native
from descend.engines.native.program import our_errors
from descend.errors import DataError, OptionError

Doubles = NDArray[np.float64]


def tall_skinny_qr(
    x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any] | None,
    scale: float, intercept: bool, threads: int,
) -> tuple[Doubles, Doubles, Doubles, Doubles, Doubles]:  # fmt: skip
    """R (q, q), Qᵀy (q, t), squared lengths (t,) outside, and shift and power of two per column of x and y.

    They belong to the rows ``√weight · [1, (x − shift) / power]``, and y likewise; see ``solvers.triangle``.
    x : (n, p) float64, float32 or uint8 (multiplied by ``scale``), any strides; nothing is copied.
    y : (n, t) float64 or float32.  weight : (n,) float64 or float32.

    The same bits for every number of threads and every instruction set with fused multiply-add.

    Raises
    ------
    DataError : a value that is not finite, with its place; an array of another kind; too little memory.
    OptionError, EngineUnavailable : DESCEND_ISA names an instruction set that is not there.
    """
    wished = os.environ.get("DESCEND_ISA", "")
    with our_errors(OptionError):
        _native.selected(wished)
    try:
        with our_errors(DataError):
            columns, rest, shift, power = _native.tall_skinny_qr(
                wished, x, y, weight, scale, intercept, threads
            )
    except MemoryError:
        raise DataError(f"there is not enough memory to factorize {x.shape[1]} columns") from None
    factored = columns.shape[1]
    return np.triu(columns[:factored].T), columns[factored:].T.copy(), rest, shift, power
