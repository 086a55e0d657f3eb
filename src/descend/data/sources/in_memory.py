"""Tables and images that are already in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.dataset import Dataset
from descend.data.names import column_names
from descend.data.sources.values import series_of
from descend.data.table import Table
from descend.errors import DataError

_NAME = "the given table"


def table_of(data: Any) -> Table:
    """A polars or pandas frame, a dict of columns, or a list of dict rows as a table.

    Raises DataError for anything else, for two columns of one name (1 and '1' are one), for columns of
    unequal length, and for values that are no column.
    """
    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.DataFrame):
        return _table(zip(data.columns, data.get_columns(), strict=True))
    if type(data).__module__.split(".")[0] == "pandas" and hasattr(data, "columns"):
        return _table((name, data.iloc[:, place]) for place, name in enumerate(data.columns))
    if isinstance(data, Mapping):
        return _table(data.items())
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(name for row in data for name in row)
        return _table((name, [row.get(name) for row in data]) for name in names)
    hint = "; arrays to learn from come as a pair (X, y)" if isinstance(data, np.ndarray | list) else ""
    raise DataError(
        "a table is a path, a frame, a dict of columns or a list of dict rows, "
        f"not {type(data).__name__}{hint}"
    )


def table_of_pair(pair: tuple[Any, ...], target: str) -> Table:
    """(X, y) as a table: X (n, columns) named x1, x2, … or a frame with its own names, y (n,) or (n, 1)."""
    features, labels = _pair(pair)
    table = table_of(features) if _has_names(features) else _table_of_array(features)
    if target in table.frame.columns:
        raise DataError(f"X has a column {target!r} already; give y another name by target")
    series = _labels(labels, target)
    if len(series) != table.rows:
        raise DataError(f"X has {table.rows:,} rows and y has {len(series):,}")
    columns = {name: table.frame.get_column(name) for name in table.frame.columns}
    chosen = table.categories | ({target} if _is_category(labels) else frozenset())
    return Table(pl.DataFrame({**columns, target: series}), _NAME, categories=chosen)


def is_image_pair(pair: tuple[Any, ...]) -> bool:
    """Whether X of (X, y) is 8-bit images: uint8 of shape (n, height, width[, channels])."""
    if len(pair) != 2 or _has_names(pair[0]) or not _is_deep(pair[0]):
        return False
    return _array(pair[0]).dtype == np.uint8


def images_of_pair(pair: tuple[Any, ...]) -> Dataset:
    """(X, y) as images; X (n, height, width) or (n, height, width, 1 or 3) uint8, y (n,) or (n, 1)."""
    features, labels = _pair(pair)
    array = _array(features)
    shape = (*array.shape[1:], 1)[:3] if array.ndim in (3, 4) else ()
    if len(shape) != 3 or shape[2] not in (1, 3) or not array.size:
        raise DataError(
            f"images must have shape (n, height, width) or (n, height, width, 3), not {array.shape}"
        )
    series = _labels(labels, "label")
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


def _table(columns: Iterable[tuple[Any, Any]]) -> Table:
    """Names and values as a table; one of no rows or no columns is refused."""
    labels, values = zip(*columns, strict=True) if (columns := list(columns)) else ((), ())
    if not labels:
        raise DataError(f"{_NAME} has no columns")
    names = column_names(labels, _NAME)
    series = {
        name: series_of(each, name, f"{_NAME}, column {name!r}")
        for name, each in zip(names, values, strict=True)
    }
    lengths = {name: len(each) for name, each in series.items()}
    if len(set(lengths.values())) > 1:
        other, found = next((name, rows) for name, rows in lengths.items() if rows != lengths[names[0]])
        raise DataError(
            f"{_NAME}: column {names[0]!r} has {lengths[names[0]]:,} rows and {other!r} has {found:,}"
        )
    if not lengths[names[0]]:
        raise DataError(f"{_NAME} has no rows")
    chosen = frozenset(name for name, each in zip(names, values, strict=True) if _is_category(each))
    return Table(pl.DataFrame(series), _NAME, categories=chosen)


def _table_of_array(features: Any) -> Table:
    if hasattr(features, "tocsr"):
        raise DataError(
            "X is a sparse table, which has no columns to understand: give X.toarray(), or train a network "
            "on it with descend.train"
        )
    array = _array(features)
    if array.ndim in (3, 4):
        raise DataError(
            f"X of shape {array.shape} is taken for images, which must be uint8 from 0 to 255, not "
            f"{array.dtype}; where 1 is white, give (255 * X).round().astype('uint8')"
        )
    if array.ndim != 2:
        hint = "; one column is X.reshape(-1, 1)" if array.ndim == 1 else ""
        raise DataError(f"X must have shape (rows, columns), not {array.shape}{hint}")
    return _table((f"x{place + 1}", array[:, place]) for place in range(array.shape[1]))


def _labels(labels: Any, name: str) -> pl.Series:
    """y as a column: of a frame its only one."""
    if hasattr(labels, "columns") and hasattr(labels, "shape"):
        table = table_of(labels)
        if table.frame.width != 1:
            raise DataError(f"y must be one column, not {table.frame.width}")
        return table.frame.to_series().alias(name)
    return series_of(labels, name, f"y (the target {name!r})")


def _is_category(values: Any) -> bool:
    """Whether the user made a column a category, whatever it holds; of a frame, its only column."""
    if isinstance(values, pl.Series):
        return isinstance(values.dtype, pl.Categorical | pl.Enum)
    if hasattr(values, "iloc") and hasattr(values, "columns"):
        values = values.iloc[:, 0]
    return str(getattr(values, "dtype", "")) == "category"


def _has_names(features: Any) -> bool:
    return isinstance(features, Mapping | pl.DataFrame | pl.LazyFrame) or hasattr(features, "columns")


def _is_deep(features: Any) -> bool:
    """Whether X has more than two dimensions, told without looking at all of it."""
    if isinstance(features, list | tuple):
        return bool(features) and np.ndim(features[0]) > 1
    return len(getattr(features, "shape", ())) > 2


def _array(features: Any) -> NDArray[Any]:
    """An array, a tensor or nested lists as an array. Raises DataError for what is none."""
    try:
        return np.asarray(features)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"X cannot be read as an array: {error}") from error


def _pair(pair: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(pair) != 2:
        raise DataError(f"arrays come as a pair (X, y), not as {len(pair)} values")
    return pair[0], pair[1]
