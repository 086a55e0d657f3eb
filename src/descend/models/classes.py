"""Class labels: which there can be, and how a model file keeps them, exactly and in their own type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import ModelFileError, OptionError

_TEXT = "str"
_OBJECT = "object"  # text, or whole numbers beyond 64 bits
_KINDS = {"b": bool, "i": int, "u": int, "f": float}
_NUMBERS = {
    str(np.dtype(kind)): np.dtype(kind)
    for kind in (np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64,
                 np.float16, np.float32, np.float64)
}  # fmt: skip
_MOST_BYTES = 1 << 30  # of text, which takes as much for every label as for the longest


def checked_classes(classes: Any) -> NDArray[Any]:
    """Labels in class order, (classes,), in the machine's byte order; text no wider than the longest.

    Raises
    ------
    OptionError : not one dimension, a type that labels cannot have, or a label that comes twice.
    """
    labels = np.asarray(classes)
    if labels.ndim != 1:
        raise OptionError(f"classes must have one dimension, not shape {labels.shape}")
    values = labels.tolist()
    if labels.dtype.kind == "U":
        labels = np.array(values, np.str_)
    elif labels.dtype.kind == "O":
        if not (_all(values, str) or _all(values, int)):
            raise OptionError("classes of Python objects must all be text, or all whole numbers")
    elif labels.dtype.name not in _NUMBERS:
        raise OptionError(f"classes must be text, numbers or booleans, not {labels.dtype}")
    else:
        labels = labels.astype(labels.dtype.newbyteorder("="), copy=False)
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise OptionError("classes must be finite numbers")
    if len(set(values)) != len(values):
        raise OptionError("a class comes twice")
    return labels


def classes_to_json(classes: NDArray[Any]) -> dict[str, Any]:
    """``{"dtype": "int64", "values": [...]}``; the type is ``str`` for text, or ``object``."""
    return {"dtype": _TEXT if classes.dtype.kind == "U" else str(classes.dtype), "values": classes.tolist()}


def classes_from_json(described: dict[str, Any], count: int) -> NDArray[Any]:
    """The ``count`` labels, (classes,). Raises ModelFileError for what ``classes_to_json`` does not write."""
    kind, values = described["dtype"], described["values"]
    if not isinstance(values, list) or len(values) != count:
        raise ModelFileError(f"its class labels are not {count} in a list")
    if kind in (_TEXT, _OBJECT):
        if not (_all(values, str) or (kind == _OBJECT and _all(values, int))):
            raise ModelFileError("its class labels are of several types")
        if kind == _OBJECT:
            return np.array(values, object)
        if 4 * count * max(len(value) for value in values) > _MOST_BYTES:
            raise ModelFileError("its class labels are too long to be held")
        return np.array(values, np.str_)
    if not isinstance(kind, str) or kind not in _NUMBERS:
        raise ModelFileError(f"class labels of type {str(kind)[:40]!r} cannot be read")
    dtype = _NUMBERS[kind]
    if not _all(values, _KINDS[dtype.kind]):
        raise ModelFileError(f"its class labels are not all {kind}")
    labels = np.array(values, dtype)
    if labels.tolist() != values:
        raise ModelFileError(f"its class labels do not fit {kind}")
    return labels


def _all(values: list[Any], kind: type) -> bool:
    return all(type(value) is kind for value in values)
