"""Linear regression, solved."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import MultiOutputMixin, RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from descend.engines.threads import resolve_threads
from descend.errors import DataError
from descend.estimators.base import DTYPES, Array, DType, Estimator, ParameterError, row_weights
from descend.estimators.beyond import check_answers, check_solved, named_later, r_squared
from descend.estimators.linear_fit import LinearFit, fit_least_squares, fit_robust, in_dtype
from descend.estimators.linear_summary import LinearSummary, summarise
from descend.solvers.dense_rows import dense_rows
from descend.solvers.leverage import leverages

Doubles = NDArray[np.float64]
_ROWS = 4096


class LinearRegression(MultiOutputMixin, RegressorMixin, Estimator):  # type: ignore[misc]
    """Linear regression whose optimum is reached: least squares, ridge, Huber, absolute and quantile loss.

    ``fit`` minimises over coef and intercept, with r = y − X·coef − intercept,

        squared_error    Σ w·r² + alpha·‖coef‖²
        huber            Σ w·h(r) + alpha·‖coef‖²,  h(r) = r² up to delta, then 2·delta·|r| − delta²
        absolute_error   Σ w·|r| + alpha·‖coef‖₁
        quantile         Σ w·ρ(r) + alpha·‖coef‖₁,  ρ(r) = quantile·r above 0, (quantile − 1)·r below

    Least squares is Householder QR with refinement in twice float64's precision: the coefficients are the
    exact solution rounded, for any scaling of the columns. Rank is decided on columns of length 1; where the
    solution is not unique it is the one of least ‖coef‖. All is computed in float64, whatever X's type.

    Parameters
    ----------
    fit_intercept : whether there is an intercept.
    copy_X : for scikit-learn's sake; X is never changed.
    tol : for scikit-learn's sake; every loss is solved to its optimum, which meets any tolerance.
    n_jobs : number of threads where ``threads`` is None; None or a number below 0 for all that may be used.
    positive : whether no coefficient may be below 0 (the intercept may); not with huber.
    loss : ``"squared_error"``, ``"huber"``, ``"absolute_error"`` or ``"quantile"``.
    alpha : strength of the penalty beside the sum over rows, at least 0, as in scikit-learn's Ridge and
        HuberRegressor. (QuantileRegressor's is beside the mean.)
    delta : residual, in y's unit, from which huber grows linearly; above 0.
    quantile : which quantile of y is fitted, between 0 and 1.
    threads : default the cores this process may use. Coefficients do not depend on it.
    dtype : of coefficients and predictions, ``float32`` or ``float64``; by default float32 where X is, else
        float64. ``summary`` has float64's digits in any case.

    Attributes
    ----------
    coef_ : (p,), or (t, p) for a y of two dimensions.  intercept_ : a number, or (t,).
    rank_ : of X's columns scaled to length 1, beside the intercept's.
    singular_ : (min(n, p),) of X, weighted and about its means where there is an intercept.
    optimality_ : how far the objective may be above its least value, as a share of what it is with all
        coefficients 0: for least squares measured before the last correction, for huber by Newton's
        decrement, for absolute_error and quantile by the dual's value. A number, or (t,).
    n_features_in_, feature_names_in_ : as in scikit-learn.

    Sparse rows stay compressed; least squares makes them dense some thousand rows at a time, and its result
    is that of dense rows.

    Raises
    ------
    DataError : X, y or sample_weight cannot be used; the message names row and column.
    ParameterError : a parameter out of its range, or two that do not go together.
    """

    _sparse: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "fit_intercept": ["boolean"],
        "copy_X": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [None, Integral],
        "positive": ["boolean"],
        "loss": [StrOptions({"squared_error", "huber", "absolute_error", "quantile"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "threads": [Interval(Integral, 1, 1024, closed="both"), None],
        "dtype": DTYPES,
    }
    coef_: Array
    intercept_: Any
    optimality_: Any
    rank_: int

    def __init__(
        self, *, fit_intercept: bool = True, copy_X: bool = True, tol: float = 1e-6,
        n_jobs: int | None = None, positive: bool = False,
        loss: Literal["squared_error", "huber", "absolute_error", "quantile"] = "squared_error",
        alpha: float = 0.0, delta: float = 1.0, quantile: float = 0.5, threads: int | None = None,
        dtype: DType = None,
    ) -> None:  # fmt: skip
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.tol = tol
        self.n_jobs = n_jobs
        self.positive = positive
        self.loss = loss
        self.alpha = alpha
        self.delta = delta
        self.quantile = quantile
        self.threads = threads
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """X : (n, p) numbers, a frame, or CSR.  y : (n,) or (n, t).  sample_weight : (n,), at least 0."""
        self._check_together()
        x, target = self._training_rows(X, y, multi_output=True, order=None)
        weight = row_weights(sample_weight, x)
        targets = target.astype(np.float64, copy=False)
        single = targets.ndim == 1
        if single:
            targets = targets[:, None]
        with named_later():
            found = self._solved(x, targets, weight)
        check_solved(found.coef)
        coef, each = in_dtype(found.coef, x.dtype), in_dtype(found.intercept, x.dtype)
        self._linear_fit = found
        self._target_names = _names_of(y, targets.shape[1])
        self.coef_ = coef[:, 0] if single else coef.T.copy()
        self.intercept_ = (each[0] if single else each) if self.fit_intercept else 0.0
        self.optimality_ = float(found.optimality[0]) if single else found.optimality
        self.rank_ = found.rank
        return self

    @property
    def singular_(self) -> Doubles:
        """(min(n, p),) singular values of X, computed when they are first asked for."""
        return self._linear_fit.singular_values

    def predict(self, X: Any) -> Array:
        """X·coef + intercept, (n,) or (n, t), in coef_'s dtype; a row's does not depend on the other rows."""
        check_is_fitted(self)
        predicted = self._predicted(X, np.atleast_2d(self.coef_), self.intercept_)
        with named_later():
            predicted = predicted.astype(self.coef_.dtype, copy=False)
        check_answers(predicted, "prediction")
        return predicted[:, 0] if self.coef_.ndim == 1 else predicted

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """R² of the predictions for X. Raises DataError naming the row that takes it beyond float64."""
        return r_squared(y, self.predict(X), sample_weight)

    def leverage(self, X: Any, sample_weight: ArrayLike | None = None) -> Doubles:
        """How much each row pulls on its own prediction, (n,): w·aᵀ(AᵀWA)⁺a of the row a = [1, x].

        For the rows of the fit, with their weights, between 0 and 1 and in sum the number of coefficients.
        """
        check_is_fitted(self)
        x = self._rows(X)
        return leverages(self._linear_fit.triangle, x, row_weights(sample_weight, x))

    def summary(
        self, X: Any = None, y: Any = None, sample_weight: ArrayLike | None = None, *,
        target: int = 0, level: float = 0.95,
    ) -> LinearSummary:  # fmt: skip
        """Standard errors, t, p, confidence intervals, R², F and the condition number; ``print`` it.

        X, y, sample_weight : the rows of the fit, for the tests of residuals and the greatest leverage, which
            are left out without them.
        target : which column of y.  level : probability of the intervals, between 0 and 1.

        Weights are one over the errors' variances, up to a factor, as in statsmodels' WLS; rows of weight 0
        do not count. Standard errors are not given with a penalty, a bound, another loss than
        squared_error, or where the solution is not unique.
        """
        check_is_fitted(self)
        if not 0 < level < 1:
            raise ParameterError(f"level must be between 0 and 1, not {level!r}")
        targets = len(self._target_names)
        if not 0 <= target < targets:
            raise ParameterError(f"target must be from 0 to {targets - 1}, not {target!r}")
        residuals = leverage = None
        if X is not None:
            if y is None:
                raise DataError("summary needs y as well as X")
            residuals, leverage = self._weighted_residuals(X, y, sample_weight, target)
        names = getattr(self, "feature_names_in_", None)
        columns = [f"x{i + 1}" for i in range(self.n_features_in_)] if names is None else [*map(str, names)]
        with named_later():
            return summarise(
                self._linear_fit, self._target_names[target], columns, target, level, residuals, leverage
            )

    def _weighted_residuals(
        self, X: Any, y: Any, sample_weight: ArrayLike | None, target: int
    ) -> tuple[Doubles, Doubles]:
        """√w·(y − ŷ) of the rows that count, (n,), and the leverage of all rows."""
        truth = np.asarray(y, np.float64).reshape(len(y), -1)[:, target]
        fit = self._linear_fit
        predicted = self._predicted(X, fit.coef.T[[target]], fit.intercept[target])[:, 0]
        weight = row_weights(sample_weight, self._rows(X))
        roots = np.ones(len(truth)) if weight is None else np.sqrt(weight, dtype=np.float64)
        return (roots * (truth - predicted))[roots > 0], self.leverage(X, sample_weight)

    def _predicted(self, X: Any, coef: Array, intercept: Any) -> Doubles:
        """X·coefᵀ + intercept, (n, t) in float64.  coef : (t, p)."""
        x = self._rows(X)
        predicted = np.empty((x.shape[0], len(coef)))
        for first in range(0, len(predicted), _ROWS):
            part = slice(first, first + _ROWS)
            rows = dense_rows(x, part, 1.0)
            with named_later():
                for target, own in enumerate(coef.astype(np.float64, copy=False)):
                    predicted[part, target] = np.multiply(rows, own, order="C").sum(axis=1)
        predicted += intercept
        return predicted

    def _check_together(self) -> None:
        if self.positive and self.loss == "huber":
            raise ParameterError("positive=True does not go with loss='huber'; use 'absolute_error'")

    def _solved(self, x: Any, targets: Doubles, weight: Array | None) -> LinearFit:
        jobs = None if self.n_jobs is None or self.n_jobs < 1 else int(self.n_jobs)
        threads = resolve_threads(jobs if self.threads is None else int(self.threads))
        if self.loss == "squared_error":
            return fit_least_squares(
                x, targets, weight, float(self.alpha), bool(self.fit_intercept), bool(self.positive), threads
            )
        return fit_robust(
            x, targets, weight, float(self.alpha), bool(self.fit_intercept), bool(self.positive), threads,
            loss=self.loss, delta=float(self.delta), quantile=float(self.quantile),
        )  # fmt: skip


def _names_of(y: Any, count: int) -> list[str]:
    columns = getattr(y, "columns", None)
    if columns is not None and len(columns) == count:
        return [str(name) for name in columns]
    name = getattr(y, "name", None)
    if count == 1:
        return ["y" if name in (None, "") else str(name)]
    return [f"y{i + 1}" for i in range(count)]
