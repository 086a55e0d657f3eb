"""The epochs of a perceptron's fit: rates, penalty, what is recorded, and when it is enough.

Stopping rules, the rates of ``invscaling`` and ``adaptive``, and how the losses of batches are averaged are
those of scikit-learn's MLPClassifier and MLPRegressor.
"""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from descend.engines.protocol import Inputs, Program, State
from descend.errors import Diverged
from descend.networks import Network
from descend.optimizers import SGD, AdamW, Optimizer, parameter_decay, step_rates
from descend.optimizers.schedules import Span
from descend.training.epochs import Epoch, EpochCallback, Epochs, epoch_batches
from descend.training.history import Curve
from descend.training.loop import Listener, Progress

Judge = Callable[[State], tuple[float, float, float | None]]
_CALLERS = 8  # frames between a warning and the caller of fit
_SLOWEST = 1e-6  # an adaptive rate that has come down to this ends the fit


@dataclass(slots=True)
class Record:
    """What a fit leaves behind for the attributes, and for the next fit that goes on from it.

    rate, declared_rate : learning rate reached, and ``learning_rate_init`` it came from.
    idle : epochs since the last improvement by more than ``tol``.
    state : the program's, to go on from.  best : parameters of the best validation score.
    slots : of the optimizer whose state it is.
    """

    loss_curve: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    training_scores: list[float] = field(default_factory=list)
    best_loss: float = math.inf
    best_score: float = -math.inf
    idle: int = 0
    rows_seen: int = 0
    epochs: int = 0
    steps: int = 0
    rate: float = 0.0
    declared_rate: float = 0.0
    state: State | None = None
    best: State | None = None
    slots: tuple[str, ...] = ()

    def undone_by(self) -> Callable[[], Record]:
        """What gives this record back as it is now, whatever a fit that fails has added to it."""
        kept = dataclasses.replace(self)
        curves = (self.loss_curve, self.validation_losses, self.validation_scores, self.training_scores)
        lengths = [len(curve) for curve in curves]

        def undo() -> Record:
            for curve, length in zip(curves, lengths, strict=True):
                del curve[length:]
            return kept

        return undo


@dataclass(frozen=True, slots=True)
class Setting:
    """What a stochastic fit is told.

    rows : numbers of the bound rows to learn from.  alpha : scikit-learn's L2 penalty of the weights.
    columns : output columns whose mean the engine takes where scikit-learn's gradient is of their sum.
    loss_scale : what the engine's loss is multiplied by for ``loss_curve_``; constant : what is added, a row.
    judge : state → validation loss, validation score, training score; None without validation rows.
    """

    parameters: dict[str, Any]
    network: Network
    optimizer: Optimizer
    rows: NDArray[np.int64]
    alpha: float
    columns: int
    loss_scale: float
    constant: Curve | None
    clip_norm: float | None
    shuffle: np.random.RandomState | None
    max_iter: int
    judge: Judge | None
    callbacks: tuple[EpochCallback, ...]
    listener: Listener | None


class StochasticFit:
    """One fit, or one call of partial_fit, on a program that holds its first weights."""

    def __init__(self, program: Program, inputs: Inputs, setting: Setting, record: Record) -> None:
        self._setting, self._record = setting, record
        self._names = tuple(setting.network.parameter_shapes(inputs.x.shape[1]))
        self._weights = [name for name in self._names if name.endswith(".weight")]
        self._penalised = np.array([float(name in self._weights) for name in self._names])
        self._row_weight = inputs.weight
        self._epochs = Epochs(program, self._names)
        self._own_decay = parameter_decay(setting.optimizer.weight_decay, self._names)
        self._started = time.perf_counter()
        declared = float(setting.parameters["learning_rate_init"])
        if record.declared_rate != declared:
            record.rate = record.declared_rate = declared

    def run(self, partial: bool) -> State:
        """Trains until a rule or a callback says stop, and returns the state to keep.

        partial : one epoch, without a warning that there could be more.

        Raises
        ------
        Diverged : a loss stopped being finite.
        """
        setting, record = self._setting, self._record
        declared, count = setting.parameters["batch_size"], len(setting.rows)
        size = min(200 if declared == "auto" else int(declared), count)
        if declared != "auto" and declared > count:
            _warn(f"batch_size={declared} is clipped to the {count} rows there are", UserWarning)
        batches = epoch_batches(setting.rows, size, setting.parameters["last_batch"], setting.shuffle)
        record.epochs = 0
        try:
            for rows, offsets in batches:
                asked = self._epoch(rows, offsets)
                if asked or self._enough() or partial:
                    break
                if record.epochs == setting.max_iter:
                    _warn(
                        f"stopped after max_iter={setting.max_iter} epochs while the "
                        f"{'validation score' if setting.parameters['early_stopping'] else 'loss'} was still "
                        f"getting better by more than tol={setting.parameters['tol']:g}: raise max_iter",
                        ConvergenceWarning,
                    )
                    break
        except KeyboardInterrupt:
            if not record.epochs:
                raise
            _warn(
                f"interrupted after {record.epochs} epochs; the weights of the last one are kept", UserWarning
            )
        record.state, record.slots = self._epochs.state, setting.optimizer.slots
        if setting.parameters["early_stopping"] and record.best is not None:
            record.state = {**record.state, **record.best}
        return record.state

    def _epoch(self, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> bool:
        """Makes and records one; whether a callback asks to stop."""
        setting, record = self._setting, self._record
        counts = np.diff(offsets)
        weights = counts.astype(np.float64)
        if self._row_weight is not None:
            weights = np.add.reduceat(self._row_weight[rows].astype(np.float64), offsets[:-1])
        shares = np.divide(1.0, weights, out=np.zeros_like(weights), where=weights > 0)
        rates = self._rates(len(counts))
        columns = setting.columns if isinstance(setting.optimizer, SGD) else 1
        losses = self._epochs.make(rows, offsets, rates, self._decay(shares), columns, setting.clip_norm)
        total = int(counts.sum())
        told = losses * setting.loss_scale + self._constants(rows, offsets) * shares
        loss = (float(told @ counts) + self._penalty(counts * shares)) / total
        if not math.isfinite(loss):  # the losses of the steps are: the penalty is not
            raise self._diverged("with its penalty")
        record.loss_curve.append(loss)
        record.epochs += 1
        record.steps += len(counts)
        record.rows_seen += len(setting.rows)
        self._judge(loss)
        asked = self._tell(loss, float(rates[-1]), len(counts))
        if self._follows("invscaling"):
            power = float(setting.parameters["power_t"])
            self._change_rate(record.declared_rate / (record.rows_seen + 1) ** power)
        return asked

    def _follows(self, schedule: str) -> bool:
        """Whether the rate follows one of scikit-learn's schedules, which are for its ``sgd`` alone."""
        parameters = self._setting.parameters
        return bool(parameters["solver"] == "sgd" and parameters["learning_rate"] == schedule)

    def _rates(self, steps: int) -> NDArray[np.float64]:
        record, setting = self._record, self._setting
        lr: Any = setting.parameters["learning_rate"]
        if not isinstance(setting.parameters["solver"], str):
            lr = setting.optimizer.lr
        elif isinstance(lr, str):
            lr = record.rate
        if isinstance(lr, float):  # what is told every epoch is told quickly
            return np.full(steps, lr)
        return step_rates(lr, Span(record.steps, steps, steps, setting.max_iter * steps))

    def _decay(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """alpha / Σ weight of the batch on weights, and the optimizer's own on all, (steps, parameters)."""
        decay = self._setting.alpha * shares[:, None] * self._penalised + self._own_decay
        return decay if isinstance(self._setting.optimizer, AdamW) else decay / self._setting.columns

    def _penalty(self, shares: NDArray[np.float64]) -> float:
        """½ alpha Σ over batches of their share · ‖W‖² before the update.

        ‖W‖² is known before the first and after the last; between them it is taken for a straight line.
        """
        if not self._setting.alpha:
            return 0.0
        before, after = (self._norm(state) for state in (self._epochs.previous, self._epochs.state))
        line = before + (after - before) * np.arange(len(shares)) / len(shares)
        return 0.5 * self._setting.alpha * float(line @ shares)

    def _constants(self, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> Curve:
        """Weighted sum of the rows' constants by batch, (steps,)."""
        constant, weight = self._setting.constant, self._row_weight
        if constant is None:
            return np.zeros(len(offsets) - 1)
        chosen = constant[rows] if weight is None else constant[rows] * weight[rows]
        return np.add.reduceat(chosen, offsets[:-1])

    def _norm(self, state: State) -> float:
        return sum(float(np.vdot(state[name], state[name])) for name in self._weights)

    def _judge(self, loss: float) -> None:
        """Records the validation rows' loss and scores, and counts epochs without improvement."""
        record, parameters = self._record, self._setting.parameters
        if self._setting.judge is not None:
            checked, score, training_score = self._setting.judge(self._epochs.state)
            if not math.isfinite(checked):
                raise self._diverged("of the validation rows")
            record.validation_losses.append(checked)
            record.validation_scores.append(score)
            if training_score is not None:
                record.training_scores.append(training_score)
        if parameters["early_stopping"]:
            score = record.validation_scores[-1]
            idle = score < record.best_score + parameters["tol"]
            if score > record.best_score:
                record.best_score = score
                record.best = {name: self._epochs.state[name] for name in self._names}
        else:
            idle = loss > record.best_loss - parameters["tol"]
            record.best_loss = min(record.best_loss, loss)
        record.idle = record.idle + 1 if idle else 0

    def _diverged(self, which: str) -> Diverged:
        state = self._epochs.state
        return Diverged(
            f"the loss {which} is not finite after epoch {self._record.epochs}: "
            "try a tenth of the learning rate or lower, and look for very large values in the rows",
            self._record.steps - 1, {name: state[name] for name in self._names},
        )  # fmt: skip

    def _tell(self, loss: float, rate: float, per_epoch: int) -> bool:
        """Tells the progress bar and the callbacks; whether one of these asks to stop."""
        record, setting = self._record, self._setting
        checked, score, training_score = (
            curve[-1] if curve else None
            for curve in (record.validation_losses, record.validation_scores, record.training_scores)
        )
        if setting.listener is not None:
            setting.listener(Progress(
                record.epochs * per_epoch, setting.max_iter * per_epoch, per_epoch,
                float(record.epochs * len(setting.rows)), time.perf_counter() - self._started, loss,
                None if checked is None or score is None else (checked, score),
            ))  # fmt: skip
        parameters = {name: self._epochs.state[name] for name in self._names}
        told = Epoch(record.epochs, loss, checked, score, training_score, rate, parameters)
        answers = [callback(told) for callback in setting.callbacks]  # each is told, whatever the others say
        return any(answers)

    def _enough(self) -> bool:
        """Whether the loss or score has stayed as it was for too long, and the rate cannot come down."""
        if self._record.idle <= self._setting.parameters["n_iter_no_change"]:
            return False
        if not self._follows("adaptive") or self._record.rate <= _SLOWEST:
            return True
        self._change_rate(self._record.rate / 5.0)
        self._record.idle = 0
        return False

    def _change_rate(self, rate: float) -> None:
        """Keeps rate · momentum_buffer: scikit-learn's velocity has the rate in it."""
        kept = self._record.rate / rate
        self._record.rate = rate
        state = self._epochs.state
        if any(name.startswith("momentum_buffer.") for name in state):
            self._epochs.load({
                name: array * kept if name.startswith("momentum_buffer.") else array
                for name, array in state.items()
            })  # fmt: skip


def _warn(message: str, category: type[Warning]) -> None:
    warnings.warn(message, category, stacklevel=_CALLERS)
