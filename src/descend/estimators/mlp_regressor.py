"""The multilayer perceptron as a scikit-learn regressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlogy
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from descend.engines.plan import LastBatch
from descend.errors import DataError
from descend.estimators.base import Array, DType
from descend.estimators.beyond import r_squared
from descend.estimators.held_out import Rows
from descend.estimators.perceptron import Perceptron, Validation, is_stochastic
from descend.networks import AbsoluteError, Huber, Poisson, Quantile, SquaredError
from descend.networks.losses import Loss, RegressionLoss
from descend.optimizers import Optimizer
from descend.optimizers.schedules import Schedule
from descend.training.epochs import EpochCallback
from descend.training.history import Curve

_LOSSES: dict[str, type[RegressionLoss]] = {
    "squared_error": SquaredError,
    "poisson": Poisson,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
}


class MLPRegressor(RegressorMixin, Perceptron):  # type: ignore[misc]
    """Multilayer perceptron that predicts one number a row, or several.

    Parameters, defaults and attributes are those of sklearn.neural_network.MLPRegressor 1.9; those from
    ``dropout`` on are descend's own, as are optimizers, schedules, activations and losses it does not name.

    Parameters
    ----------
    loss : ``squared_error`` (½ r²), ``poisson`` (half the deviance; predict gives the expected count),
        ``absolute_error``, ``huber``, ``quantile`` (the median), or a loss such as ``Quantile(0.9)``.
    hidden_layer_sizes : units of each hidden layer; () for none.
    activation : of the hidden layers: ``identity``, ``logistic`` (or ``sigmoid``), ``tanh``, ``relu``,
        ``hard_sigmoid``, ``gelu`` or ``gelu_tanh``.
    solver : ``adam``, ``sgd``, ``lbfgs``, or an optimizer such as ``RMSprop(0.01)`` with its own rate.
    alpha : L2 penalty of the weights, not the biases: ½ alpha ‖W‖² / (sum of the batch's row weights) is
        added to its loss. An AdamW shrinks the weights by as much instead.
    batch_size : rows a step; ``auto`` is 200, or all where there are fewer. ``lbfgs`` takes all.
    learning_rate : ``constant``; for ``sgd`` also ``invscaling``, learning_rate_init / (rows seen +
        1)^power_t after each epoch, and ``adaptive``, a fifth each time that n_iter_no_change epochs brought
        nothing; for ``sgd`` and ``adam`` also a schedule such as ``schedules.Cosine(0.01)``.
    learning_rate_init, power_t : see learning_rate.
    max_iter : most epochs, or iterations of ``lbfgs``.  max_fun : most gradients that ``lbfgs`` asks for.
    shuffle : whether each epoch has an order of its own.
    random_state : of the first weights, the order, held-out rows and dropout. The same number gives
        scikit-learn's first weights, orders and held-out rows.
    tol, n_iter_no_change : the fit ends after more than n_iter_no_change epochs in a row without an
        improvement by tol, of the loss, or of the validation score with early_stopping; ``lbfgs`` ends where
        no entry of the gradient is above tol, or an iteration lowers the loss by next to nothing (2.2e-9).
    verbose : 1 shows progress on standard error; above that, a line an epoch goes to standard output.
    warm_start : whether fit goes on from the last one, optimizer's state and rate included.
    momentum, nesterovs_momentum : of ``sgd``.  beta_1, beta_2, epsilon : of ``adam``, ε̂ of its paper.
    early_stopping : whether validation rows end the fit; the best weights are kept.
    validation_fraction : share of the rows held out for it, where fit is given no validation rows.
    dropout : probability of dropping a hidden unit while training; one for all layers or one a layer.
    clip_norm : largest norm of a step's gradient, above 0; longer ones are scaled down.
    last_batch : ``keep`` an epoch's short last batch, ``drop`` it, or ``wrap``: fill it from the next epoch.
    scoring : name or callable of scikit-learn's that judges validation rows; R² by default.
    callbacks : each is called with an ``Epoch`` after every epoch; one that returns True ends the fit.
    engine : ``auto``: native, or reference with an EngineWarning where native cannot be used; ``native``,
        ``reference`` or ``pytorch``.
    threads : default: the cores this process may use.
    dtype : ``float32`` or ``float64``; by default float32 where X is, else float64.

    Attributes
    ----------
    coefs_, intercepts_ : of each layer, (inputs, units) and (units,).
    loss_curve_, loss_, best_loss_ : mean loss of each epoch's batches before their updates, penalty included
        (in units of the loss, mean over columns); the last one; the smallest one, None with early_stopping.
    validation_scores_, best_validation_score_, validation_loss_curve_ : after each epoch, or None without
        validation rows.  training_scores_ : where fit was given validation rows.
    n_iter_ : epochs of the last fit.  t_ : rows read by all fits that went on from each other.
    n_features_in_, feature_names_in_, n_layers_, n_outputs_, out_activation_ : as scikit-learn's.

    Raises
    ------
    ParameterError : in fit, a parameter out of range; also scikit-learn's InvalidParameterError.
    DataError : rows, targets or weights that cannot be used; also a ValueError.
    Diverged : the loss stopped being finite, or grew to 1e12 times what it was at first; also a ValueError. A
        first fit leaves no model then.

    Examples
    --------
    >>> import numpy as np
    >>> from descend import MLPRegressor
    >>> X = np.linspace(-1, 1, 100).reshape(-1, 1)
    >>> model = MLPRegressor(solver="lbfgs", max_iter=1000, random_state=0).fit(X, X[:, 0] ** 2)
    >>> bool(model.score(X, X[:, 0] ** 2) > 0.999)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "loss": [StrOptions(set(_LOSSES)), *_LOSSES.values()],
    }

    def __init__(
        self,
        loss: str | Loss = "squared_error",
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str = "relu",
        *,
        solver: str | Optimizer = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: int | np.random.RandomState | None = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: float | Sequence[float] = 0.0,
        clip_norm: float | None = None,
        last_batch: LastBatch = "keep",
        scoring: Any = None,
        callbacks: Sequence[EpochCallback] | None = None,
        engine: str = "auto",
        threads: int | None = None,
        dtype: DType = None,
    ) -> None:
        self._declare(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        validation: Validation | None = None,
    ) -> MLPRegressor:
        """Trains on all rows.

        X : (n, inputs) array, frame or CSR, which stays sparse.  y : (n,) or (n, outputs) numbers.
        sample_weight : (n,) of at least 0.  validation : (X, y) or (X, y, sample_weight), judged each epoch.
        """
        self._fit(X, y, sample_weight, validation, partial=False)
        return self

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> MLPRegressor:
        """Trains one epoch on these rows, from where the last fit or call ended."""
        self._fit(X, y, sample_weight, None, partial=True)
        return self

    def predict(self, X: Any) -> Array:
        """Numbers, (n,), or (n, outputs) where y had several columns."""
        z = self._expected(X)
        return z[:, 0] if z.shape[1] == 1 else z

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """R² of the predictions for X. Raises DataError naming the row that takes it beyond float64."""
        return r_squared(y, self.predict(X), sample_weight)

    @property
    def _outputs(self) -> int:
        return self._columns

    def _declared_loss(self) -> Loss:
        return _LOSSES[self.loss]() if isinstance(self.loss, str) else self.loss

    def _learn_targets(self, y: Any, first: bool, partial: bool) -> None:
        self._columns = 1 if y.ndim == 1 else y.shape[1]
        self.out_activation_ = "exp" if isinstance(self._declared_loss(), Poisson) else "identity"

    def _targets(self, y: Any, dtype: np.dtype[Any]) -> Array:
        columns = column_or_1d(y, warn=True)[:, None] if y.ndim == 1 or y.shape[1] == 1 else y
        if columns.shape[1] != self._columns:
            raise DataError(f"y has {columns.shape[1]} columns, the training rows have {self._columns}")
        with np.errstate(over="ignore"):  # found by the next line
            target = np.ascontiguousarray(columns, dtype)
        if not np.isfinite(target).all():
            row = np.flatnonzero(~np.isfinite(target).all(axis=1))[0]
            raise DataError(f"y holds a value too large for {target.dtype} in row {row}: use dtype='float64'")
        if isinstance(self._declared_loss(), Poisson) and target.min() < 0:
            row = np.flatnonzero((target < 0).any(axis=1))[0]
            raise DataError(f"y is below 0 in row {row}: the Poisson loss takes counts of at least 0")
        return target

    def _weighted(self, weight: Array | None, y: Any, dtype: np.dtype[Any]) -> Array | None:
        return weight

    def _loss_scale(self, columns: int) -> float:
        return float(columns) if isinstance(self._declared_loss(), Poisson) else 1.0

    def _constant(self, target: Array) -> Curve | None:
        if not isinstance(self._declared_loss(), Poisson):
            return None
        counts = target.astype(np.float64)
        return (xlogy(counts, counts) - counts).sum(axis=1)

    def _stratum(self, target: Array) -> Array | None:
        return None

    def _score_of(self, output: Array, rows: Rows) -> float:
        return r_squared(rows.inputs.y, output, rows.weight)
