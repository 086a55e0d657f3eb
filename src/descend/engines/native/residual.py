"""What a solution of least squares leaves of the normal equations, by the native engine."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.engines.native import _native
from descend.engines.native.program import our_errors
from descend.errors import DataError

Doubles = NDArray[np.float64]


def normal_residual(
    x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any] | None, scale: float, intercept: bool,
    weight_scale: float, powers: Doubles, coefficients: Doubles, threads: int,
) -> tuple[Doubles, Doubles]:  # fmt: skip
    """``Aᵀ·W·(b − A·c)`` (t, q, 2), heads and tails, and ``Σ w·(b − A·c)²`` (t,).

    ``A = [1, x·powers]`` (the 1 with an intercept), ``b = y·powers``, ``W = weight·weight_scale``.
    x, y, weight, scale : as for ``tall_skinny_qr``.  powers : (p + t,) powers of two, as weight_scale is.
    coefficients : (t, q, 2), heads and tails.

    The same bits for every number of threads and every instruction set with fused multiply-add.

    Raises
    ------
    DataError : an array of another kind; too little memory.
    """
    wished = os.environ.get("DESCEND_ISA", "")
    try:
        with our_errors(DataError):
            return _native.normal_residual(
                wished, x, y, weight, scale, intercept, weight_scale, powers, coefficients, threads
            )
    except MemoryError:
        raise DataError(f"there is not enough memory to refine {x.shape[1]} columns") from None
