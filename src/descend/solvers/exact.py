"""Linear least squares, solved and not approached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse

from descend.engines.threads import resolve_threads
from descend.errors import DataError, OptionError
from descend.solvers.normal_equations import NormalEquations, power_of_four_for
from descend.solvers.solution import Solution, refined, solution_of
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
    gap : how far the objective was above its least value when a pass over the rows last measured it, before
        that pass's correction, as a share of the total sum of squares. A number, or (t,).
    deviation_factors : (q,) roots of the diagonal of (AᵀA)⁻¹ in X's own units, the intercept's first where
        there is one: times the residual standard deviation, the coefficients' standard errors. None with a
        penalty or a bound, and where the solution is not unique.
    triangle : R with ``RᵀR = AᵀA``, ``A = √w·[1, (X − shift)/scale]``, and the shifts and scales.
    """

    coef: Doubles
    intercept: Any
    rank: int
    singular_values: Doubles
    residual_sum_of_squares: Any
    total_sum_of_squares: Any
    gap: Any
    deviation_factors: Doubles | None
    triangle: Triangle

    @property
    def condition(self) -> float:
        """Largest singular value over the smallest; infinite where columns depend on each other."""
        if self.rank < len(self.coef):
            return np.inf
        return float(self.singular_values[0] / self.singular_values[-1])


def least_squares(
    X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None, fit_intercept: bool = True,
    l2: float = 0.0, positive: bool = False, scale: float = 1.0, threads: int | None = None,
) -> LeastSquares:  # fmt: skip
    """Minimises ``Σ wᵢ·(yᵢ − xᵢ·coef − intercept)² + l2·‖coef‖²`` by Householder QR in float64.

    X : (n, p). float64, float32 and uint8 (then multiplied by ``scale``) are read where they lie, whatever
        their strides; other numbers are converted first. CSR (scipy.sparse) stays compressed: its rows are
        made dense a block at a time, and LAPACK factorizes them.
    y : (n,) or (n, t).
    sample_weight : (n,), at least 0; None for 1 each. A weight of 0 leaves the row out.
    l2 : strength of the penalty, at least 0; the intercept is free of it.
    positive : whether no coefficient may be below 0 (the intercept may): C. L. Lawson and R. J. Hanson's
        non-negative least squares on R, then refined with what is 0 held there.
    threads : default the cores this process may use. The factor R has the same bits for every number.

    Columns count as dependent where a singular value of the columns scaled to length 1 is at most
    ``max(64, q)·2⁻⁵²`` times the largest, or 1 where that is larger (q columns, the intercept's included).
    Then, and with fewer rows than columns, the solution is the one of least ``‖coef‖`` in X's own units: its
    residuals to full precision, its ``‖coef‖`` to 2⁻⁵² times the ratio of the columns' sizes.

    A unique solution is refined on the rows, with residuals of twice float64's precision, until it is the
    exact solution for these float64 numbers rounded once, or nearly: one more pass over the table, two to
    four where the condition is beyond about 10⁶, the fit perfect, or a coefficient 0 (refinement.py).
    Standard errors are refined too where the condition is above 100 and n·q² at most 2²⁶; otherwise they
    are as good as R, which is 2⁻⁵² times the condition.

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
    used = resolve_threads(threads)
    factor = triangle(x, targets, weight, float(scale), bool(fit_intercept), used)
    powers = np.concatenate([factor.scale, factor.target_scale])
    unit = 1.0 if weight is None else power_of_four_for(float(weight.max()))
    equations = NormalEquations(x, targets, weight, float(scale), factor.intercept, powers, unit, used)
    with np.errstate(over="ignore"):  # sums of squares may be beyond float64; coefficients are checked
        found = solution_of(factor, float(l2), positive)
        if np.isfinite(found.c).all():
            found = refined(found, factor, equations, float(l2), positive)
        return _in_table_units(found, factor, single)


def _in_table_units(found: Solution, factor: Triangle, single: bool) -> LeastSquares:
    first, unit = int(factor.intercept), factor.target_scale
    coef = found.c[first:] * (unit / factor.scale[:, None])
    _check_coefficients(coef)
    intercept = found.c[0] * unit if first else np.zeros(len(unit))
    values = np.zeros(min(len(factor.R) - first, len(coef)))
    values[: len(found.singular_values)] = found.singular_values
    whole = factor.rest + (factor.z[first:] ** 2).sum(axis=0)
    of_targets: Any = (lambda each: float(each[0])) if single else (lambda each: each)
    return LeastSquares(
        coef[:, 0] if single else coef,
        of_targets(intercept),
        found.rank,
        values,
        of_targets(found.squares * unit**2),
        of_targets(whole * unit**2),
        of_targets(found.gap / np.where(whole > 0, whole, 1.0)),
        found.deviation_factors,
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


def _table(X: Any) -> Any:
    if issparse(X):
        x: Any = csr_array(X)  # type: ignore[call-overload]  # any compressed format
        if x.dtype not in (np.float64, np.float32):
            x = x.astype(np.float64)
    else:
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


def _check_lengths(x: Any, targets: Array, weight: Array | None) -> None:
    for name, other in (("y", targets), ("sample_weight", weight)):
        if other is not None and len(other) != x.shape[0]:
            raise DataError(f"X has {x.shape[0]} rows but {name} has {len(other)}")


def _check_number(value: float, name: str, least: float) -> None:
    if isinstance(value, bool) or not (np.isreal(value) and np.isfinite(value) and value >= least):
        wanted = "a finite number" if least < 0 else f"a finite number of at least {least:g}"
        raise OptionError(f"{name} must be {wanted}, not {value!r}")
