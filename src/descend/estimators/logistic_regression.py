"""``descend.LogisticRegression``: logistic and softmax regression, solved to the optimum."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import _fit_context
from sklearn.linear_model._base import LinearClassifierMixin, SparseCoefMixin
from sklearn.utils._param_validation import Hidden, Interval, StrOptions
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from descend.engines.registry import AUTO, get_engine
from descend.engines.threads import resolve_threads
from descend.errors import DataError
from descend.estimators.base import (
    Array,
    ClassWeight,
    DType,
    Estimator,
    ParameterError,
    class_row_weights,
    encoded_labels,
    row_weights,
)
from descend.estimators.beyond import check_answers, check_solved, named_later
from descend.estimators.callbacks import told
from descend.estimators.logistic_ending import warn_of_ending
from descend.estimators.logistic_penalty import ALL_SIZES, Penalty, refuse_huge, resolved_penalty
from descend.solvers.logistic import Callback, Fitted, Method, Problem, solve_logistic
from descend.solvers.optimality import Optimality
from descend.solvers.solved import Progress

_METHODS: dict[str, Method] = {"newton-cholesky": "newton-cholesky", "newton-cg": "newton-cg"}


class LogisticRegression(LinearClassifierMixin, SparseCoefMixin, Estimator):  # type: ignore[misc]
    """Logistic regression for two classes, softmax regression for more, at the optimum of

        C Σᵢ wᵢ ℓ(yᵢ, xᵢ W + b) + (1 − l1_ratio)/2 ‖W‖² + l1_ratio ‖W‖₁

    with ℓ the cross-entropy, the intercept b free of penalties. Names and defaults are scikit-learn 1.9's, so
    that changing the import is enough; what is added is keyword-only. Where a pass over the rows is cheap the
    fit goes to the optimum whatever ``tol`` is; on large tables it stops once ``tol`` holds and ``max_iter``
    further passes are spent. ``optimality_`` says how near it came.

    Parameters
    ----------
    penalty : deprecated by scikit-learn in favour of ``l1_ratio`` and ``C``; accepted with its warning.
    C : inverse strength of the penalty, above 0; ``numpy.inf`` for none.
    l1_ratio : 0 for L2, 1 for L1, between for elastic net.
    dual : True is accepted with ``liblinear`` and changes nothing.
    tol : largest entry of the mean loss's gradient that counts as converged.
    fit_intercept : whether there is a b.
    intercept_scaling : with ``liblinear`` accepted and without effect: there it makes up for a penalty on the
        intercept, which is never penalised here.
    class_weight : weight by label, 1 where missing, or ``balanced``: n / (classes · rows of the class).
    random_state : no effect; nothing is drawn.
    solver : ``lbfgs``, ``liblinear``, ``newton-cg``, ``newton-cholesky``, ``sag``, ``saga``: all reach the
        same optimum, ``newton-cg`` and ``newton-cholesky`` by those methods and the others by what suits the
        table. What scikit-learn's solver of that name refuses is refused, too.
    max_iter : most steps, at least 0.
    verbose : above 0, a line a step on standard error.
    warm_start : whether fit begins at the last coefficients, where they have the right shape.
    n_jobs : deprecated by scikit-learn, no effect; see ``threads``.
    callbacks : each is called with a ``Progress`` (iteration, objective, optimality, evaluations) after every
        step; one that returns True ends the fit.
    engine : whose gradients large tables are approached with: ``native``, ``reference``, ``pytorch``, or
        ``auto``: native, or reference with an EngineWarning where native cannot be used.
    threads : default: the cores this process may use.
    dtype : of the coefficients, ``float32`` or ``float64``; by default float32 where X is, else float64. The
        last digits are computed in float64 in any case.

    Attributes
    ----------
    classes_ : labels in sorted order, (classes,).
    coef_ : (1, inputs) for two classes, the second one's, else (classes, inputs).
    intercept_ : (1,) or (classes,); 0 without an intercept. For several classes the mean is 0.
    n_iter_ : steps, (1,).
    optimality_ : a number, the largest entry of the gradient of ``objective_``; ``optimality_.gap`` bounds
        how far that is above its least value; ``str(optimality_)`` says it in words.
    objective_ : the objective above divided by C Σ w: mean loss and penalty (nats).
    n_features_in_, feature_names_in_ : as scikit-learn's.

    Raises
    ------
    ParameterError : in fit, a parameter out of range or without meaning; also scikit-learn's
        InvalidParameterError.
    DataError : rows, labels or weights that cannot be used, a single class; also a ValueError.

    Warns
    -----
    ConvergenceWarning : ``max_iter`` was reached before ``tol`` held; or there is no penalty and the classes
        are separated, so that no finite coefficients are the best.

    Examples
    --------
    >>> from descend import LogisticRegression
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = LogisticRegression().fit(X, y)
    >>> bool(model.optimality_.gap < 1e-12)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Estimator._parameter_constraints,
        "penalty": [StrOptions({"l1", "l2", "elasticnet"}), None, Hidden(StrOptions({"deprecated"}))],
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
        "dual": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "intercept_scaling": [Interval(Real, 0, None, closed="neither")],
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "random_state": ["random_state"],
        "solver": [StrOptions({"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"})],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "n_jobs": [None, Integral],
        "callbacks": [None, "array-like"],
    }
    _sparse: ClassVar[bool] = True
    classes_: Array

    def __init__(
        self,
        penalty: str | None = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: ClassWeight = None,
        random_state: int | np.random.RandomState | None = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
        callbacks: Sequence[Callback] | None = None,
        engine: str = "auto",
        threads: int | None = None,
        dtype: DType = None,
    ) -> None:
        self.penalty = penalty
        self.C = C
        self.l1_ratio = l1_ratio
        self.dual = dual
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.random_state = random_state
        self.solver = solver
        self.max_iter = max_iter
        self.verbose = verbose
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.callbacks = callbacks
        self.engine = engine
        self.threads = threads
        self.dtype = dtype

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> LogisticRegression:
        """Solves for the coefficients.

        X : (n, inputs) array, frame or sparse matrix (kept sparse).  y : (n,) labels.
        sample_weight : (n,) of at least 0.
        """
        penalty = resolved_penalty(self)
        self._check_meaningless()
        if self.engine != AUTO:  # small tables need none, and need not be warned of what they do without
            get_engine(self.engine)
        x, target = self._training_rows(
            X, y, multi_output=False, accept_large_sparse=self.solver in ALL_SIZES
        )
        refuse_huge(self.solver, x)
        classes, numbers = encoded_labels(target)
        self._check_classes(classes)
        weight = row_weights(sample_weight, x)
        weight = class_row_weights(self.class_weight, weight, classes, numbers, x.dtype)
        self._solve(x, numbers, classes, weight, penalty)
        return self

    def decision_function(self, X: Any) -> Array:
        """Scores x W + b: (n,) for two classes, above 0 for the second; else (n, classes)."""
        check_is_fitted(self)
        rows = self._rows(X)
        with named_later():
            scores = safe_sparse_dot(rows, self.coef_.T, dense_output=True) + self.intercept_
        check_answers(scores, "score")
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict_proba(self, X: Any) -> Array:
        """Probabilities (n, classes) in the order of ``classes_``."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([expit(-scores), expit(scores)])
        return np.asarray(softmax(scores, axis=1))

    def predict_log_proba(self, X: Any) -> Array:
        """Logarithms of the probabilities (n, classes), exact also where these round to 0."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.column_stack([log_expit(-scores), log_expit(scores)])
        return np.asarray(log_softmax(scores, axis=1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = self.solver != "liblinear"
        return tags

    def _check_meaningless(self) -> None:
        if self.intercept_scaling != 1 and self.solver != "liblinear":
            raise ParameterError(
                f"intercept_scaling={self.intercept_scaling!r} has no meaning with solver={self.solver!r}: "
                "the intercept is not penalised; leave it at its default, 1"
            )
        if self.n_jobs is not None:
            warnings.warn(
                "'n_jobs' has no effect, and scikit-learn removes it in 1.10; use threads instead",
                FutureWarning, stacklevel=4,
            )  # fmt: skip

    def _check_classes(self, classes: Array) -> None:
        if len(classes) < 2:
            raise DataError(
                f"y holds only one class, {classes.tolist()[0]!r}; LogisticRegression needs at least two"
            )
        if len(classes) > 2 and self.solver == "liblinear":
            raise ParameterError(
                "The 'liblinear' solver does not support multiclass classification, and y has "
                f"{len(classes)} classes; use another solver, or OneVsRestClassifier around this one"
            )

    def _solve(self, x: Any, numbers: Any, classes: Array, weight: Array | None, penalty: Penalty) -> None:
        total = float(x.shape[0]) if weight is None else float(weight.sum(dtype=np.float64))
        l2, l1 = penalty.per_mean_loss(total)
        problem = Problem(x, numbers, len(classes), weight, l2, l1, bool(self.fit_intercept))
        with named_later():
            found = solve_logistic(
                problem, start=self._start(problem), method=_METHODS.get(self.solver, "auto"), tol=self.tol,
                max_iter=self.max_iter, callback=self._tell if self.verbose or self.callbacks else None,
                engine=self.engine, threads=resolve_threads(self.threads),
            )  # fmt: skip
        check_solved(found.weight)
        self.classes_ = classes
        self._keep(found, x.dtype)
        warn_of_ending(found, self.solver, self.tol)

    def _start(self, problem: Problem) -> tuple[Array, Array] | None:
        """The last coefficients, with a warm start from ones of the right shape."""
        if not self.warm_start or not hasattr(self, "coef_"):
            return None
        coef = sparse.csr_array(self.coef_).toarray()
        if coef.shape != (problem.outputs, problem.x.shape[1]):
            return None
        bias = self.intercept_ if problem.intercept else np.zeros(problem.outputs)
        return coef.T.astype(np.float64), bias.astype(np.float64)

    def _tell(self, progress: Progress) -> bool:
        if self.verbose:
            print(
                f"step {progress.iteration}: objective {progress.objective:.10g}, "
                f"largest gradient entry {progress.optimality:.1e}",
                file=sys.stderr,
            )  # fmt: skip
        return told(self.callbacks or (), progress)

    def _keep(self, found: Fitted, dtype: np.dtype[Any]) -> None:
        # scikit-learn's liblinear answers in float64 whatever X is.
        kept = np.float64 if self.solver == "liblinear" and self.dtype is None else dtype
        with np.errstate(over="ignore"):
            self.coef_ = np.ascontiguousarray(found.weight.T, dtype=kept)
            self.intercept_ = found.bias.astype(kept)
        self.n_iter_ = np.array([found.iterations], dtype=np.int32)
        self.objective_ = found.objective
        self.optimality_: Optimality = found.optimality
