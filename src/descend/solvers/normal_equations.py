"""A table's normal equations, evaluated to twice the precision of float64."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.solvers import extension
from descend.solvers.dense_rows import dense_rows
from descend.solvers.doubled import Doubled, doubled, plus, times, total

Doubles = NDArray[np.float64]
_ROWS = 4096
_DENSE_NUMBERS = 2**22


@dataclass(frozen=True)
class NormalEquations:
    """``Aᵀ·W·A·c = Aᵀ·W·b`` with ``A = [1, x / powers]``, ``b = y / powers``, ``W = weight·weight_scale``.

    x : (n, p) float64, float32 or uint8 (multiplied by ``scale``), dense or CSR.
    y : (n, t).  weight : (n,) or None.
    powers : (p + t,) powers of two, as weight_scale is: nothing is rounded by them.
    """

    x: Any
    y: NDArray[Any]
    weight: NDArray[Any] | None
    scale: float
    intercept: bool
    powers: Doubles
    weight_scale: float
    threads: int

    @property
    def columns(self) -> int:
        """Number of columns of A."""
        return int(self.x.shape[1]) + self.intercept

    def of_targets(self, targets: NDArray[np.intp]) -> NormalEquations:
        """The same with these targets only."""
        p = self.x.shape[1]
        return replace(
            self, y=self.y[:, targets], powers=np.concatenate([self.powers[:p], self.powers[p:][targets]])
        )

    def without_targets(self, count: int) -> NormalEquations:
        """The same with ``count`` targets that are 0."""
        powers = np.concatenate([self.powers[: self.x.shape[1]], np.ones(count)])
        nothing = np.broadcast_to(np.zeros(1), (len(self.y), count))
        return replace(self, y=nothing, powers=powers)

    def residual(self, c: Doubled) -> tuple[Doubled, Doubles]:
        """``Aᵀ·W·(b − A·c)`` (q, t) for c (q, t), and ``Σ w·(b − A·c)²`` (t,): one pass over the rows.

        The native engine's bits are the same for every number of threads; where it was not built NumPy
        computes the same to its rounding.
        """
        if not isinstance(self.x, np.ndarray):
            return self._residual_by_parts(c)
        if not extension.native_built():
            return self._residual_by_numpy(c)
        from descend.engines.native.residual import normal_residual

        pairs = np.ascontiguousarray(np.stack([c.head.T, c.tail.T], axis=-1))
        gradient, squares = normal_residual(
            self.x, self.y, self.weight, self.scale, self.intercept, self.weight_scale, 1 / self.powers,
            pairs, self.threads,
        )  # fmt: skip
        return Doubled(gradient[:, :, 0].T, gradient[:, :, 1].T), squares

    def _residual_by_parts(self, c: Doubled) -> tuple[Doubled, Doubles]:
        """Compressed rows, made dense some megabytes at a time."""
        gradient, squares = doubled(np.zeros(c.head.shape)), np.zeros(c.head.shape[1])
        size = max(1, _DENSE_NUMBERS // self.x.shape[1])
        for first in range(0, len(self.y), size):
            part = slice(first, first + size)
            weight = None if self.weight is None else self.weight[part]
            if weight is not None and not weight.any():
                continue
            dense = replace(self, x=dense_rows(self.x, part, self.scale), y=self.y[part], weight=weight)
            more, its_squares = dense.residual(c)
            gradient, squares = plus(gradient, more), squares + its_squares
        return gradient, squares

    def _residual_by_numpy(self, c: Doubled) -> tuple[Doubled, Doubles]:
        gradient, squares = doubled(np.zeros(c.head.shape)), np.zeros(c.head.shape[1])
        for first in range(0, len(self.y), _ROWS):
            a, b, weight = self._rows(slice(first, first + _ROWS))
            rest = doubled(b)
            for column, head, tail in zip(a.T, c.head, c.tail, strict=True):
                rest = plus(rest, times(Doubled(-head[None], -tail[None]), column[:, None]))
            weighted = times(rest, weight[:, None])
            products = [total(times(weighted, column[:, None])) for column in a.T]
            part = Doubled(
                np.array([each.head for each in products]), np.array([each.tail for each in products])
            )
            gradient = plus(gradient, part)
            squares += (weighted.head * rest.head).sum(axis=0)
        return gradient, squares

    def _rows(self, part: slice) -> tuple[Doubles, Doubles, Doubles]:
        """A, b and the weights of some rows; those without weight are 0."""
        p = self.x.shape[1]
        weight = np.ones(len(self.y[part])) if self.weight is None else self.weight[part].astype(np.float64)
        counts = (weight > 0).astype(np.float64)[:, None]
        a = dense_rows(self.x, part, self.scale) / self.powers[:p] * counts
        b = self.y[part].astype(np.float64) / self.powers[p:] * counts
        return np.hstack([counts, a]) if self.intercept else a, b, weight * self.weight_scale


def power_of_four_for(weight: float) -> float:
    """What brings weights up to this one to at most 1."""
    exponent = int(np.frexp(weight)[1])
    return float(np.ldexp(1.0, 2 * min(-((exponent + 1) // 2), 500)))
