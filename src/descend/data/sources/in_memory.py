"""Tables and images that are already in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from descend.data.dataset import Dataset
from descend.data.table import Table
from descend.errors import DataError

_NAME = "the given table"


def table_of(data: Any) -> Table:
    """A polars or pandas frame, a dict of columns, or a list of dict rows as a table.

    Raises DataError for anything else, for columns of unequal length and for columns of mixed types.
    """
    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.DataFrame):
        return _checked(data)
    if type(data).__module__.split(".")[0] == "pandas" and hasattr(data, "columns"):
        return _checked(_frame({str(name): _from_pandas(data[name]) for name in data.columns}))
    if isinstance(data, Mapping):
        return _checked(_frame({str(name): values for name, values in data.items()}))
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        names = list(dict.fromkeys(name for row in data for name in row))
        return _checked(_frame({str(name): [row.get(name) for row in data] for name in names}))
    raise DataError(
        f"a table is a path, a frame, a dict of columns or a list of dict rows, not {type(data).__name__}"
    )


def table_of_pair(pair: tuple[Any, ...], target: str) -> Table:
    """(X, y) as a table: X (n, columns) named x1, x2, … or a frame with its own names, y (n,)."""
    features, labels = _pair(pair)
    if isinstance(features, Mapping | pl.DataFrame) or hasattr(features, "columns"):
        frame = table_of(features).frame
    else:
        array = np.asarray(features)
        if array.ndim != 2:
            raise DataError(f"X must have shape (rows, columns), not {array.shape}")
        frame = _frame({f"x{place + 1}": array[:, place] for place in range(array.shape[1])})
    if target in frame.columns:
        raise DataError(f"X has a column {target!r} already; give y another name by target")
    series = _series(target, _from_pandas(labels) if hasattr(labels, "isna") else labels)
    if len(series) != frame.height:
        raise DataError(f"X has {frame.height:,} rows and y has {len(series):,}")
    return _checked(frame.with_columns(series))


def is_image_pair(pair: tuple[Any, ...]) -> bool:
    """Whether X of (X, y) is 8-bit images: uint8 of shape (n, height, width[, channels])."""
    return (
        len(pair) == 2 and isinstance(pair[0], np.ndarray) and pair[0].dtype == np.uint8 and pair[0].ndim > 2
    )


def images_of_pair(pair: tuple[Any, ...]) -> Dataset:
    """(X, y) as images; X (n, height, width) or (n, height, width, 1 or 3) uint8, y (n,)."""
    array, labels = _pair(pair)
    shape = (*array.shape[1:], 1)[:3] if array.ndim in (3, 4) else ()
    if len(shape) != 3 or shape[2] not in (1, 3) or not array.size:
        raise DataError(
            f"images must have shape (n, height, width) or (n, height, width, 3), not {array.shape}"
        )
    series = _series("label", labels)
    if len(series) != len(array):
        raise DataError(f"X has {len(array):,} images and y has {len(series):,} labels")
    labelled = Table(series.to_frame(), "the given images").column("label")
    return Dataset(
        "the given images",
        target="label",
        labels=labelled,
        images=np.ascontiguousarray(array).reshape(len(array), -1),
        image_shape=(int(shape[0]), int(shape[1]), int(shape[2])),
    )


def _pair(pair: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(pair) != 2:
        raise DataError(f"arrays come as a pair (X, y), not as {len(pair)} values")
    return pair[0], pair[1]


def _frame(columns: dict[str, Any]) -> pl.DataFrame:
    series = [_series(name, values) for name, values in columns.items()]
    lengths = {each.name: len(each) for each in series}
    if len(set(lengths.values())) > 1:
        first, length = series[0].name, len(series[0])
        other, found = next((name, rows) for name, rows in lengths.items() if rows != length)
        raise DataError(f"{_NAME}: column {first!r} has {length:,} rows and {other!r} has {found:,}")
    return pl.DataFrame({each.name: each for each in series})  # of a list, the name '' would be lost


def _series(name: str, values: Any) -> pl.Series:
    if isinstance(values, pl.Series):
        return values.alias(name)
    if isinstance(values, np.ndarray):
        if values.ndim != 1:
            raise DataError(f"{_NAME}, column {name!r} must have shape (rows,), not {values.shape}")
        if values.dtype.kind in "OUS":
            values = values.tolist()
        elif values.dtype == np.float16:
            values = values.astype(np.float32)
    if not isinstance(values, np.ndarray | list | tuple | range):
        raise DataError(f"{_NAME}, column {name!r} must be a list or an array, not {type(values).__name__}")
    if isinstance(values, list | tuple):
        values = [each.item() if isinstance(each, np.generic) else each for each in values]
        if any(isinstance(each, float) for each in values):  # NaN marks a missing text too
            values = [None if each != each else each for each in values]
    try:
        return pl.Series(name, values, strict=True)
    except (TypeError, OverflowError, pl.exceptions.PolarsError) as error:
        kinds = sorted({type(each).__name__ for each in values if each is not None})
        if kinds == ["float", "int"]:
            return pl.Series(name, [None if each is None else float(each) for each in values])
        if kinds == ["int"] and all(each is None or abs(each) < 2**127 for each in values):
            return pl.Series(name, values, dtype=pl.Int128)
        reason = f"mixes {' and '.join(kinds)}; give one type" if len(kinds) > 1 else f"is no column: {error}"
        raise DataError(f"{_NAME}, column {name!r} {reason}") from error


def _from_pandas(series: Any) -> Any:
    """A pandas column as an array, or as a list with None for missing; pandas itself is not imported."""
    if getattr(series.dtype, "kind", "O") in "biuf" and isinstance(series.dtype, np.dtype):
        return series.to_numpy()
    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "M":
        return series.to_numpy().astype("datetime64[us]")
    present = series.notna().tolist()
    return [value if known else None for value, known in zip(series.tolist(), present, strict=True)]


def _checked(frame: pl.DataFrame) -> Table:
    if not frame.width:
        raise DataError(f"{_NAME} has no columns")
    if not frame.height:
        raise DataError(f"{_NAME} has no rows")
    return Table(frame, _NAME)
