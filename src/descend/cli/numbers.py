"""Numbers as people read them."""

from __future__ import annotations

import math

_DIGITS = 4


def plain(value: float | None, unit: str = "") -> str:
    """Four significant digits, thousands separated, ``unit`` in front; ``–`` for None."""
    if value is None:
        return "–"
    if value < 0 and unit:
        return f"-{plain(-value, unit)}"
    return unit + _digits(value)


def _digits(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size >= 9 or size < -4:
        return f"{value:.{_DIGITS - 1}e}"
    return f"{value:,.{max(0, _DIGITS - 1 - size)}f}"


def percent(value: float) -> str:
    """A share as percent with one decimal."""
    return f"{100 * value:.1f} %"


def seconds(value: float) -> str:
    """``0.42 s``, ``3 min 05 s``."""
    if value < 60:
        return f"{value:.2f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s"
