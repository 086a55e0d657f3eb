"""What least squares needs of a table: the triangular factor of its rows, its targets in their basis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.solvers import extension
from descend.solvers.blocked_qr import blocked_qr

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Triangle:
    """``A = QR`` and ``Qᵀb`` of n weighted rows ``A = √w·[1, (X − shift)/scale]``, ``b = √w·(y − …)/…``.

    The first column is there with an intercept only; q is the number of columns of A, m = min(n, q), t the
    number of targets. Shifts are weighted means (0 without an intercept) and scales powers of two, so values
    of any size neither overflow nor vanish when squared; R's diagonal is not negative.

    R : (m, q).  z : (m, t) Qᵀb.  rest : (t,) squared length of b outside A's columns.
    shift, scale : (p,) of X.  target_shift, target_scale : (t,) of y.
    """

    R: Doubles
    z: Doubles
    rest: Doubles
    shift: Doubles
    scale: Doubles
    target_shift: Doubles
    target_scale: Doubles
    intercept: bool


def triangle(
    x: Any, y: NDArray[Any], weight: NDArray[Any] | None, scale: float, intercept: bool, threads: int
) -> Triangle:
    """Reads the rows twice, without copying them: for means and sizes, then for Householder reflections.

    x : (n, p) float64, float32 or uint8 (multiplied by ``scale``), or CSR.  y : (n, t) float64 or float32.
    weight : (n,) float64 or float32, at least 0 and not all 0.

    The native engine computes it (tall-skinny QR: Demmel, Grigori, Hoemmen and Langou, SIAM J. Sci. Comput.
    34, 2012), with the same bits for every number of threads. NumPy's LAPACK takes its place for tables with
    fewer rows than columns, for CSR rows, and where the extension was not built; then the bits are LAPACK's.

    Raises
    ------
    DataError : a value that is not finite, with its place.
    """
    tall = len(y) >= x.shape[1] + intercept
    if isinstance(x, np.ndarray) and tall and extension.native_built():
        from descend.engines.native.tsqr import tall_skinny_qr

        R, z, rest, shift, power = tall_skinny_qr(x, y, weight, scale, intercept, threads)
    else:
        R, z, rest, shift, power = blocked_qr(x, y, weight, scale, intercept)
    signs = np.where(np.diagonal(R) < 0, -1.0, 1.0)[:, None]
    p = x.shape[1]
    return Triangle(
        signs * R, signs * z, rest, shift[:p], power[:p], shift[p:], power[p:], intercept
    )  # fmt: skip
