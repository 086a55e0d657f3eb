"""The rows of a linear model as its solvers see them: float64, centred, of unit size, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Doubles = NDArray[np.float64]
_ROWS = 2048
_MOST_KEPT = 1 << 23  # numbers of a table that is kept ready, 64 MiB; a larger one is made again in each pass


class Design:
    """A = [(x − shift) / scale, 1] of n rows; the last column is there with an intercept only.

    Shifts are near the columns' means (0 without an intercept, and for CSR, which stays sparse); scales are
    powers of two near their root mean square. So no product overflows, and a column's unit or a large mean
    costs no digits.

    Parameters
    ----------
    x : (n, p) float64 or float32, dense or CSR, finite.
    """

    def __init__(self, x: Any, intercept: bool) -> None:
        self._x, self.intercept = x, intercept
        self.rows, self.inputs = x.shape
        self.width = self.inputs + intercept
        self._sparse = bool(sparse.issparse(x))
        self.shift, self.scale = _sparse_scaling(x) if self._sparse else _scaling(x, intercept)
        self._kept: Any = None
        if self._sparse:
            scaled = sparse.csr_array(x, dtype=np.float64) @ sparse.diags_array(1 / self.scale)
            ones = [sparse.csr_array(np.ones((self.rows, 1)))] if intercept else []
            self._kept = sparse.csr_array(sparse.hstack([scaled, *ones]))
        elif self.rows * self.width <= _MOST_KEPT:
            self._kept = self._made(slice(None))

    @property
    def keeps_rows(self) -> bool:
        """Whether all rows lie ready, dense."""
        return self._kept is not None and not self._sparse

    def kept_rows(self, kind: type[np.floating[Any]]) -> NDArray[Any]:
        """A, (n, width), of a design that keeps its rows: the array itself, or its float32 copy."""
        return self._narrow if kind is np.float32 else self._kept

    @cached_property
    def _narrow(self) -> NDArray[np.float32]:
        return np.asarray(self._kept, np.float32)

    @cached_property
    def squared_lengths(self) -> Doubles:
        """Of the rows of A, (n,), of a design that keeps them."""
        return np.asarray(np.einsum("ij,ij->i", self._kept, self._kept))

    def dot(self, coefficients: Doubles) -> Doubles:
        """A · coefficients, (width, k) to (n, k)."""
        if self._kept is not None:
            return np.asarray(self._kept @ coefficients)
        return np.concatenate([block @ coefficients for _, block in self.blocks()])

    def transposed_dot(self, values: Doubles) -> Doubles:
        """Aᵀ · values, (n, k) to (width, k)."""
        if self._kept is not None:
            return np.asarray(self._kept.T @ values)
        total = np.zeros((self.width, values.shape[1]))
        for part, block in self.blocks():
            total += block.T @ values[part]
        return total

    def squares_dot(self, values: Doubles) -> Doubles:
        """(A ∘ A)ᵀ · values, (n, k) to (width, k)."""
        if self._sparse:
            return np.asarray(self._kept.power(2).T @ values)
        total = np.zeros((self.width, values.shape[1]))
        for part, block in self.blocks():
            total += (block * block).T @ values[part]
        return total

    def blocks(self, columns: NDArray[np.intp] | None = None) -> Iterator[tuple[slice, Doubles]]:
        """Dense blocks of rows of A, or of some of its columns, with their place."""
        for first in range(0, self.rows, _ROWS):
            part = slice(first, min(first + _ROWS, self.rows))
            block: Any = self._made(part) if self._kept is None else self._kept[part]
            if columns is not None:
                block = block[:, columns]
            yield part, np.asarray(block.todense() if self._sparse else block)

    def scaled(self, weight: Doubles, bias: Doubles) -> Doubles:
        """(width, k) coefficients of A, from a weight (p, k) and bias (k,) of x."""
        found = weight * self.scale[:, None]
        return np.vstack([found, bias + self.shift @ weight]) if self.intercept else found

    def original(self, coefficients: Doubles) -> tuple[Doubles, Doubles]:
        """The weight (p, k) and bias (k,) of x that ``coefficients`` stand for."""
        weight = coefficients[: self.inputs] / self.scale[:, None]
        if not self.intercept:
            return weight, np.zeros(weight.shape[1])
        return weight, coefficients[-1] - self.shift @ weight

    def original_gradient(self, gradient: Doubles) -> Doubles:
        """The gradient by weight and bias of x, (width, k), from the one by the coefficients of A."""
        with np.errstate(over="ignore"):
            own = gradient[: self.inputs] * self.scale[:, None]
            if not self.intercept:
                return own
            return np.vstack([own + np.outer(self.shift, gradient[-1]), gradient[-1:]])

    def _made(self, part: slice) -> Doubles:
        x = self._x[part]
        block = np.empty((len(x), self.width))
        np.divide(x, self.scale, out=block[:, : self.inputs])
        block[:, : self.inputs] -= self.shift / self.scale
        if self.intercept:
            block[:, -1] = 1.0
        return block


def _scaling(x: NDArray[Any], intercept: bool) -> tuple[Doubles, Doubles]:
    """Shift and scale of each column; sums are of values brought to at most 1, so that none overflows."""
    low, high = x.min(axis=0).astype(np.float64), x.max(axis=0).astype(np.float64)
    largest = _power(np.maximum(np.abs(low), np.abs(high)))
    shift, squares = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    if intercept:
        for block in _parts(x):
            shift += (block / largest).sum(axis=0)
        shift = np.where(low == high, low, shift / len(x) * largest)
    for block in _parts(x):
        squares += ((block / largest - shift / largest) ** 2).sum(axis=0)
    return shift, _power(np.sqrt(squares / len(x)) * largest)


def _sparse_scaling(x: Any) -> tuple[Doubles, Doubles]:
    values = np.abs(x.data.astype(np.float64))
    largest = np.zeros(x.shape[1])
    np.maximum.at(largest, x.indices, values)
    power = _power(largest)
    squares = np.bincount(x.indices, (values / power[x.indices]) ** 2, minlength=x.shape[1])
    return np.zeros(x.shape[1]), _power(np.sqrt(squares / max(1, x.shape[0])) * power)


def _parts(x: NDArray[Any]) -> Iterator[Doubles]:
    for first in range(0, len(x), _ROWS):
        yield x[first : first + _ROWS].astype(np.float64, copy=False)


def _power(sizes: Doubles) -> Doubles:
    """Powers of two near the sizes; 1 for a size of 0."""
    exponent = np.where(sizes > 0, np.frexp(sizes)[1], 0)
    return np.ldexp(1.0, np.clip(exponent, -1000, 1000))
