"""The multilayer perceptron as a scikit-learn classifier."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target

from descend.engines.plan import LastBatch
from descend.errors import DataError
from descend.estimators.base import (
    Array,
    ClassWeight,
    DType,
    ParameterError,
    class_row_weights,
    column_weights,
)
from descend.estimators.held_out import Rows
from descend.estimators.labels import Labels
from descend.estimators.perceptron import Perceptron, Validation, is_stochastic
from descend.networks import BinaryCrossEntropy, CrossEntropy
from descend.networks.losses import Loss
from descend.optimizers import Optimizer
from descend.optimizers.schedules import Schedule
from descend.training.epochs import EpochCallback
from descend.training.history import Curve


class MLPClassifier(ClassifierMixin, Perceptron):  # type: ignore[misc]
    """Multilayer perceptron that predicts classes, or several yes/no columns, by the log loss.

    Parameters, defaults and attributes are those of sklearn.neural_network.MLPClassifier 1.9; those from
    ``class_weight`` on are descend's own, as are optimizers, schedules and activations it does not name.

    Parameters
    ----------
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
    class_weight : weight by label, ``balanced``, or None; a list of one for each of several yes/no columns.
    label_smoothing : ε, from 0 to 1: targets become (1 − ε) q + ε / classes, for yes/no columns ε / 2.
    dropout : probability of dropping a hidden unit while training; one for all layers or one a layer.
    clip_norm : largest norm of a step's gradient, above 0; longer ones are scaled down.
    last_batch : ``keep`` an epoch's short last batch, ``drop`` it, or ``wrap``: fill it from the next epoch.
    scoring : name or callable of scikit-learn's that judges validation rows; accuracy by default.
    callbacks : each is called with an ``Epoch`` after every epoch; one that returns True ends the fit.
    engine : ``auto``: native, or reference with an EngineWarning where native cannot be used; ``native``,
        ``reference`` or ``pytorch``.
    threads : default: the cores this process may use.
    dtype : ``float32`` or ``float64``; by default float32 where X is, else float64.

    Attributes
    ----------
    classes_ : labels in sorted order, (classes,); numbers of the columns where there are several.
    coefs_, intercepts_ : of each layer, (inputs, units) and (units,).
    loss_curve_, loss_, best_loss_ : mean loss of each epoch's batches before their updates, penalty included
        (nats); the last one; the smallest one, None with early_stopping.
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
    >>> from descend import MLPClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier(solver="lbfgs", alpha=0.1, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.97)
    True
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Perceptron._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="both")],
    }
    loss = "log_loss"
    classes_: Array

    def __init__(
        self,
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
        class_weight: ClassWeight | Sequence[ClassWeight] = None,
        label_smoothing: float = 0.0,
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
    ) -> MLPClassifier:
        """Trains on all rows.

        X : (n, inputs) array, frame or CSR, which stays sparse.  y : (n,) labels, or (n, columns) of 0 and 1.
        sample_weight : (n,) of at least 0.  validation : (X, y) or (X, y, sample_weight), judged each epoch.
        """
        self._fit(X, y, sample_weight, validation, partial=False)
        return self

    @available_if(is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, classes: ArrayLike | None = None
    ) -> MLPClassifier:
        """Trains one epoch on these rows, from where the last fit or call ended.

        classes : all labels there will be, needed in the first call unless y is of yes/no columns.
        """
        if self.class_weight == "balanced":
            raise ParameterError(
                "class_weight='balanced' needs all rows at once: in partial_fit give a weight for each label"
            )
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y) == "multilabel-indicator"
            self._labels = Labels.learnt(y if several else self.classes_)
        self._fit(X, y, sample_weight, None, partial=True)
        return self

    def predict(self, X: Any) -> Any:
        """Labels (n,) in the type of y, or (n, columns) of 0 and 1."""
        p = self._expected(X)
        return self._labels.decoded(p)

    def predict_proba(self, X: Any) -> Array:
        """Probabilities (n, classes) in the order of ``classes_``; of 1 for several yes/no columns."""
        p = self._expected(X)
        if self._labels.columns or self._labels.outputs > 1:
            return p
        if len(self.classes_) == 1:
            return np.ones_like(p)
        return np.concatenate((1 - p, p), axis=1)

    def predict_log_proba(self, X: Any) -> Array:
        """Natural logarithms of ``predict_proba``."""
        with np.errstate(divide="ignore"):  # log 0 is −∞
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    @property
    def _outputs(self) -> int:
        return self._labels.outputs

    def _declared_loss(self) -> Loss:
        smoothing = float(self.label_smoothing)
        if self._labels.activation == "softmax":
            return CrossEntropy(smoothing)
        return BinaryCrossEntropy(smoothing)

    def _learn_targets(self, y: Any, first: bool, partial: bool) -> None:
        if not partial and (first or not hasattr(self, "_labels")):
            self._labels = Labels.learnt(y)
        elif not partial and set(Labels.learnt(y).classes) != set(self.classes_):
            raise DataError(
                "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                f"Previously got {self.classes_}, `y` has {Labels.learnt(y).classes}"
            )
        self.classes_ = self._labels.classes
        self.out_activation_ = self._labels.activation

    def _targets(self, y: Any, dtype: np.dtype[Any]) -> Array:
        return self._labels.targets(y, dtype)

    def _weighted(self, weight: Array | None, y: Any, dtype: np.dtype[Any]) -> Array | None:
        if self._labels.columns:
            return column_weights(self.class_weight, weight, y, dtype)
        return class_row_weights(self.class_weight, weight, self.classes_, self._labels.numbers(y), dtype)

    def _loss_scale(self, columns: int) -> float:
        return float(columns)

    def _constant(self, target: Array) -> Curve | None:
        return None

    def _stratum(self, target: Array) -> Array | None:
        return target.astype(bool) if self._labels.outputs == 1 else None

    def _score_of(self, output: Array, rows: Rows) -> float:
        y = rows.inputs.y
        right = output.argmax(axis=1) == y if y.ndim == 1 else ((output > 0.5) == (y > 0.5)).all(axis=1)
        return float(np.average(right, weights=rows.weight))
