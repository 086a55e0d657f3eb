"""Descriptions from a model file, checked before anything is built from them."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any


def checked_fields(kind: type, described: dict[str, Any]) -> dict[str, Any]:
    """Arguments for a dataclass of plain values: JSON lists as tuples, every value of its field's type.

    A field may also hold an object whose class its type names, alone or as ``… | None``.

    Raises TypeError naming the field that is missing, unknown or of another type.
    """
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in described.items()}
    types = {field.name: str(field.type) for field in fields(kind)}
    for name, value in values.items():
        if name not in types:
            raise TypeError(f"unknown field {name!r}")
        if not _fits(value, types[name]):
            raise TypeError(f"field {name!r} holds {str(value)[:40]!r}, not {types[name]}")
    return values


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond float64
        return False


def _fits(value: Any, wanted: str) -> bool:
    if wanted.startswith("tuple["):
        inner = wanted.removeprefix("tuple[").removesuffix(", ...]")
        return isinstance(value, tuple) and all(_fits(each, inner) for each in value)
    if wanted == "float":
        return isinstance(value, float | int) and not isinstance(value, bool) and _is_finite(value)
    if wanted == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    if wanted == "bool":
        return isinstance(value, bool)
    if wanted.endswith("| None") and value is None:
        return True
    return type(value).__name__ == wanted.removesuffix(" | None")
