"""Mean and covariance of rows, read in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.engines.protocol import Inputs
from descend.engines.sparse import widened

_ROWS_AT_ONCE = 2048  # products are taken in x's type and added up in float64
_FEWEST_SAMPLED, _SAMPLED_PER_COLUMN = 4096, 16
_SHRINKAGE = 0.02  # of correlations that come from a sample

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Moments:
    """Weighted mean (inputs,) and covariance (inputs, inputs) of x · scale, and their relative rounding."""

    mean: Vector
    covariance: Vector
    rounding: float


def moments(inputs: Inputs, centred: bool) -> Moments:
    """Moments of the rows; where not ``centred`` the mean is 0 and the covariance about 0.

    The diagonal is that of all rows;
    a long table's correlations are those of every k-th row, at least 16 times as many rows as columns, moved
    towards 0 by a fiftieth. 8-bit rows are multiplied in float32.
    """
    kind: np.dtype[Any] = np.dtype(np.float64 if inputs.x.dtype == np.float64 else np.float32)
    rows, columns = inputs.x.shape
    rounding = columns * float(np.finfo(kind).eps)
    shift: NDArray[Any] = np.zeros(columns, kind)
    if centred:  # by anything near the mean, so that a large mean costs no digits
        shift = widened(inputs.x[:_ROWS_AT_ONCE]).mean(axis=0, dtype=np.float64).astype(kind)
    total, first, squares = 0.0, np.zeros(columns), np.zeros(columns)
    for block, weight in _blocks(inputs, shift, 1):
        total += float(weight.sum(dtype=np.float64))
        first += weight @ block
        block *= np.sqrt(weight)[:, None]
        squares += np.einsum("ij,ij->j", block, block)
    if total == 0:
        return Moments(np.zeros(columns), np.zeros((columns, columns)), rounding)
    offset = first / total if centred else np.zeros(columns)
    deviation = np.sqrt(np.maximum(squares / total - offset**2, 0.0))
    every = max(1, rows // max(_FEWEST_SAMPLED, _SAMPLED_PER_COLUMN * columns))
    correlation = _correlation(inputs, (shift + offset).astype(kind), every)
    if every > 1:
        correlation *= 1 - _SHRINKAGE
        np.fill_diagonal(correlation, 1.0)
    scale = abs(inputs.scale) * deviation
    return Moments(inputs.scale * (shift + offset), correlation * np.outer(scale, scale), rounding)


def _correlation(inputs: Inputs, mean: NDArray[Any], every: int) -> Vector:
    """Correlations about ``mean`` over every so many rows; 0 where a column does not vary there."""
    columns = inputs.x.shape[1]
    second = np.zeros((columns, columns))
    for block, weight in _blocks(inputs, mean, every):
        block *= np.sqrt(weight)[:, None]
        second += block.T @ block
    deviation = np.sqrt(np.diag(second))
    inverse = np.divide(1.0, deviation, out=np.zeros(columns), where=deviation > 0)
    correlation = second * np.outer(inverse, inverse)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _blocks(inputs: Inputs, shift: NDArray[Any], every: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Blocks of x − shift, new arrays in shift's type, with the rows' weights."""
    for start in range(0, inputs.rows, every * _ROWS_AT_ONCE):
        part = slice(start, start + every * _ROWS_AT_ONCE, every)
        block = np.subtract(widened(inputs.x[part]), shift, dtype=shift.dtype)
        if inputs.weight is None:
            yield block, np.ones(len(block), shift.dtype)
        else:
            yield block, np.asarray(inputs.weight[part], shift.dtype)
