"""The caller's arrays, checked and turned into what an engine takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descend.engines.given import as_array, not_finite
from descend.engines.protocol import Inputs, Rows
from descend.engines.scale import scaled
from descend.engines.sparse import as_csr, is_sparse
from descend.errors import DataError, OptionError
from descend.networks import BinaryCrossEntropy, CrossEntropy, Network, Poisson

Array = NDArray[Any]
_DTYPES = ("float32", "float64", np.float32, np.float64)


def as_inputs(
    network: Network, X: Any, y: ArrayLike, weight: ArrayLike | None, dtype: str,
    classes: Array | None, what: str, scale: float = 1.0,
) -> Inputs:  # fmt: skip
    """Features, targets and weights in the engine's types.

    scale : what every value of X is multiplied by.
    classes : labels in class order, from ``find_classes``; None for regression and for several yes/no
        columns.  what : how messages call these rows, ``"training"`` or ``"validation"``.

    Raises
    ------
    DataError : shapes that do not fit, values that are not finite, labels outside the classes.
    """
    x = features(X, dtype, what, scale)
    rows = x.shape[0]
    if rows == 0:
        raise DataError(f"{what} data has no rows")
    given = _labels(y)
    if given.ndim == 0 or len(given) != rows:
        raise DataError(f"{what} X has {rows} rows but y has shape {given.shape}")
    return Inputs(
        x,
        _targets(network, given, dtype, classes, what),
        None if weight is None else _weights(weight, rows, dtype, what),
        scale if x.dtype == np.uint8 else 1.0,
    )


def features(X: Any, dtype: str, what: str, scale: float = 1.0) -> Rows:
    """(n, inputs), sparse as canonical CSR, else C-contiguous.

    Dense uint8 as it is, which the engines multiply by ``scale`` themselves; anything else in ``dtype``, and
    multiplied.
    """
    if is_sparse(X):
        return as_csr(X, dtype, f"{what} X", scale)
    x = as_array(X, f"{what} X")
    if x.ndim != 2:
        remedy = "; use X.reshape(len(X), -1)" if x.ndim > 2 else "; use X.reshape(-1, 1) for one column"
        raise DataError(f"{what} X must have two dimensions (rows, inputs), not shape {x.shape}{remedy}")
    if x.dtype.kind not in "biuf":
        raise DataError(f"{what} X must hold numbers, not {x.dtype}")
    if x.shape[1] == 0:
        raise DataError(f"{what} X has no columns")
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    with np.errstate(over="ignore"):  # found below, with its place
        own = scaled(np.ascontiguousarray(x, dtype), scale)
    _check_finite(own, f"{what} X", x, scale)
    return own


def find_classes(network: Network, y: ArrayLike) -> Array | None:
    """The labels in class order, (classes,), or None where the network predicts numbers or yes/no columns.

    Whole numbers from 0 to outputs − 1 are the classes themselves, even where some do not occur.

    Raises
    ------
    DataError : more or fewer labels than the network has classes.
    """
    labels = _labels(y)
    if not network.classifies or (isinstance(network.loss, BinaryCrossEntropy) and network.outputs > 1):
        return None
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise DataError(f"class labels must have one dimension, not shape {labels.shape}")
    count = network.outputs if isinstance(network.loss, CrossEntropy) else 2
    if labels.dtype.kind == "f":
        _check_finite(labels[:, None], "y")
    if labels.dtype.kind in "iu" and labels.size and labels.min() >= 0 and labels.max() < count:
        return np.arange(count, dtype=labels.dtype)
    found = np.unique(labels)
    if len(found) != count:
        raise DataError(f"y has {len(found)} different labels but the network has {count} classes")
    return found


def _targets(network: Network, y: Array, dtype: str, classes: Array | None, what: str) -> Array:
    if classes is not None:
        labels = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        if labels.ndim != 1:
            raise DataError(f"{what} y must be one label a row, not shape {y.shape}")
        numbers = _class_numbers(labels, classes, what)
        if isinstance(network.loss, CrossEntropy):
            return numbers
        return numbers.astype(dtype)[:, None]
    if y.dtype.kind not in "biuf":
        raise DataError(f"{what} y must hold numbers, not {y.dtype}")
    columns = y[:, None] if y.ndim == 1 else y
    if columns.ndim != 2 or columns.shape[1] != network.outputs:
        raise DataError(f"{what} y has shape {y.shape} but the network has {network.outputs} outputs")
    with np.errstate(over="ignore"):
        targets = np.ascontiguousarray(columns, dtype)
    _check_finite(targets, f"{what} y")
    if isinstance(network.loss, Poisson) and targets.min() < 0:
        row, column = np.argwhere(targets < 0)[0]
        raise DataError(
            f"{what} y holds {targets[row, column]} in row {row}, column {column}: "
            "the Poisson loss takes counts of at least 0"
        )
    if network.classifies and not np.isin(targets, (0, 1)).all():
        raise DataError(f"{what} y must be 0 or 1 in every column for BinaryCrossEntropy")
    return targets


def _class_numbers(y: Array, classes: Array, what: str) -> NDArray[np.int64]:
    try:
        places = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
        wrong = np.flatnonzero(classes[places] != y)
    except TypeError:
        raise DataError(f"{what} labels are {y.dtype}, the classes are {classes.dtype}") from None
    if len(wrong):
        row = wrong[0]
        raise DataError(
            f"{what} label {y[row]!s} in row {row} is none of the {len(classes)} classes "
            f"({', '.join(map(str, classes[:10]))}{', …' if len(classes) > 10 else ''})"
        )
    return places.astype(np.int64)


def _labels(y: ArrayLike) -> Array:
    """y as an array; Python objects become the one type they all have, integers of any size included.

    Raises DataError where they are of several kinds, or of one that labels cannot have.
    """
    values = as_array(y, "y")
    if values.dtype.kind in "biufU":
        return values
    if values.dtype.kind == "O":
        kinds = {type(value) for value in values.ravel().tolist()}
        if kinds <= {str}:
            return values
        if kinds <= {int} or kinds <= {bool} or kinds <= {float, int}:
            plain = np.asarray(values.tolist())
            return plain if plain.dtype.kind in "biuf" and kinds != {float, int} else _exact(values)
        raise DataError(
            "y must hold strings, whole numbers, booleans or numbers, all of one kind, not "
            + " and ".join(sorted(kind.__name__ for kind in kinds))
        )
    raise DataError(f"y must hold labels or numbers, not {values.dtype}")


def _exact(values: Array) -> Array:
    """Integers beyond 64 bits stay Python integers; any float among numbers makes all of them float64."""
    if all(isinstance(value, int) for value in values.ravel().tolist()):
        return values
    return values.astype(np.float64)


def _weights(weight: ArrayLike, rows: int, dtype: str, what: str) -> Array:
    values = np.asarray(weight)
    if values.shape != (rows,) or values.dtype.kind not in "biuf":
        raise DataError(f"{what} sample_weight must be {rows} numbers, not {values.dtype} {values.shape}")
    with np.errstate(over="ignore", under="ignore"):
        values = np.ascontiguousarray(values, dtype)
        total = values.sum()
    if not np.isfinite(total) or (values < 0).any():
        raise DataError(f"{what} sample_weight must be finite, at least 0, and of a finite sum in {dtype}")
    if total == 0:
        raise DataError(f"{what} sample_weight is 0 in every row (in {dtype})")
    return values


def _check_finite(
    values: Array, name: str, given: Array | None = None, scale: float = 1.0, rows_at_once: int = 65536
) -> None:
    """Raises DataError for the first value that is NaN or infinite, as it was ``given``."""
    for start in range(0, len(values), rows_at_once):
        bad = ~np.isfinite(values[start : start + rows_at_once])
        if bad.any():
            row, column = (int(place) for place in np.argwhere(bad)[0])
            row += start
            found = (values if given is None else given)[row, column]
            raise not_finite(name, found, row, column, values.dtype, scale)


def check_dtype(dtype: str) -> str:
    """The name itself. Raises OptionError unless float32 or float64."""
    name = str(np.dtype(dtype)) if isinstance(dtype, str | type) and dtype in _DTYPES else ""
    if not name:
        raise OptionError(f"dtype must be float32 or float64, not {dtype!r}")
    return name
