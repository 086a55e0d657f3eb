"""Rows of a table as dense float64, whether they lie dense or compressed (CSR)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def dense_rows(x: Any, part: slice, scale: float) -> NDArray[np.float64]:
    """x[part] (rows, p); uint8 values times ``scale``."""
    rows = x[part]
    if not isinstance(rows, np.ndarray):
        rows = rows.toarray()
    widened = rows.astype(np.float64, copy=False)
    return widened * scale if x.dtype == np.uint8 else widened
