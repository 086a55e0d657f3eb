"""QR of a least-squares problem through NumPy, for tables that the native engine does not take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import DataError
from descend.solvers.dense import r_factor
from descend.solvers.dense_rows import dense_rows

Doubles = NDArray[np.float64]
_ROWS = 512


def blocked_qr(
    x: Any, y: NDArray[Any], weight: NDArray[Any] | None, scale: float, intercept: bool
) -> tuple[Doubles, Doubles, Doubles, Doubles, Doubles]:
    """The results of ``engines.native.tsqr.tall_skinny_qr`` by LAPACK, R having min(n, q) rows.

    x : dense, or CSR: then its rows are made dense a block at a time.

    Raises
    ------
    DataError : a value that is not finite, with its place.
    """
    shift, power, greatest = _scaling(x, y, weight, scale, intercept)
    columns = x.shape[1] + intercept
    merged: list[tuple[int, Doubles]] = []  # triangles with the levels of their trees
    for _, rows, weights in _blocks(x, y, weight, scale):
        rows = (rows / power - shift / power) * np.sqrt(weights / greatest)[:, None]
        if intercept:
            rows = np.column_stack([np.sqrt(weights / greatest), rows])
        whole, level = r_factor(rows), 0
        while merged and merged[-1][0] == level:  # in pairs, so that rounding does not pile up
            whole, level = r_factor(np.vstack([merged.pop()[1], whole])), level + 1
        merged.append((level, whole))
    parts = [part for _, part in merged]
    whole = (parts[0] if len(parts) == 1 else r_factor(np.vstack(parts))) * np.sqrt(greatest)
    outside = (whole[columns:, columns:] ** 2).sum(axis=0)
    return whole[:columns, :columns], whole[:columns, columns:], outside, shift, power


def _blocks(
    x: Any, y: NDArray[Any], weight: NDArray[Any] | None, scale: float
) -> Iterator[tuple[int, Doubles, Doubles]]:
    """First row, values of x and y side by side, weights."""
    size = max(_ROWS, 4 * x.shape[1])
    for first in range(0, len(y), size):
        part = slice(first, first + size)
        rows = np.column_stack([dense_rows(x, part, scale), y[part]])
        yield first, rows, np.ones(len(rows)) if weight is None else weight[part].astype(np.float64)


def _scaling(
    x: Any, y: NDArray[Any], weight: NDArray[Any] | None, scale: float, intercept: bool
) -> tuple[Doubles, Doubles, float]:
    """Per column the weighted mean (0 without an intercept) and a power of two; the largest weight."""
    values = x.shape[1] + y.shape[1]
    greatest = 1.0 if weight is None else float(weight.max())
    total, sums, peaks = 0.0, np.zeros(values), np.zeros(values)
    for first, rows, weights in _blocks(x, y, weight, scale):
        _refuse_nonfinite(rows, first, x.shape[1])
        shares = weights / greatest
        total += shares.sum()
        sums += (rows * (shares * 2.0**-64)[:, None]).sum(axis=0)  # no sum of finite numbers overflows
        peaks = np.maximum(peaks, np.abs(rows * np.sqrt(shares)[:, None]).max(axis=0))
    power = np.ldexp(1.0, np.clip(np.frexp(peaks)[1], -1000, 1023))
    return (np.ldexp(sums / total, 64) if intercept else np.zeros(values)), power, greatest


def _refuse_nonfinite(rows: Doubles, first: int, columns: int) -> None:
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        row, column = bad[0]
        name, at = ("X", column) if column < columns else ("y", column - columns)
        raise DataError(f"{name}[{first + row}, {at}] is {rows[row, column]}")
