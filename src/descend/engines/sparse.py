"""Sparse rows: how they are recognised, what they must be like, and how a few of them become dense."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import DataError

Array = NDArray[Any]


def is_sparse(x: object) -> bool:
    """Whether x is an array or matrix of scipy.sparse, which is not imported to find out."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(x))


def widened(x: Any) -> Array:
    """Dense rows as they are, sparse ones as a dense copy: for a few rows at a time."""
    return x.toarray() if is_sparse(x) else x


def as_csr(X: Any, dtype: str, name: str) -> Any:
    """Any sparse table as engines take it; X itself where it is that already, and never changed.

    dtype : of the result.  name : how messages call the table.

    Raises
    ------
    DataError : not two dimensions, no columns, no numbers, 8-bit numbers (dense ones are pixels, and scaled),
        values that are not finite in ``dtype``.
    """
    if X.ndim != 2 or X.shape[1] == 0:
        raise DataError(f"{name} must have two dimensions (rows, inputs), not shape {X.shape}")
    if X.dtype == np.uint8:
        raise DataError(f"{name} is sparse and 8-bit; dense pixels are, and counts go as X.astype({dtype!r})")
    if X.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold numbers, not {X.dtype}")
    x = X.tocsr()
    if not x.has_canonical_format:
        x = x.copy() if x is X else x
        x.sum_duplicates()
    with np.errstate(over="ignore"):  # found below, with its place
        x = x.astype(dtype, copy=False)
    bad = np.flatnonzero(~np.isfinite(x.data))
    if len(bad):
        raise DataError(
            f"{name} holds {x.data[bad[0]]} in row {_row(x.indptr, int(bad[0]))}, column "
            f"{x.indices[bad[0]]}: leave the row out or fill the value in (values must be finite and fit "
            f"{x.dtype})"
        )
    return x


def check_csr(x: Any, dtype: np.dtype[Any]) -> None:
    """Raises DataError unless sparse x is what an engine may read without another look.

    Compressed rows (CSR) of ``dtype``, row starts that ascend from 0 to the number of values, and in every
    row column numbers that ascend and lie inside the table.
    """
    if x.format != "csr":
        raise DataError(f"sparse X must be compressed by rows, not {x.format}: use X.tocsr()")
    if x.dtype != dtype:
        raise DataError(f"sparse X must hold {dtype}, not {x.dtype}")
    starts, columns = x.indptr, x.indices
    if len(starts) != x.shape[0] + 1 or starts[0] != 0 or starts[-1] > min(len(columns), len(x.data)):
        raise DataError("sparse X is damaged: its row starts do not fit its values")
    if (np.diff(starts) < 0).any():
        raise DataError("sparse X is damaged: its row starts do not ascend")
    columns = columns[: starts[-1]]
    outside = np.flatnonzero((columns < 0) | (columns >= x.shape[1]))
    if len(outside):
        row, found = _row(starts, int(outside[0])), columns[outside[0]]
        raise DataError(f"sparse X names column {found} in row {row}; columns are 0 to {x.shape[1] - 1}")
    falls = columns[1:] <= columns[:-1]
    between = starts[1:-1]  # from one row to the next they may fall
    falls[between[(between > 0) & (between < len(columns))] - 1] = False
    if falls.any():
        row = _row(starts, int(np.argmax(falls)))
        raise DataError(
            f"sparse X has columns that do not ascend in row {row}: call X.sum_duplicates() before"
        )


def _row(starts: Array, value: int) -> int:
    return int(np.searchsorted(starts, value, side="right")) - 1
