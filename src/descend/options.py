"""The options of a fit: their defaults, their check, and the declarations they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from descend.errors import OptionError, choices
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Huber,
    Layer,
    Loss,
    Network,
    Poisson,
    Quantile,
    RegressionLoss,
    SquaredError,
)
from descend.networks.activations import check_activation
from descend.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from descend.optimizers.optimizer import Rate, check_clip_norm, check_learning_rate
from descend.optimizers.schedules import Constant, Cosine, Schedule, check_rate

TASKS = ("auto", "regression", "classification")
REGRESSION_LOSSES: Mapping[str, type[RegressionLoss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "poisson": Poisson,
}
LOSSES = ("auto", *REGRESSION_LOSSES, "cross_entropy")
OPTIMIZERS: Mapping[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}
SCHEDULES = ("cosine", "constant")
# how other libraries name them
_OTHER_NAMES = {
    **dict.fromkeys(("mse", "l2", "mean_squared_error", "squared", "least_squares"), "squared_error"),
    **dict.fromkeys(("mae", "l1", "mean_absolute_error", "absolute"), "absolute_error"),
    **dict.fromkeys(("ce", "nll", "log_loss", "logistic", "softmax", "bce"), "cross_entropy"),
    **dict.fromkeys(("pinball", "quantile_loss"), "quantile"),
    **dict.fromkeys(("regress", "regressor", "number"), "regression"),
    **dict.fromkeys(("classify", "classifier", "class"), "classification"),
}
# rates that suit inputs of standard deviation 1; a net with hidden layers wants smaller steps
_RATES = {"sgd": (0.05, 0.05), "rmsprop": (0.003, 0.001), "adam": (0.01, 0.002), "adamw": (0.01, 0.002)}
_LARGEST_RATE = 1e6  # inputs are normalised here: what is beyond is a slip of the finger
_SMALLEST_BATCH, _LARGEST_BATCH = 32, 256
_LEAST_STEPS = 3000  # a small table is read as often as this many steps need
_FEWEST_EPOCHS = 10


@dataclass(frozen=True, kw_only=True)
class Options:
    """What ``descend fit`` and ``descend.fit`` can be told. None means: chosen by the data.

    task : ``auto``, ``regression`` or ``classification``.
    hidden : units of the hidden layers; none makes linear, logistic or softmax regression.
    activation : of the hidden layers.
    dropout : rate after each hidden layer, 0 ≤ dropout < 1.
    loss : ``auto``, ``squared_error``, ``absolute_error``, ``huber`` (delta 1), ``quantile``, ``poisson`` (of
        targets of at least 0) or ``cross_entropy``.
    quantile : level of the quantile loss, between 0 and 1; None: 0.5, the median.
    optimizer : ``sgd``, ``rmsprop``, ``adam`` or ``adamw``.
    lr : learning rate at the start, or a schedule (Python only); None: 0.01 for linear models with adam.
    schedule : ``cosine`` lets the rate fall to 0 over the run, ``constant`` keeps it.
    weight_decay : None: the optimizer's default.
    clip_norm : largest norm of a step's gradient, as in ``descend.train``; None: no limit.
    batch_size : rows a step; None: about a hundredth of the training rows, a power of two from 32 to 256.
    epochs : None: 10, or as many as 3000 steps need.
    engine, threads, dtype, seed : as in ``descend.train``.
    ignore : columns to leave out.
    image_size : side, or (height, width), that images of a folder are resized to; None: the commonest.
    """

    task: str = "auto"
    hidden: Sequence[int] = ()
    activation: str = "relu"
    dropout: float = 0.0
    loss: str = "auto"
    quantile: float | None = None
    optimizer: str = "adam"
    lr: Rate | None = None
    schedule: str = "cosine"
    weight_decay: float | None = None
    clip_norm: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    engine: str = "auto"
    threads: int | None = None
    dtype: str = "float32"
    seed: int | None = 0
    ignore: Sequence[str] = ()
    image_size: int | tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _check_choice("task", self.task, TASKS)
        _check_choice("loss", self.loss, LOSSES)
        _check_choice("optimizer", self.optimizer, OPTIMIZERS)
        _check_choice("schedule", self.schedule, SCHEDULES)
        check_activation(self.activation)
        self._check_lists()
        for name, value in (("batch_size", self.batch_size), ("epochs", self.epochs)):
            if value is not None and not _is_count(value):
                raise OptionError(f"{name} must be a whole number of at least 1, not {value!r}")
        if self.lr is not None:
            check_learning_rate(self.lr)
            if isinstance(self.lr, int | float) and not 0 < self.lr <= _LARGEST_RATE:
                raise OptionError(f"lr must be above 0 and at most {_LARGEST_RATE:,.0f}, not {self.lr!r}")
        if self.weight_decay is not None:
            check_rate("weight_decay", self.weight_decay)
            if self.weight_decay > _LARGEST_RATE:
                raise OptionError(
                    f"weight_decay must be at most {_LARGEST_RATE:,.0f}, not {self.weight_decay!r}"
                )

        check_clip_norm(self.clip_norm, "clip_norm (--clip-norm)")
        if self.quantile is not None:
            _check_quantile(self.quantile)
            if self.loss != "quantile":
                raise OptionError("quantile is the level of the quantile loss: add --loss quantile")

    def _check_lists(self) -> None:
        if isinstance(self.hidden, str) or not isinstance(self.hidden, Sequence):
            raise OptionError(f"hidden must be a list of units, such as (256, 128), not {self.hidden!r}")
        for units in self.hidden:
            if not _is_count(units):
                raise OptionError(f"hidden lists units of at least 1 per layer, not {units!r}")
        if isinstance(self.ignore, str) or not isinstance(self.ignore, Sequence):
            raise OptionError(f"ignore must be a list of column names, not {self.ignore!r}")
        Dropout(self.dropout)
        if not self.hidden and (self.dropout or self.activation != "relu"):
            name = "dropout" if self.dropout else "activation"
            raise OptionError(f"{name} belongs to hidden layers: add some, such as --hidden 64")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """From keyword arguments. Raises OptionError for a name that is no option."""
        names = [field.name for field in fields(cls)]
        for name in given:
            if name not in names:
                raise OptionError(f"unknown option {name!r}; {choices(name, names)}")
        return cls(**given)

    def network(self, classes: int | None) -> Network:
        """The network for so many classes, or for one number where None.

        Raises OptionError where the loss does not fit the task.
        """
        if classes is None:
            if self.loss == "cross_entropy":
                raise OptionError("loss cross_entropy compares classes: use it with --task classification")
            return Network(self._layers(1), self._regression_loss())
        if self.number_loss:
            raise OptionError(f"loss {self.loss} compares numbers: use it with --task regression")
        if classes == 2:
            return Network(self._layers(1), BinaryCrossEntropy())
        return Network(self._layers(classes), CrossEntropy())

    def _regression_loss(self) -> Loss:
        if self.loss == "quantile" and self.quantile is not None:
            return Quantile(self.quantile)
        return REGRESSION_LOSSES.get(self.loss, SquaredError)()

    @property
    def number_loss(self) -> str:
        """``loss`` where it compares numbers, else empty."""
        return self.loss if self.loss in REGRESSION_LOSSES else ""

    @property
    def starting_rate(self) -> Rate:
        """``lr``, or the one that suits the optimizer and the depth."""
        return _RATES[self.optimizer][1 if self.hidden else 0] if self.lr is None else self.lr

    def declared_optimizer(self) -> Optimizer:
        """The optimizer with its rate or schedule."""
        declared = OPTIMIZERS[self.optimizer]
        lr = self.starting_rate
        if isinstance(lr, int | float):
            schedules: dict[str, Schedule] = {"cosine": Cosine(float(lr)), "constant": Constant(float(lr))}
            lr = schedules[self.schedule]
        if self.weight_decay is None:
            return declared(lr=lr)
        return declared(lr=lr, weight_decay=self.weight_decay)

    def planned_batch_size(self, rows: int) -> int:
        """``batch_size``, or one that leaves about a hundred steps an epoch of so many training rows."""
        wanted = self.batch_size
        if wanted is None:
            wanted = min(_LARGEST_BATCH, max(_SMALLEST_BATCH, 1 << (rows // 100).bit_length() >> 1))
        return min(wanted, rows)

    def planned_epochs(self, rows: int) -> int:
        """``epochs``, or enough of them for a table of so many training rows."""
        if self.epochs is not None:
            return self.epochs
        per_epoch = -(-rows // self.planned_batch_size(rows))
        return max(_FEWEST_EPOCHS, -(-_LEAST_STEPS // per_epoch))

    def _layers(self, outputs: int) -> list[Layer]:
        layers: list[Layer] = []
        for units in self.hidden:
            layers.append(Dense(int(units), self.activation))
            if self.dropout:
                layers.append(Dropout(self.dropout))
        # a linear model starts at 0: nothing has to break a symmetry, and the first answer is the mean
        return [*layers, Dense(outputs, init="auto" if layers else "zeros")]


def _is_count(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def _check_quantile(level: float) -> None:
    try:
        Quantile(level)
    except OptionError:
        raise OptionError(
            f"quantile (--quantile) must be a number above 0 and below 1, not {level!r}"
        ) from None


def _check_choice(name: str, value: str, known: Mapping[str, Any] | Sequence[str]) -> None:
    if value not in known:
        meant = _OTHER_NAMES.get(str(value).lower(), value)
        raise OptionError(f"unknown {name} {value!r}; {choices(meant if meant in known else value, known)}")
