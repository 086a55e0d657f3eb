"""Class labels as JSON and back, exactly and in their own type."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import ModelFileError


def classes_to_json(classes: NDArray[Any]) -> dict[str, Any]:
    """``{"dtype": "int64", "values": [...]}``; ``object`` for strings and for integers beyond 64 bits."""
    return {"dtype": str(classes.dtype), "values": classes.tolist()}


def classes_from_json(described: dict[str, Any]) -> NDArray[Any]:
    """The labels, (classes,). Raises ModelFileError for a type that labels cannot have."""
    dtype = np.dtype(described["dtype"])
    if dtype.kind not in "biufUO":
        raise ModelFileError(f"class labels of type {dtype} cannot be read")
    return np.array(described["values"], dtype)
