"""A safetensors file's bytes: equal tensors and texts give equal bytes, whatever order they come in.

The file is the header's length (8 bytes, little-endian), the header (JSON, filled with blanks to a multiple
of 8) and the tensors one after the other. The safetensors library writes the same, with the texts in an
order that changes from run to run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

_ALIGNMENT = 8
_TYPES = {"float64": "F64", "float32": "F32"}


def to_bytes(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> bytes:
    """The whole file.

    tensors : float32 or float64, by name; the wider type comes first, then by name.
    metadata : texts of the header; None for none.
    """
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(sorted(metadata.items()))}
    parts: list[bytes] = []
    end = 0
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        part = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        start, end = end, end + len(part)
        shape = list(array.shape)
        header[name] = {"dtype": _TYPES[array.dtype.name], "shape": shape, "data_offsets": [start, end]}
        parts.append(part)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return b"".join((len(text).to_bytes(8, "little"), text, *parts))
