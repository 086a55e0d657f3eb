"""Rows of arrays and sparse tables, as the caller has them, for a model that was trained on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from descend.engines.finite import all_finite
from descend.engines.given import as_array, not_finite
from descend.engines.protocol import Rows
from descend.engines.scale import scaled
from descend.engines.sparse import as_csr, is_sparse
from descend.errors import DataError

Place = Callable[[int], str]  # how messages name a row, by its number from 0


def place_in_array(row: int) -> str:
    """How messages name a row of an array: rows count from 0, as NumPy's do."""
    return f"row {row} of X"


def array_rows(X: Any, inputs: int, dtype: np.dtype[Any], scale: float) -> Rows:
    """(n, inputs) as engines take them: dense uint8 as it is, sparse tables and all else in ``dtype``.

    scale : what every value is multiplied by; the engine multiplies dense uint8 itself.

    Raises
    ------
    DataError : another shape, no numbers, values that are not finite in ``dtype``.
    """
    if type(X) is not np.ndarray and is_sparse(X):
        _check_shape(X.shape, inputs)
        return as_csr(X, str(dtype), "X", scale)
    x = X if type(X) is np.ndarray else as_array(X, "X")
    _check_shape(x.shape, inputs)
    if x.dtype == dtype and x.flags.carray and scale == 1.0:
        own = x
    elif x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    elif x.dtype.kind in "biuf":
        with np.errstate(over="ignore"):  # found below, and named as it was given
            own = np.require(scaled(x.astype(dtype, copy=False), scale), dtype, ("C", "A"))
    else:
        raise DataError(f"X must hold numbers, not {x.dtype}")
    if not all_finite(own):
        row, column = (int(place) for place in np.argwhere(~np.isfinite(own))[0])
        raise not_finite("X", x[row, column], row, column, dtype, scale)
    return own


def _check_shape(shape: tuple[int, ...], inputs: int) -> None:
    if len(shape) != 2 or shape[1] != inputs:
        hint = f"; one row is X.reshape(1, {inputs})" if shape == (inputs,) else ""
        raise DataError(f"X must have shape (rows, {inputs}), not {shape}{hint}")
