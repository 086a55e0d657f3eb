"""Rows as a caller gives them, read as an array, and what is wrong with one of its values."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import DataError


def as_array(given: Any, name: str) -> NDArray[Any]:
    """What is given as an array, of any shape and type.

    name : how messages call it.

    Raises
    ------
    DataError : rows differ in length, values are masked, or it cannot be read as an array.
    """
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise DataError(f"{name} has masked values: fill them in or leave their rows out")
    try:
        return np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"{name} is no array: {_uneven_row(given) or _first_line(error)}") from None


def not_finite(
    name: str, value: object, row: int, column: int, dtype: np.dtype[Any], scale: float = 1.0
) -> DataError:
    """The error about a value, as it was given, that is NaN or infinite in ``dtype`` after its scale."""
    times = "" if scale == 1.0 else f" times input_scale {scale:g}"
    return DataError(
        f"{name} holds {value} in row {row}, column {column}: leave the row out or fill the value in (values"
        f"{times} must be finite and fit {dtype})"
    )


def _uneven_row(given: Any) -> str:
    """The first row of another length than row 0, or nothing where that is not the reason."""
    if not isinstance(given, list | tuple) or not all(isinstance(row, Sized) for row in given):
        return ""
    for number, row in enumerate(given):
        if len(row) != len(given[0]):
            return f"row {number} has {len(row)} values, row 0 has {len(given[0])}"
    return ""


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
