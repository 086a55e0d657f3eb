"""Facts about a model's making, as its file keeps them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from descend.errors import OptionError


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**64


def _are_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


# What a fit on a table or on images writes, and how ``evaluate`` finds the same rows again.
_OF_A_FIT: dict[str, Callable[[Any], bool]] = {
    "task": lambda value: value in ("regression", "classification"),
    "table": _is_text,
    "target": _is_text,
    "ignore": _are_texts,
    "unit": _is_text,
    "rows": _is_count,
    "seed": _is_count,
    "fingerprint": lambda value: isinstance(value, str) and bool(re.fullmatch("[0-9a-f]{64}", value)),
    "versions": lambda value: isinstance(value, dict) and _are_texts([*value, *value.values()]),
}


def check_about(about: Mapping[str, Any]) -> None:
    """Raises OptionError where there is a table's fingerprint and not what a fit writes beside it.

    Other facts may be anything that JSON can hold.
    """
    if "fingerprint" not in about:
        return
    for name, fits in _OF_A_FIT.items():
        if name not in about:
            raise OptionError(f"the facts about the fit lack {name!r}")
        if not fits(about[name]):
            raise OptionError(f"{name!r} among the facts about the fit is {str(about[name])[:40]!r}")
