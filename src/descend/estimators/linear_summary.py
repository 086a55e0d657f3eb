"""What a fitted linear regression says of itself, and how that is printed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descend.estimators.linear_fit import LinearFit
from descend.evaluation.linear_statistics import (
    CoefficientTests,
    FitStatistics,
    ResidualDiagnostics,
    coefficient_tests,
    fit_statistics,
    residual_diagnostics,
)
from descend.solvers.leverage import singular_values

Doubles = NDArray[np.float64]
_LARGE_CONDITION = 1000.0


@dataclass(frozen=True)
class LinearSummary:
    """Of one target. ``str()`` prints it in the layout that statsmodels gave such tables.

    target, names : of y; of the coefficients, ``const`` first where there is an intercept.
    model, method : in words.  rows : those with a weight.  rank : of the columns without the intercept.
    intercept : whether there is one.  level : probability of the intervals.
    coef, standard_errors : (q,).  tests : t, p and the intervals' ends.  Standard errors and tests are None
        where they are not given; ``notes`` says why.
    fit : R² and its like; None for losses other than the squared error.
    condition : largest singular value of the weighted [1, X] over the smallest, in X's own units.
    optimality : as the estimator's ``optimality_``.
    diagnostics, greatest_leverage : of the rows handed to ``summary``; None without them.
    """

    target: str
    names: Sequence[str]
    model: str
    method: str
    rows: int
    rank: int
    intercept: bool
    level: float
    coef: Doubles
    standard_errors: Doubles | None
    tests: CoefficientTests | None
    fit: FitStatistics | None
    condition: float
    optimality: float
    diagnostics: ResidualDiagnostics | None
    greatest_leverage: tuple[int, float] | None
    notes: Sequence[str]

    @property
    def df_residual(self) -> int:
        """Rows minus coefficients."""
        return self.rows - self.rank - self.intercept

    def __str__(self) -> str:
        left, right = self._facts()
        wide = max([10, *map(len, self.names)])
        width = max(78, wide + 68, 58 + max((len(name) for name, _ in right), default=0))
        lines = [f"{self.model} Regression Results".center(width).rstrip(), "=" * width]
        lines += _side_by_side(left, right, width)
        lines += ["=" * width, *self._coefficients(width), "=" * width]
        if self.diagnostics is not None:
            lines += [*_side_by_side(*self._residuals(self.diagnostics), width), "=" * width]
        notes = [*self.notes, *self._warnings()]
        return "\n".join([*lines, "", "Notes:", *(f"[{i}] {note}" for i, note in enumerate(notes, 1))])

    def _facts(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        left = [
            ("Dep. Variable:", self.target), ("Model:", self.model), ("Method:", self.method),
            ("No. Observations:", str(self.rows)), ("Df Residuals:", str(self.df_residual)),
            ("Df Model:", str(self.rank)), ("Cond. No.", f"{self.condition:#.3g}"),
            ("Optimality:", f"{self.optimality:.1e}"),
        ]  # fmt: skip
        if self.fit is None:
            return left, []
        about = "" if self.intercept else " (uncentered)"
        return left, [
            (f"R-squared{about}:", f"{self.fit.r_squared:.3f}"),
            (f"Adj. R-squared{about}:", f"{self.fit.adjusted:.3f}"),
            ("F-statistic:", f"{self.fit.f:#.4g}"), ("Prob (F-statistic):", f"{self.fit.f_p:#.3g}"),
            ("Log-Likelihood:", f"{self.fit.log_likelihood:#.5g}"), ("AIC:", f"{self.fit.aic:#.4g}"),
            ("BIC:", f"{self.fit.bic:#.4g}"),
            ("Residual Std. Error:", f"{self.fit.residual_standard_error:#.4g}"),
        ]  # fmt: skip

    def _coefficients(self, width: int) -> list[str]:
        wide = width - 68
        low = (1 - self.level) / 2
        heads = ["coef", "std err", "t", "P>|t|", f"[{low:.4g}", f"{1 - low:.4g}]"]
        if self.tests is None or self.standard_errors is None:
            lines = [f"{'':{wide}}{'coef':>11}", "-" * width]
            pairs = zip(self.names, self.coef, strict=True)
            return lines + [f"{name:<{wide}}{_number(value, 4):>11}" for name, value in pairs]
        sizes = (11, 11, 11, 11, 12, 12)
        lines = [" " * wide + "".join(f"{head:>{size}}" for head, size in zip(heads, sizes, strict=True))]
        lines.append("-" * width)
        for i, name in enumerate(self.names):
            cells = [
                _number(self.coef[i], 4), _number(self.standard_errors[i], 3), _number(self.tests.t[i], 3),
                f"{self.tests.p[i]:.3f}", _number(self.tests.lower[i], 3), _number(self.tests.upper[i], 3),
            ]  # fmt: skip
            cells = [f"{cell:>{size}}" for cell, size in zip(cells, sizes, strict=True)]
            lines.append(f"{name:<{wide}}" + "".join(cells))
        return lines

    def _residuals(self, found: ResidualDiagnostics) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        left = [
            ("Omnibus:", f"{found.omnibus:.3f}"), ("Prob(Omnibus):", f"{found.omnibus_p:.3f}"),
            ("Skew:", f"{found.skew:.3f}"), ("Kurtosis:", f"{found.kurtosis:.3f}"),
        ]  # fmt: skip
        right = [
            ("Durbin-Watson:", f"{found.durbin_watson:.3f}"),
            ("Jarque-Bera (JB):", f"{found.jarque_bera:.3f}"), ("Prob(JB):", f"{found.jarque_bera_p:#.3g}"),
        ]  # fmt: skip
        if self.greatest_leverage is not None:
            row, value = self.greatest_leverage
            right.append((f"Max. leverage (row {row}):", f"{value:.3f}"))
        return left, right

    def _warnings(self) -> list[str]:
        if not _LARGE_CONDITION < self.condition < math.inf:
            return []
        return [
            f"The condition number is large, {self.condition:.3g}: columns of very different size, or nearly "
            "dependent on each other."
        ]


def summarise(
    fit: LinearFit, target_name: str, columns: Sequence[str], target: int, level: float,
    residuals: Doubles | None, leverage: Doubles | None,
) -> LinearSummary:  # fmt: skip
    """The summary of one target.  residuals : (n,) √w·(y − ŷ).  leverage : (n,) of the same rows."""
    intercept = fit.triangle.intercept
    coef = fit.coef[:, target]
    if intercept:
        coef = np.concatenate([fit.intercept[target : target + 1], coef])
    whole = errors = tests = None
    if fit.squares is not None:
        residual_squares = float(fit.squares.residual_sum_of_squares[target])
        whole = fit_statistics(
            residual_squares, float(fit.squares.total_sum_of_squares[target]), fit.rows, fit.rank, intercept,
            fit.sum_log_weight,
        )  # fmt: skip
        if fit.squares.deviation_factors is not None and fit.rows > len(coef):
            errors = whole.residual_standard_error * fit.squares.deviation_factors
            tests = coefficient_tests(coef, errors, fit.rows - len(coef), level)
    values = singular_values(fit.triangle, True)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        condition = float(values[0] / values[-1]) if fit.unique else math.inf
    greatest = None if leverage is None else int(np.argmax(leverage))
    return LinearSummary(
        target_name, [*(["const"] if intercept else []), *columns], _model(fit), _method(fit), fit.rows,
        fit.rank, intercept, level, coef, errors, tests, whole,
        condition, float(fit.optimality[target]),
        None if residuals is None else residual_diagnostics(residuals),
        None if greatest is None or leverage is None else (greatest, float(leverage[greatest])),
        [*_notes(fit, errors is not None), *_beyond(whole)],
    )  # fmt: skip


def _beyond(whole: FitStatistics | None) -> list[str]:
    if whole is None or not math.isinf(whole.residual_standard_error):
        return []
    return ["Sums of y's squares are beyond float64, so inf and nan stand for what is made of them; scale y."]


def _model(fit: LinearFit) -> str:
    if fit.loss != "squared_error":
        return {"huber": "Huber", "absolute_error": "LAD", "quantile": "Quantile"}[fit.loss]
    return "Ridge" if fit.alpha else "NNLS" if fit.positive else "WLS" if fit.weighted else "OLS"


def _method(fit: LinearFit) -> str:
    if fit.loss != "squared_error":
        return "Newton" if fit.loss == "huber" else "Linear program"
    return "Householder QR"


def _notes(fit: LinearFit, errors: bool) -> list[str]:
    if errors:
        notes = ["Standard errors assume that the errors are independent and of one variance"]
        notes[0] += ", divided by the weights." if fit.weighted else "."
    else:
        notes = [f"Standard errors, t and P are not given: {_reason(fit)}."]
    if fit.loss == "squared_error" and not fit.triangle.intercept:
        notes.append("R² is computed without centering, since the model has no constant.")
    return notes


def _reason(fit: LinearFit) -> str:
    if fit.loss != "squared_error":
        return f"they are those of least squares, not of loss={fit.loss!r}; nor are R² and F"
    if fit.alpha:
        return "a penalty biases the coefficients"
    if fit.positive:
        return "coefficients held at 0 have none"
    if not fit.unique:
        return f"the columns depend on each other (rank {fit.rank} of {len(fit.coef)})"
    return "there are no more rows than coefficients"


def _side_by_side(left: list[tuple[str, str]], right: list[tuple[str, str]], width: int) -> list[str]:
    far = width - 40
    lines = []
    for i in range(max(len(left), len(right))):
        line = _spread(*left[i], 37) if i < len(left) else " " * 37
        lines.append((line + "   " + _spread(*right[i], far)) if i < len(right) else line)
    return lines


def _spread(name: str, value: str, width: int) -> str:
    room = width - len(name) - 1
    return f"{name} {value[:room]:>{room}}"


def _number(value: float, digits: int) -> str:
    if math.isfinite(value) and value != 0 and not 1e-4 <= abs(value) < 1e4:
        return f"{value:.{digits}g}"
    return f"{value:.{digits}f}"
