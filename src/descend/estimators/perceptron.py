"""What MLPClassifier and MLPRegressor share: a fit from validated rows to weights, and the output."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from descend.engines.protocol import Inputs, Program, State
from descend.engines.registry import choose_engine, get_engine, resolve_engine
from descend.engines.threads import resolve_threads
from descend.errors import DataError, Diverged
from descend.estimators.answering import Answering
from descend.estimators.base import Array, Estimator, FitDiverged, ParameterError, row_weights
from descend.estimators.beyond import named_later
from descend.estimators.declared import (
    PERCEPTRON_CONSTRAINTS,
    check_together,
    declared_network,
    declared_optimizer,
    drawn_parameters,
)
from descend.estimators.full_batch import solve_by_lbfgs
from descend.estimators.held_out import Judge, Rows, split_rows
from descend.estimators.record import Record
from descend.estimators.shown import shown_progress
from descend.estimators.stochastic import Setting, StochasticFit
from descend.networks import Network
from descend.networks.losses import Loss
from descend.optimizers import SGD, Optimizer
from descend.optimizers.schedules import Schedule
from descend.training.epochs import EpochCallback
from descend.training.history import Curve
from descend.training.memory import check_memory

_FEW_OPERATIONS = 1_000_000
Validation = tuple[Any, Any] | tuple[Any, Any, ArrayLike]


def is_stochastic(estimator: Perceptron) -> bool:
    """Whether there is a partial_fit. Raises AttributeError where there is none."""
    if estimator.solver == "lbfgs":
        raise AttributeError("partial_fit is only available for stochastic optimizers, not for lbfgs")
    return True


class Perceptron(Estimator):
    """Base of the two. Subclasses say what the targets, the loss and the labels are."""

    _sparse: ClassVar[bool] = True
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Estimator._parameter_constraints,
        **PERCEPTRON_CONSTRAINTS,
    }

    hidden_layer_sizes: int | Sequence[int]
    activation: str
    solver: str | Optimizer
    alpha: float
    learning_rate: str | Schedule
    max_iter: int
    shuffle: bool
    random_state: int | np.random.RandomState | None
    tol: float
    verbose: bool | int
    warm_start: bool
    early_stopping: bool
    validation_fraction: float
    max_fun: int
    dropout: float | Sequence[float]
    clip_norm: float | None
    scoring: Any
    callbacks: Sequence[EpochCallback] | None
    engine: str
    threads: int | None
    coefs_: list[Array]
    intercepts_: list[Array]
    _network: Network
    _answering: Answering
    _record: Record

    def _declare(self, given: Mapping[str, Any]) -> None:
        """Keeps a constructor's parameters as they came; fit checks them."""
        for name in self._get_param_names():
            setattr(self, name, given[name])

    @abstractmethod
    def _learn_targets(self, y: Any, first: bool, partial: bool) -> None:
        """Notes what y looks like, or that it looks as in the last fit."""

    @abstractmethod
    def _targets(self, y: Any, dtype: np.dtype[Any]) -> Array:
        """y as the engines take it."""

    @abstractmethod
    def _weighted(self, weight: Array | None, y: Any, dtype: np.dtype[Any]) -> Array | None:
        """Weights of the rows, those of their classes included."""

    @abstractmethod
    def _declared_loss(self) -> Loss:
        """The loss that the parameters name."""

    @abstractmethod
    def _loss_scale(self, columns: int) -> float:
        """What the engine's loss, a mean over columns, is multiplied by to be scikit-learn's."""

    @abstractmethod
    def _constant(self, target: Array) -> Curve | None:
        """What scikit-learn's loss of each row has on top, whatever the weights are, (n,)."""

    @abstractmethod
    def _stratum(self, target: Array) -> Array | None:
        """What held-out rows are balanced by, of the targets as the engines take them."""

    @abstractmethod
    def _score_of(self, output: Array, rows: Rows) -> float:
        """The default score of the network's output (n, outputs) for these rows."""

    @property
    @abstractmethod
    def _outputs(self) -> int:
        """Units of the last layer."""

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation: Any, partial: bool) -> None:
        check_together(self.get_params(deep=False), validation is not None, partial)
        resolve_engine(self.engine, stacklevel=5)
        first = not hasattr(self, "coefs_") or not (self.warm_start or partial)
        x, target = self._training_rows(X, y, multi_output=True, reset=first)
        if not first:
            self._take_up(x.dtype)
            x = self._in(self.coefs_[0].dtype, x)
        self._learn_targets(target, first, partial)
        own_weight = row_weights(sample_weight, x)
        learnt = self._as_rows(x, target, own_weight, X, y)
        random = check_random_state(self.random_state)
        network = declared_network(self.get_params(deep=False), self._outputs, self._declared_loss())
        if first:
            self._record = Record()
            self._keep(drawn_parameters(network, x.shape[1], x.dtype, self.activation, random))
        elif network.parameter_shapes(x.shape[1]) != {k: v.shape for k, v in self._parameters().items()}:
            raise ParameterError(
                "warm_start and partial_fit go on with the layers of the last fit: "
                "leave hidden_layer_sizes as it was"
            )
        self._network, self.n_outputs_, self.n_layers_ = network, network.outputs, len(network.widths(1))
        self._answering = Answering()
        undo, before = self._record.undone_by(), self._parameters()
        try:
            with named_later():
                self._learn(learnt, validation, random, partial)
        except BaseException as error:
            self._record = undo()
            self._keep(before)
            if first:  # the weights drawn are no model
                del self.coefs_, self.intercepts_
            if isinstance(error, Diverged):
                raise FitDiverged.of(error) from None
            raise

    def _take_up(self, dtype: np.dtype[Any]) -> None:
        """Makes weights that no fit left but the caller set ones that a fit can go on from."""
        if not hasattr(self, "_record"):
            self._record = Record()
            self.coefs_ = [np.asarray(part, dtype) for part in self.coefs_]
            self.intercepts_ = [np.asarray(part, dtype) for part in self.intercepts_]

    def _learn(self, learnt: Rows, validation: Any, random: np.random.RandomState, partial: bool) -> None:
        if self.solver == "lbfgs":
            self._solve(learnt)
        elif validation is not None:
            try:
                given = self._given(validation, learnt.inputs.x.dtype)
            except DataError as error:
                raise DataError(f"validation: {error}") from None
            self._train(learnt, random, partial, held_out=given, judged_too=learnt)
        elif self.early_stopping:
            stratum = self._stratum(learnt.inputs.y)
            kept, held_out = split_rows(learnt, self.validation_fraction, stratum, random)
            self._train(learnt, random, partial, held_out=held_out, kept=kept)
        else:
            self._train(learnt, random, partial)

    def _as_rows(self, x: Any, target: Any, own_weight: Array | None, X: Any, y: Any) -> Rows:
        weight = self._weighted(own_weight, target, x.dtype)
        inputs = Inputs(x, self._targets(target, x.dtype), weight)
        return Rows(inputs, own_weight, self._constant(inputs.y), X, y)

    def _given(self, validation: Any, dtype: np.dtype[Any]) -> Rows:
        """The caller's own validation rows."""
        if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
            raise DataError("give (X, y) or (X, y, sample_weight)")
        X, y = validation[:2]
        x, target = self._training_rows(X, y, multi_output=True, reset=False)
        x = self._in(dtype, x)
        weight = row_weights(validation[2] if len(validation) == 3 else None, x)
        return self._as_rows(x, target, weight, X, y)

    def _compiled(self, optimizer: Optimizer, threads: int | None, seed: int = 0) -> Program:
        network, width, dtype = self._network, self.coefs_[0].shape[0], self.coefs_[0].dtype
        return get_engine(choose_engine(self.engine)[0]).compile(
            network, network.widths(width), optimizer, str(dtype), resolve_threads(threads), seed
        )

    def _train(
        self, learnt: Rows, random: np.random.RandomState, partial: bool, *, held_out: Rows | None = None,
        judged_too: Rows | None = None, kept: NDArray[np.int64] | None = None,
    ) -> None:  # fmt: skip
        """Epochs on all rows, or on those ``kept``; ``held_out`` and ``judged_too`` are scored after each."""
        inputs = learnt.inputs
        columns = 1 if inputs.y.ndim == 1 else inputs.y.shape[1]
        parameters = self.get_params(deep=False)
        optimizer = declared_optimizer(parameters, columns)
        seed = int(random.randint(2**31 - 1)) if np.any(self.dropout) else 0
        check_memory(self._network, inputs.x.shape[1], optimizer, inputs.x.dtype.itemsize)
        program = self._compiled(optimizer, self.threads, seed)
        program.load(self._first_state(optimizer))
        program.bind(inputs)
        if not partial:
            self._record.steps = 0
        judge = None
        if held_out is not None:
            judge = Judge(self, program, self._loss_scale(columns), held_out, judged_too)
        with shown_progress(self.verbose, self._network.classifies) as listener:
            setting = Setting(
                parameters, self._network, optimizer, np.arange(len(inputs.y)) if kept is None else kept,
                float(self.alpha), columns, self._loss_scale(columns), learnt.constant,
                self.clip_norm and float(self.clip_norm) / columns,
                random if self.shuffle else None, int(self.max_iter), judge, tuple(self.callbacks or ()),
                listener,
            )  # fmt: skip
            self._keep(StochasticFit(program, inputs, setting, self._record).run(partial))
        self._report(self._record)

    def _first_state(self, optimizer: Optimizer) -> State:
        """The weights, and what the optimizer remembers of the last fit where it is of the same kind."""
        state: State = dict(self._parameters())
        before = self._record.state
        if before is not None and self._record.slots == optimizer.slots:
            return {**before, **state}
        return state

    def _solve(self, learnt: Rows) -> None:
        """All rows at once, by L-BFGS."""
        inputs = learnt.inputs
        columns = 1 if inputs.y.ndim == 1 else inputs.y.shape[1]
        solved, curve = solve_by_lbfgs(
            self._compiled(SGD(), self.threads), self._network, inputs, self._parameters(), float(self.alpha),
            columns, self._loss_scale(columns), float(self.tol), int(self.max_iter), int(self.max_fun),
            bool(self.verbose),
        )  # fmt: skip
        self._keep(solved.parameters)
        record = self._record
        constant = learnt.mean_constant
        record.loss_curve, record.epochs = [loss + constant for loss in curve], solved.iterations
        record.best_loss = solved.objective * self._loss_scale(columns) + constant
        self._report(record)

    def _keep(self, state: State) -> None:
        """Sets ``coefs_`` and ``intercepts_``."""
        numbers = range(sum(name.endswith(".weight") for name in state if name[0].isdigit()))
        self.coefs_ = [state[f"{number}.weight"].copy() for number in numbers]
        self.intercepts_ = [state[f"{number}.bias"].copy() for number in numbers]

    def _parameters(self) -> State:
        pairs = enumerate(zip(self.coefs_, self.intercepts_, strict=True))
        return {
            f"{number}.{part}": array
            for number, pair in pairs
            for part, array in zip(("weight", "bias"), pair, strict=True)
        }

    def _report(self, record: Record) -> None:
        """Sets the attributes that tell how the fit went."""
        self.n_iter_, self.t_ = record.epochs, record.rows_seen
        self._no_improvement_count = record.idle  # private in scikit-learn, yet read by people's loops
        self.loss_curve_ = record.loss_curve
        self.loss_ = record.loss_curve[-1] if record.loss_curve else record.best_loss
        stops_early = self.early_stopping and self.solver != "lbfgs"
        self.best_loss_ = None if stops_early else record.best_loss
        self.best_validation_score_ = record.best_score if stops_early else None
        self.validation_scores_ = record.validation_scores or None
        self.validation_loss_curve_ = record.validation_losses or None
        self.training_scores_ = record.training_scores or None

    def _expected(self, X: Any) -> Array:
        """What the network says of the target: probabilities, expected counts or numbers, (n, outputs)."""
        check_is_fitted(self, "coefs_")
        x = self._rows(X, self.coefs_[0].dtype)
        # few rows are done before other threads have woken up; the bits are the same
        operations = x.shape[0] * sum(part.size for part in self.coefs_)
        threads = 1 if operations < _FEW_OPERATIONS else self.threads
        key = (self.engine, threads, self.coefs_[0].dtype, self.coefs_[0].shape[0])
        return self._answering.output(key, lambda: self._compiled(SGD(), threads), self._parameters(), x)
