"""Linear least squares, solved and not approached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descend.engines.threads import resolve_threads
from descend.errors import DataError, OptionError
from descend.solvers.dense import solve
from descend.solvers.triangle import Triangle, triangle

Array = NDArray[Any]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class LeastSquares:
    """A solution of ``least_squares`` and what its statistics are made of.

    coef : (p,) or (p, t), as y was.  intercept : a number, or (t,).
    rank : of X's columns, each scaled to length 1, beside the intercept's where there is one.
    singular_values : (min(n, p),) of those columns, descending.
    residual_sum_of_squares : Σ w·(y − ŷ)².  total_sum_of_squares : Σ w·(y − ȳ)² about the weighted mean, or
        Σ w·y² without an intercept. Each a number, or (t,).
    triangle : R with ``RᵀR = AᵀA``, ``A = √w·[1, (X − shift)/scale]``, and the shifts and scales.
    """

    coef: Doubles
    intercept: Any
    rank: int
    singular_values: Doubles
    residual_sum_of_squares: Any
    total_sum_of_squares: Any
    triangle: Triangle

    @property
    def condition(self) -> float:
        """Largest singular value over the smallest; infinite where columns depend on each other."""
        if self.rank < len(self.coef):
            return np.inf
        return float(self.singular_values[0] / self.singular_values[-1])


def least_squares(
    X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None, fit_intercept: bool = True,
    l2: float = 0.0, scale: float = 1.0, threads: int | None = None,
) -> LeastSquares:  # fmt: skip
    """Minimises ``Σ wᵢ·(yᵢ − xᵢ·coef − intercept)² + l2·‖coef‖²`` by Householder QR in float64.

    X : (n, p). float64, float32 and uint8 (then multiplied by ``scale``) are read where they lie, whatever
        their strides; other numbers are converted first.
    y : (n,) or (n, t).
    sample_weight : (n,), at least 0; None for 1 each. A weight of 0 leaves the row out.
    l2 : strength of the penalty, at least 0; the intercept is free of it.
    threads : default the cores this process may use. The factor R has the same bits for every number.

    Columns count as dependent where a singular value of the columns scaled to length 1 is at most
    ``max(64, q)·2⁻⁵²`` times the largest, or 1 where that is larger (q columns, the intercept's included).
    Then, and with fewer rows than columns, the solution is the one of least ``‖coef‖`` in X's own units: its
    residuals to full precision, its ``‖coef‖`` to 2⁻⁵² times the ratio of the columns' sizes.

    Raises
    ------
    DataError : X, y or sample_weight cannot be used; the message says where and why.
    OptionError : l2, scale or threads is out of range.
    """
    x, targets, weight = _table(X), _targets(y), _weights(sample_weight)
    _check_lengths(x, targets, weight)
    _check_number(l2, "l2", 0.0)
    _check_number(scale, "scale", -np.inf)
    single = targets.ndim == 1
    if single:
        targets = targets[:, None]
    factor = triangle(x, targets, weight, float(scale), bool(fit_intercept), resolve_threads(threads))
    return _solution(factor, float(l2), single)


@np.errstate(over="ignore")  # sums of squares may be beyond float64; coefficients are checked
def _solution(factor: Triangle, l2: float, single: bool) -> LeastSquares:
    first = int(factor.intercept)
    z, p = factor.z[first:], len(factor.scale)
    tolerance = max(64, factor.R.shape[1]) * float(np.finfo(np.float64).eps)
    lengths = np.sqrt((factor.R**2).sum(axis=0))[first:]
    # A column that is constant (or 0, without an intercept) is rounding by now: its coefficient is 0.
    varying = np.sqrt((factor.R[first:, first:] ** 2).sum(axis=0)) > tolerance * lengths
    columns, scale = factor.R[first:, first:][:, varying] / lengths[varying], factor.scale[varying]
    units = lengths[varying] * (scale / scale.max(initial=0))
    solved = solve(columns, z, units, tolerance)
    scaled = solved.solution
    if l2 > 0:
        penalty = np.diag(np.sqrt(l2) / scale / lengths[varying])
        nothing = np.zeros((len(penalty), z.shape[1]))
        penalised = np.vstack([columns, penalty]), np.vstack([z, nothing])
        scaled = solve(*penalised, units, tolerance).solution
    slopes = np.zeros((p, z.shape[1]))
    slopes[varying] = scaled / lengths[varying, None]
    coef = slopes * (factor.target_scale / factor.scale[:, None])
    _check_coefficients(coef)
    intercept = np.zeros(z.shape[1])
    if factor.intercept:
        height = (factor.z[0] - factor.R[0, 1:] @ slopes) / factor.R[0, 0]
        intercept = factor.target_shift + factor.target_scale * height - factor.shift @ coef
    values = np.zeros(min(len(z), p))
    values[: len(solved.singular_values)] = solved.singular_values
    outside = factor.rest + ((z - columns @ scaled) ** 2).sum(axis=0)
    whole = factor.rest + (z**2).sum(axis=0)
    squared = factor.target_scale**2
    of_targets: Any = (lambda each: float(each[0])) if single else (lambda each: each)
    return LeastSquares(
        coef[:, 0] if single else coef,
        of_targets(intercept),
        solved.rank,
        values,
        of_targets(outside * squared),
        of_targets(whole * squared),
        factor,
    )


def _check_coefficients(coef: Doubles) -> None:
    beyond = ~np.isfinite(coef).all(axis=1)
    if beyond.any():
        column = int(np.argmax(beyond))
        raise DataError(
            f"the coefficient of X's column {column} is beyond float64: its values are too small beside y's; "
            "multiply the column"
        )


def _table(X: ArrayLike) -> Array:
    x = _numbers(X, "X", (np.float64, np.float32, np.uint8))
    if x.ndim != 2:
        remedy = "; use X.reshape(-1, 1) for one column" if x.ndim == 1 else ""
        raise DataError(f"X must have two dimensions (rows, columns), not shape {x.shape}{remedy}")
    if 0 in x.shape:
        raise DataError(f"X has shape {x.shape}: at least one row and one column are needed")
    return x


def _targets(y: ArrayLike) -> Array:
    targets = _numbers(y, "y", (np.float64, np.float32))
    if targets.ndim not in (1, 2) or (targets.ndim == 2 and targets.shape[1] == 0):
        raise DataError(f"y must have shape (rows,) or (rows, targets), not {targets.shape}")
    return targets


def _weights(sample_weight: ArrayLike | None) -> Array | None:
    if sample_weight is None:
        return None
    weight = _numbers(sample_weight, "sample_weight", (np.float64, np.float32))
    if weight.ndim != 1:
        raise DataError(f"sample_weight must have one dimension, not shape {weight.shape}")
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise DataError(f"sample_weight[{row}] is {weight[row]}, not a finite number of at least 0")
    if len(weight) and not weight.any():
        raise DataError("sample_weight is 0 for every row")
    return weight


def _numbers(values: ArrayLike, name: str, kept: tuple[type[np.generic], ...]) -> Array:
    """The array itself where its type is one of ``kept`` and it can be read in place; else in float64."""
    try:
        array = np.asarray(values)
    except ValueError:
        raise DataError(f"{name} is no array: its rows differ in length") from None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold numbers, not {array.dtype}")
    size = array.dtype.itemsize
    steps = all(step % size == 0 for step in array.strides)
    if array.dtype.type in kept and array.dtype.isnative and array.flags.aligned and steps:
        return array
    with np.errstate(over="ignore"):  # a number too large for float64 is found below, with its place
        return array.astype(array.dtype.type if array.dtype.type in kept else np.float64, order="C")


def _check_lengths(x: Array, targets: Array, weight: Array | None) -> None:
    for name, other in (("y", targets), ("sample_weight", weight)):
        if other is not None and len(other) != len(x):
            raise DataError(f"X has {len(x)} rows but {name} has {len(other)}")


def _check_number(value: float, name: str, least: float) -> None:
    if isinstance(value, bool) or not (np.isreal(value) and np.isfinite(value) and value >= least):
        wanted = "a finite number" if least < 0 else f"a finite number of at least {least:g}"
        raise OptionError(f"{name} must be {wanted}, not {value!r}")
