"""Callbacks of a fit, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


def told(callbacks: Iterable[Callable[[Any], Any]], news: Any) -> bool:
    """Tells each, whatever the others say; whether one of them answers True, Python's or NumPy's.

    Other answers mean nothing: a callback may return what it likes, such as the loss it noted.
    """
    answers = [callback(news) for callback in callbacks]
    return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)
