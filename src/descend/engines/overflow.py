"""Rows whose output is beyond the floating-point type: they have no answer."""

from __future__ import annotations

import numpy as np

from descend.engines.finite import all_finite
from descend.engines.protocol import Array, Program, Rows


def row_beyond(program: Program, x: Rows, scale: float, output: Array, inverse_link: bool) -> int | None:
    """The first row whose output (n, outputs) is NaN or infinite, or None.

    output : what ``program.output`` gave for x, scale and inverse_link. Behind an inverse link infinity looks
        finite, as 0 or 1 (probabilities) or 0 (expected counts); of such rows the output before it is
        computed again.
    """
    row = first_row_beyond(output)
    if not inverse_link:
        return row
    edges = np.flatnonzero(((output == 0) | (output == 1)).any(axis=1))
    if not len(edges):
        return row
    before = first_row_beyond(program.output(x[edges], scale))
    found = [row, None if before is None else int(edges[before])]
    return min((each for each in found if each is not None), default=None)


def first_row_beyond(values: Array) -> int | None:
    """The first row of C-contiguous (n, outputs) that holds NaN or infinity, or None."""
    if all_finite(values):
        return None
    return int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
