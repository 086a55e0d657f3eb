"""The values of one column in memory, of any of the types that people hold them in, as a polars column."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.errors import DataError

_NO_VALUE = ("NAType", "NaTType")  # pandas' own marks, named so that pandas need not be there


def series_of(values: Any, name: str, where: str) -> pl.Series:
    """A polars or pandas column, an array or tensor of shape (rows,) or (rows, 1), or a list, as a column.

    Missing values, also those that a masked array masks, become null.

    where : beginning of messages.

    Raises DataError for another shape, for mixed types, and for a type that cannot be learned from.
    """
    if isinstance(values, pl.Series):
        return values.alias(name)
    if hasattr(values, "isna") and hasattr(values, "dtype"):
        values = _from_pandas(values)
    elif not isinstance(values, np.ndarray) and hasattr(values, "__array__"):
        values = _from_tensor(values, where)
    if isinstance(values, np.ndarray):
        values = _from_array(values, where)
    if not isinstance(values, np.ndarray | list | tuple | range):
        raise DataError(f"{where} must be a list or an array, not {type(values).__name__}")
    if isinstance(values, list | tuple):
        values = [_plain(each) for each in values]
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        kinds = sorted({type(each).__name__ for each in values if each is not None})
        if kinds == ["float", "int"]:
            return pl.Series(name, [None if each is None else float(each) for each in values])
        if kinds == ["int"] and all(each is None or abs(each) < 2**127 for each in values):
            return pl.Series(name, values, dtype=pl.Int128)
        reason = (
            f"mixes {' and '.join(kinds)}; give one type"
            if len(kinds) > 1
            else f"is no column: {str(error).splitlines()[0]}"
        )
        raise DataError(f"{where} {reason}") from error


def _from_pandas(series: Any) -> Any:
    """A pandas column as an array, or as a list with None for missing; pandas itself is not imported."""
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biufcMm":
        return series.to_numpy()
    present = series.notna().tolist()
    return [value if known else None for value, known in zip(series.tolist(), present, strict=True)]


def _from_tensor(values: Any, where: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{where} cannot be read as an array: {error}") from error


def _from_array(values: NDArray[Any], where: str) -> Any:
    """An array of a type that polars takes, or a list; (rows, 1) as (rows,)."""
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(f"{where} must have shape (rows,), not {values.shape}")
    kind = values.dtype.kind
    if kind == "c":
        raise DataError(f"{where} holds complex numbers; give their two parts as columns, or leave it out")
    if kind == "V":
        raise DataError(f"{where} holds records; give each of their fields as a column")
    if kind == "m":
        raise DataError(
            f"{where} holds lengths of time; give them as numbers, such as hours: "
            "values / numpy.timedelta64(1, 'h')"
        )
    if isinstance(values, np.ma.MaskedArray) or kind in "OUST":
        return values.tolist()
    if kind == "M":
        return _microseconds(values, where)
    if kind == "f" and values.dtype.itemsize not in (4, 8):  # half and extended precision
        with np.errstate(over="ignore"):  # an infinity is named where the column is understood
            return values.astype(np.float32 if values.dtype.itemsize == 2 else np.float64)
    return values.astype(values.dtype.newbyteorder("="), copy=False)


def _microseconds(values: NDArray[Any], where: str) -> NDArray[Any]:
    """Dates of any unit; finer than a microsecond is cut off."""
    if np.datetime_data(values.dtype)[0] == "D":
        return values
    converted = values.astype("datetime64[us]")
    years = values.astype("datetime64[Y]")
    odd = (converted.astype("datetime64[Y]") != years) & ~np.isnat(values)
    if odd.any():
        raise DataError(f"{where}, row {int(odd.argmax()) + 1:,}: the year is out of range")
    return converted


def _plain(value: Any) -> Any:
    """One value of a list as Python has it; None for NaN and for pandas' marks of a missing value."""
    if isinstance(value, np.datetime64 | np.timedelta64):
        unit = "datetime64[us]" if isinstance(value, np.datetime64) else "timedelta64[us]"
        return value.astype(unit).item()
    if isinstance(value, np.floating):
        value = float(value)
    elif isinstance(value, np.generic):
        return value.item()
    if isinstance(value, float) and value != value:  # NaN marks a missing text, too
        return None
    return None if type(value).__name__ in _NO_VALUE else value
