"""Inference for linear least squares: tests of coefficients, of the whole fit, and of its residuals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class CoefficientTests:
    """Each (q,): t = coefficient / standard error, two-sided p of Student's t, ends of its interval."""

    t: Doubles
    p: Doubles
    lower: Doubles
    upper: Doubles


def coefficient_tests(
    coefficients: Doubles, standard_errors: Doubles, degrees_of_freedom: int, level: float
) -> CoefficientTests:
    """Whether each coefficient differs from 0, and where it lies with probability ``level``.

    NaN where degrees_of_freedom, the rows' number minus the coefficients', is 0.
    """
    from scipy.stats import t as student

    with np.errstate(divide="ignore", invalid="ignore"):
        t = coefficients / standard_errors
    if degrees_of_freedom < 1:
        nothing = np.full(len(coefficients), np.nan)
        return CoefficientTests(nothing, nothing, nothing, nothing)
    half = student.ppf((1 + level) / 2, degrees_of_freedom) * standard_errors
    p = 2 * student.sf(np.abs(t), degrees_of_freedom)
    return CoefficientTests(t, p, coefficients - half, coefficients + half)


@dataclass(frozen=True)
class FitStatistics:
    """r_squared : 1 − RSS/TSS.  adjusted : the same for variances.

    f, f_p : of the hypothesis that every slope is 0.  residual_standard_error : √(RSS / residual freedom).
    log_likelihood, aic, bic : of normal errors with the likeliest variance.
    """

    r_squared: float
    adjusted: float
    f: float
    f_p: float
    residual_standard_error: float
    log_likelihood: float
    aic: float
    bic: float


def fit_statistics(
    residual_squares: float, total_squares: float, rows: int, rank: int, intercept: bool,
    sum_log_weight: float = 0.0,
) -> FitStatistics:  # fmt: skip
    """From Σ w·(y − ŷ)² and Σ w·(y − ȳ)² (about 0 without an intercept).

    rows : those with a weight.  rank : of the columns, the intercept left out.
    sum_log_weight : Σ log w, a weight standing for one over the error's variance.

    NaN stands for what is not defined: without residual freedom, without slopes, for a constant target.
    """
    from scipy.stats import f as fisher

    freedom = rows - rank - intercept
    ratio = residual_squares / total_squares if total_squares > 0 else math.nan
    variance = residual_squares / freedom if freedom > 0 else math.nan
    tested = rank > 0 and freedom > 0 and total_squares > 0
    explained = (total_squares - residual_squares) / rank if tested else math.nan
    f = (explained / variance if variance > 0 else math.inf) if tested else math.nan
    likely = residual_squares / rows
    log_likelihood = (
        -rows / 2 * (math.log(2 * math.pi * likely) + 1) + sum_log_weight / 2 if likely > 0 else math.inf
    )
    return FitStatistics(
        1 - ratio,
        1 - (rows - intercept) / freedom * ratio if freedom > 0 else math.nan,
        f,
        float(fisher.sf(f, rank, freedom)) if tested else math.nan,
        math.sqrt(variance),
        log_likelihood,
        2 * (rank + intercept) - 2 * log_likelihood,
        math.log(rows) * (rank + intercept) - 2 * log_likelihood,
    )


@dataclass(frozen=True)
class ResidualDiagnostics:
    """Whether residuals look normal and unrelated to their neighbours.

    omnibus, omnibus_p : R. D'Agostino's and E. S. Pearson's test of skewness and kurtosis (Biometrika 60,
        1973); NaN below 8 rows.
    jarque_bera, jarque_bera_p : C. M. Jarque and A. K. Bera, Economics Letters 6, 1980.
    durbin_watson : Σ (rᵢ − rᵢ₋₁)² / Σ r², near 2 where neighbours are unrelated.
    skew, kurtosis : of the residuals; 0 and 3 where they are normal.
    """

    omnibus: float
    omnibus_p: float
    jarque_bera: float
    jarque_bera_p: float
    durbin_watson: float
    skew: float
    kurtosis: float


def residual_diagnostics(residuals: Doubles) -> ResidualDiagnostics:
    """residuals : (n,) in the rows' order, times the root of the row's weight. NaN where all are equal."""
    from scipy.stats import chi2, normaltest

    centred = residuals - residuals.mean()
    variance = float(centred @ centred) / len(centred)
    if not variance > 0:
        return ResidualDiagnostics(*[math.nan] * 7)
    skew = float((centred**3).mean() / variance**1.5)
    kurtosis = float((centred**4).mean() / variance**2)
    jarque_bera = len(centred) / 6 * (skew**2 + (kurtosis - 3) ** 2 / 4)
    omnibus = normaltest(residuals) if len(residuals) >= 8 else (math.nan, math.nan)
    return ResidualDiagnostics(
        float(omnibus[0]),
        float(omnibus[1]),
        jarque_bera,
        float(chi2.sf(jarque_bera, 2)),
        float((np.diff(residuals) ** 2).sum() / (residuals @ residuals)),
        skew,
        kurtosis,
    )
