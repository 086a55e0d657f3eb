"""Sparse rows: how they are recognised, what they must be like, and how a few of them become dense."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.engines.given import not_finite
from descend.engines.scale import scaled
from descend.errors import DataError

Array = NDArray[Any]


def is_sparse(x: object) -> bool:
    """Whether x is an array or matrix of scipy.sparse, which is not imported to find out."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(x))


def widened(x: Any) -> Array:
    """Dense rows as they are, sparse ones as a dense copy: for a few rows at a time."""
    return x.toarray() if is_sparse(x) else x


def as_csr(X: Any, dtype: str, name: str, scale: float = 1.0) -> Any:
    """Any sparse table as engines take it; X itself where it is that already, and never changed.

    dtype : of the result.  name : how messages call the table.  scale : what its values are multiplied by.

    Raises
    ------
    DataError : not two dimensions, no columns, no numbers, a damaged table, values that are not finite in
        ``dtype``.
    """
    if X.ndim != 2 or X.shape[1] == 0:
        raise DataError(f"{name} must have two dimensions (rows, inputs), not shape {X.shape}")
    if X.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold numbers, not {X.dtype}")
    check_sparse(X, name)
    # Values of one place are added up, which 8 bits do not hold.
    x = (X.astype(np.float64) if X.dtype.kind in "iu" else X).tocsr()
    if not x.has_canonical_format:
        x = x.copy() if x is X else x
        x.sum_duplicates()
    with np.errstate(over="ignore"):  # found below, with its place
        own = x.astype(dtype, copy=False)
    if scale != 1.0:
        own = type(own)((scaled(own.data, scale), own.indices, own.indptr), shape=own.shape)
    bad = np.flatnonzero(~np.isfinite(own.data[: own.indptr[-1]]))
    if len(bad):
        row, column = _row(own.indptr, int(bad[0])), own.indices[bad[0]]
        raise not_finite(name, x.data[bad[0]], row, int(column), own.dtype, scale)
    return own


def check_sparse(x: Any, name: str = "sparse X") -> None:
    """Raises DataError for a table whose parts do not fit each other, which scipy would read out of bounds.

    x : any format of scipy.sparse, two dimensions.  name : how messages call it.
    """
    if x.format in ("csr", "csc", "bsr"):
        height, width = (size // block for size, block in zip(x.shape, _block(x), strict=True))
        if x.format == "csc":
            height, width = width, height
        _check_starts(x, height, name)
        numbers = x.indices[: x.indptr[-1]]
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < width:
            place = int(np.flatnonzero((numbers < 0) | (numbers >= width))[0])
            outer, inner = ("column", "row") if x.format == "csc" else ("row", "column")
            raise DataError(
                f"{name} is damaged: it names {inner} {numbers[place]} in {outer} {_row(x.indptr, place)}; "
                f"{inner}s are 0 to {width - 1}"
            )
    elif x.format == "coo":
        if any(part.shape != x.data.shape for part in (x.row, x.col)):
            raise DataError(f"{name} is damaged: its rows and columns are not as many as its values")
        for numbers, size, what in ((x.row, x.shape[0], "row"), (x.col, x.shape[1], "column")):
            if len(numbers) and not 0 <= numbers.min() <= numbers.max() < size:
                raise DataError(f"{name} is damaged: it names a {what} outside 0 … {size - 1}")


def check_csr(x: Any, dtype: np.dtype[Any]) -> None:
    """Raises DataError unless sparse x is what an engine may read without another look.

    Compressed rows (CSR) of ``dtype``, row starts that ascend from 0 to the number of values, and in every
    row column numbers that ascend and lie inside the table.
    """
    if x.format != "csr":
        raise DataError(f"sparse X must be compressed by rows, not {x.format}: use X.tocsr()")
    if x.dtype != dtype:
        raise DataError(f"sparse X must hold {dtype}, not {x.dtype}")
    check_sparse(x)
    starts = x.indptr
    columns = x.indices[: starts[-1]]
    falls = columns[1:] <= columns[:-1]
    between = starts[1:-1]  # from one row to the next they may fall
    falls[between[(between > 0) & (between < len(columns))] - 1] = False
    if falls.any():
        row = _row(starts, int(np.argmax(falls)))
        raise DataError(
            f"sparse X has columns that do not ascend in row {row}: call X.sum_duplicates() before"
        )


def _block(x: Any) -> tuple[int, int]:
    """Rows and columns of a block of values."""
    return x.data.shape[1:] if x.format == "bsr" else (1, 1)


def _check_starts(x: Any, count: int, name: str) -> None:
    """Raises DataError unless there are ``count`` starts and an end, which ascend within the values."""
    starts, what = x.indptr, "column" if x.format == "csc" else "row"
    if len(starts) != count + 1 or starts[0] != 0 or starts[-1] > min(len(x.indices), len(x.data)):
        raise DataError(f"{name} is damaged: its {what} starts do not fit its values")
    if (starts[1:] < starts[:-1]).any():
        raise DataError(f"{name} is damaged: its {what} starts do not ascend")


def _row(starts: Array, value: int) -> int:
    return int(np.searchsorted(starts, value, side="right")) - 1
