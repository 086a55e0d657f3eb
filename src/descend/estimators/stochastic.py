"""The epochs of a perceptron's fit: rates, penalty, what is recorded, and when it is enough.

Stopping rules, the rates of ``invscaling`` and ``adaptive``, and how the losses of batches are averaged are
those of scikit-learn's MLPClassifier and MLPRegressor.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from descend.engines.protocol import Inputs, Program, State
from descend.errors import Diverged
from descend.estimators.callbacks import told
from descend.estimators.record import Record
from descend.networks import Network
from descend.optimizers import SGD, AdamW, Optimizer, parameter_decay, step_rates
from descend.optimizers.schedules import Span
from descend.training.divergence import LossLimit
from descend.training.epochs import Epoch, EpochCallback, Epochs, epoch_batches
from descend.training.history import Curve
from descend.training.loop import Listener, Progress

Judge = Callable[[State], tuple[float, float, float | None]]
_CALLERS = 8  # frames between a warning and the caller of fit
_SLOWEST = 1e-6  # an adaptive rate that has come down to this ends the fit


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


@dataclass(frozen=True, slots=True)
class _Shares:
    """What the batches of an epoch count for; the same in each where rows have no weights.

    counts : rows of each batch, (steps,).  rows : their sum.
    of_row, of_batch : 1 / Σ weight of a batch, 0 where all weights are, and its rows times that, (steps,).
    decay : alpha / Σ weight of the batch on weights, and the optimizer's own on all, (steps, parameters).
    """

    counts: NDArray[np.float64]
    of_row: NDArray[np.float64]
    of_batch: NDArray[np.float64]
    decay: NDArray[np.float64]
    rows: int


class StochasticFit:
    """One fit, or one call of partial_fit, on a program that holds its first weights."""

    def __init__(self, program: Program, inputs: Inputs, setting: Setting, record: Record) -> None:
        self._setting, self._record = setting, record
        self._names = tuple(setting.network.parameter_shapes(inputs.x.shape[1]))
        self._weights = [name for name in self._names if name.endswith(".weight")]
        self._penalised = np.array([float(name in self._weights) for name in self._names])
        self._row_weight = inputs.weight
        self._shares: _Shares | None = None
        self._rate = np.empty(0)
        self._limit = LossLimit(setting.network, inputs, record.first_loss)
        self._epochs = Epochs(program, self._names, self._limit)
        self._square = self._squares()
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
        Diverged : as Epochs.make; or the loss with its penalty, or of the validation rows, was not finite.
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
        record.state, record.slots = self._epochs.state(), setting.optimizer.slots
        if setting.parameters["early_stopping"] and record.best is not None:
            record.state = {**record.state, **record.best}
        return record.state

    def _epoch(self, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> bool:
        """Makes and records one; whether a callback asks to stop."""
        setting, record = self._setting, self._record
        if self._shares is None or self._row_weight is not None:
            self._shares = self._shared(rows, offsets)
        shares, rates = self._shares, self._rates(len(offsets) - 1)
        columns = setting.columns if isinstance(setting.optimizer, SGD) else 1
        losses = self._epochs.make(rows, offsets, rates, shares.decay, columns, setting.clip_norm)
        record.first_loss = self._limit.first
        scaled = losses * setting.loss_scale
        if setting.constant is not None:
            scaled += self._constants(setting.constant, rows, offsets) * shares.of_row
        loss = (float(scaled @ shares.counts) + self._penalty(shares)) / shares.rows
        if not math.isfinite(loss):  # the losses of the steps are: the penalty is not
            raise self._diverged("with its penalty")
        record.loss_curve.append(loss)
        record.epochs += 1
        record.steps += len(rates)
        record.rows_seen += len(setting.rows)
        self._judge(loss)
        asked = self._tell(loss, float(rates[-1]), len(rates))
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
        if isinstance(lr, float):  # the commonest, and the same in most epochs
            if len(self._rate) != steps or self._rate[0] != lr:
                self._rate = np.full(steps, lr)
            return self._rate
        return step_rates(lr, Span(record.steps, steps, steps, setting.max_iter * steps))

    def _shared(self, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> _Shares:
        counts = np.diff(offsets).astype(np.float64)
        weights = counts
        if self._row_weight is not None:
            weights = np.add.reduceat(self._row_weight[rows].astype(np.float64), offsets[:-1])
        of_row = np.divide(1.0, weights, out=np.zeros_like(weights), where=weights > 0)
        decay = self._setting.alpha * of_row[:, None] * self._penalised + self._own_decay
        if not isinstance(self._setting.optimizer, AdamW):
            decay = decay / self._setting.columns
        return _Shares(counts, of_row, counts * of_row, decay, int(counts.sum()))

    def _penalty(self, shares: _Shares) -> float:
        """½ alpha Σ over batches of their share · ‖W‖² before the update.

        ‖W‖² is known before the first and after the last; between them it is taken for a straight line.
        """
        if not self._setting.alpha:
            return 0.0
        before, self._square = self._square, self._squares()
        steps = len(shares.counts)
        line = before + (self._square - before) * np.arange(steps) / steps
        return 0.5 * self._setting.alpha * float(line @ shares.of_batch)

    def _constants(self, constant: Curve, rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> Curve:
        """Weighted sum of the rows' constants by batch, (steps,)."""
        weight = self._row_weight
        chosen = constant[rows] if weight is None else constant[rows] * weight[rows]
        return np.add.reduceat(chosen, offsets[:-1])

    def _squares(self) -> float:
        """‖W‖² at present."""
        parts = [self._epochs.parameters[name] for name in self._weights]
        return sum(float(np.vdot(part, part)) for part in parts)

    def _judge(self, loss: float) -> None:
        """Records the validation rows' loss and scores, and counts epochs without improvement."""
        record, parameters = self._record, self._setting.parameters
        if self._setting.judge is not None:
            checked, score, training_score = self._setting.judge(self._epochs.parameters)
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
                record.best = self._epochs.parameters
        else:
            idle = loss > record.best_loss - parameters["tol"]
            record.best_loss = min(record.best_loss, loss)
        record.idle = record.idle + 1 if idle else 0

    def _diverged(self, which: str) -> Diverged:
        return Diverged(
            f"the loss {which} is not finite after epoch {self._record.epochs}: "
            "try a tenth of the learning rate or lower, and look for very large values in the rows",
            self._record.steps - 1, self._epochs.parameters,
        )  # fmt: skip

    def _tell(self, loss: float, rate: float, per_epoch: int) -> bool:
        """Tells the progress bar and the callbacks; whether one of these asks to stop."""
        record, setting = self._record, self._setting
        if setting.listener is None and not setting.callbacks:
            return False
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
        parameters = self._epochs.parameters
        news = Epoch(record.epochs, loss, checked, score, training_score, rate, parameters)
        return told(setting.callbacks, news)

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
        state = self._epochs.state()
        if any(name.startswith("momentum_buffer.") for name in state):
            self._epochs.load({
                name: array * kept if name.startswith("momentum_buffer.") else array
                for name, array in state.items()
            })  # fmt: skip


def _warn(message: str, category: type[Warning]) -> None:
    warnings.warn(message, category, stacklevel=_CALLERS)
