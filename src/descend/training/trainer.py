"""``train``: a network, arrays and an optimizer in; a model and its history out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descend import streams
from descend.engines.plan import Explicit, LastBatch, Order
from descend.engines.protocol import Inputs, Program, Rows
from descend.engines.registry import get_engine, resolve_engine
from descend.engines.scale import check_input_scale
from descend.engines.threads import resolve_threads
from descend.errors import DataError, DataWarning, Diverged, OptionError
from descend.models import Model
from descend.networks import Network
from descend.optimizers import SGD, Adam, Optimizer, RMSprop
from descend.optimizers.optimizer import check_clip_norm, check_flag
from descend.training.arrays import as_inputs, check_dtype, find_classes
from descend.training.divergence import LossLimit
from descend.training.history import History
from descend.training.loop import Listener, Run, RunPlan, run_steps
from descend.training.memory import check_memory
from descend.training.progress import progress_bar

Features: TypeAlias = "ArrayLike | Rows"
Validation: TypeAlias = "tuple[Features, ArrayLike] | tuple[Features, ArrayLike, ArrayLike]"
_MOST_COUNTED = 127  # 8-bit numbers above it are more often pixels than counts
_MOST_STEPS = 2**32 - 1  # the streams count steps in 32 bits


@dataclass(frozen=True, slots=True, repr=False)
class Training:
    """A finished training run.

    model : the trained Model.
    history : what was recorded, per epoch and per step.
    metrics : what ``fit`` writes to metrics.json: task, rows, epochs, seconds, and the metrics of the
        train, validation and test rows; None after ``train``.
    diverged : why the run ended early, where ``train_many`` went on without it.
    """

    model: Model
    history: History
    metrics: dict[str, Any] | None = None
    diverged: Diverged | None = None

    def __repr__(self) -> str:
        loss = f", loss {self.history.loss[-1]:.4g}" if self.history.epochs else ""
        return f"<descend.Training of {self.model!r}, {self.history.epochs} epochs{loss}>"


def train(
    network: Network,
    X: Features,
    y: ArrayLike,
    *,
    optimizer: Optimizer,
    validation: Validation | None = None,
    sample_weight: ArrayLike | None = None,
    input_scale: float = 1.0,
    batch_size: int = 32,
    epochs: int = 10,
    engine: str = "auto",
    threads: int | None = None,
    dtype: str = "float32",
    seed: int | None = 0,
    shuffle: bool = True,
    replacement: bool = False,
    last_batch: LastBatch = "keep",
    initial: dict[str, NDArray[Any]] | None = None,
    batches: Sequence[ArrayLike] | None = None,
    clip_norm: float | None = None,
    verbose: int = 0,
) -> Training:
    """Trains a network on arrays by minibatches.

    Parameters
    ----------
    network : what is computed, and the loss.
    X : (n, inputs) numbers, which mean the same in any type. uint8 stays in 8 bits. A scipy.sparse table
        stays sparse, and ends with the bits of the dense one.
    y : for CrossEntropy and one-column BinaryCrossEntropy (n,) labels of any kind, in their sorted order
        or, if whole numbers from 0, by their own number; else (n,) or (n, outputs) numbers.
    optimizer : SGD, RMSprop, Adam or AdamW; its ``lr`` is a number, a schedule, or one rate per step.
    validation : (X, y) or (X, y, weight), judged after every epoch without dropout.
    sample_weight : (n,) numbers of at least 0; losses are weighted means.
    input_scale : above 0: every value of X, here and when the model predicts, is multiplied by it on the way
        into the network. 1/255 is for pixels from 0 to 255.
    batch_size : rows per step; more than there are rows means all of them.
    epochs : how often every row is read.
    engine : ``auto``: native, or reference with an EngineWarning where native cannot be used; ``native``,
        ``reference`` or ``pytorch``.
    threads : default: the cores this process may use.
    dtype : ``float32`` or ``float64``, of weights and arithmetic.
    seed : 0 … 2⁶⁴−1 for initial weights, order and dropout; None draws one.
    shuffle : draw a new order each epoch.  replacement : draw rows with replacement instead.
    last_batch : ``keep`` a short one, ``drop`` it, or ``wrap``: fill it from the next epoch's order.
    initial : parameter name → array; start here instead of drawing weights.
    batches : row numbers of every step's batch; replaces order, batch_size and epochs.
    clip_norm : above 0: where the norm of a step's gradient g of the data loss, over all parameters together,
        is larger, g is multiplied by clip_norm / (‖g‖ + 1e-6), as torch.nn.utils.clip_grad_norm_ does.
    verbose : 1 shows a progress bar.

    Returns
    -------
    Training : ``.model`` and ``.history``.

    Raises
    ------
    OptionError, DataError : something given cannot be used; the message says what.
    EngineUnavailable : the engine that was named cannot be used here.
    Diverged : the loss stopped being finite, or grew to 1e12 times what it was at first.

    Examples
    --------
    >>> import numpy as np
    >>> from descend import SGD, Dense, Network, SquaredError, train
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> run = train(Network([Dense(1)], SquaredError()), X, 3 * X[:, 0] + 1, optimizer=SGD(0.3), epochs=100)
    >>> np.round(run.model.parameters["0.weight"], 3).tolist()
    [[3.0]]
    """
    engine = resolve_engine(engine)
    dtype = check_dtype(dtype)
    input_scale = check_input_scale(input_scale, dtype)
    inputs, judged, classes = prepare_arrays(
        network, X, y, sample_weight, validation, dtype, verbose, input_scale
    )
    seed = streams.check_seed(seed)
    shuffle, replacement = check_flag("shuffle", shuffle), check_flag("replacement", replacement)
    if batches is not None:
        run_plan = _explicit(batches, inputs.rows)
    else:
        run_plan = plan_epochs(
            inputs.rows, batch_size, epochs, seed, last_batch, shuffle=shuffle, replacement=replacement
        )
    with progress_bar(shown=verbose == 1, classifies=network.classifies) as listener:
        program, history = train_inputs(
            network, inputs, run_plan, optimizer, validation=judged, engine=engine,
            threads=threads, dtype=dtype, seed=seed, initial=initial, listener=listener, clip_norm=clip_norm,
        )  # fmt: skip
    state = program.state()
    parameters = {name: state[name] for name in network.parameter_shapes(inputs.x.shape[1])}
    model = Model(
        network, parameters, classes=classes, input_scale=input_scale, engine=engine, threads=threads
    )
    return Training(model, history)


def prepare_arrays(
    network: Network, X: Features, y: ArrayLike, sample_weight: ArrayLike | None,
    validation: Validation | None, dtype: str, verbose: int, input_scale: float,
) -> tuple[Inputs, Inputs | None, NDArray[Any] | None]:  # fmt: skip
    """Rows to learn from and to judge by in the engine's types, and the labels in class order.

    To be called by what the user calls: a warning of pixels names the caller's caller.
    """
    if not isinstance(network, Network):
        raise OptionError(f"network must be a Network, not {type(network).__name__}")
    if verbose not in (0, 1):
        raise OptionError(f"verbose must be 0 or 1, not {verbose!r}")
    classes = find_classes(network, y)
    inputs = as_inputs(network, X, y, sample_weight, dtype, classes, "training", input_scale)
    judged = None
    if validation is not None:
        judged = _validation(network, validation, dtype, classes, inputs.x.shape[1], input_scale)
    if inputs.x.dtype == np.uint8 and input_scale == 1.0 and (largest := int(inputs.x.max())) > _MOST_COUNTED:
        warnings.warn(
            f"X holds 8-bit numbers up to {largest}, which are read as they are: for pixels give "
            "input_scale=1/255; for other numbers X.astype('float32') says that they are meant",
            DataWarning,
            stacklevel=3,
        )
    return inputs, judged, classes


def train_inputs(
    network: Network, inputs: Inputs, run_plan: RunPlan, optimizer: Optimizer, *,
    validation: Inputs | None, engine: str, threads: int | None, dtype: str, seed: int,
    initial: dict[str, NDArray[Any]] | None, listener: Listener | None, clip_norm: float | None = None,
) -> tuple[Program, History]:  # fmt: skip
    """The same on arrays that are already in the engine's types."""
    clip_norm = check_clip_norm(clip_norm)
    program = compile_program(
        network, inputs, optimizer, engine=engine, threads=threads, dtype=dtype, seed=seed, initial=initial
    )
    names = tuple(network.parameter_shapes(inputs.x.shape[1]))
    limit = LossLimit(network, inputs)
    run = Run(program, run_plan, optimizer, names, validation, network.classifies, limit, clip_norm)
    return program, run_steps(run, program, listener)


def compile_program(
    network: Network, inputs: Inputs, optimizer: Optimizer, *, engine: str, threads: int | None,
    dtype: str, seed: int, initial: dict[str, NDArray[Any]] | None,
) -> Program:  # fmt: skip
    """A program with its first weights, bound to its rows."""
    if not isinstance(optimizer, SGD | RMSprop | Adam):
        raise OptionError(f"optimizer must be SGD, RMSprop, Adam or AdamW, not {optimizer!r}")
    width = inputs.x.shape[1]
    check_memory(network, width, optimizer, np.dtype(dtype).itemsize)
    if initial is not None:
        _check_initial(network, width, initial)
    program = get_engine(engine).compile(
        network, network.widths(width), optimizer, dtype, resolve_threads(threads), seed
    )
    if initial is not None:
        program.load(initial)
    program.bind(inputs)
    return program


def _check_initial(network: Network, width: int, initial: object) -> None:
    if not isinstance(initial, Mapping):
        raise OptionError("initial must map the parameters' names to arrays")
    for name, array in initial.items():
        if np.asarray(array).dtype.kind not in "biuf":
            raise OptionError(f"initial {name} must hold numbers, not {np.asarray(array).dtype}")
    network.check_parameters(width, initial)


def plan_epochs(
    rows: int, batch_size: int, epochs: int, seed: int, last_batch: LastBatch = "keep",
    *, shuffle: bool = True, replacement: bool = False,
) -> RunPlan:  # fmt: skip
    """Batches of ``epochs`` epochs. Raises OptionError for a count below 1 or a run without steps."""
    for name, value in (("batch_size", batch_size), ("epochs", epochs)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise OptionError(f"{name} must be a whole number of at least 1, not {value!r}")
    order = Order(seed, rows, min(int(batch_size), rows), last_batch, shuffle, replacement)
    if order.per_epoch * int(epochs) > _MOST_STEPS:
        raise OptionError(f"{epochs} epochs of {order.per_epoch} steps are more than 2**32-1 steps")
    return RunPlan(order, order.per_epoch * int(epochs), order.per_epoch)


def _explicit(batches: Sequence[ArrayLike], rows: int) -> RunPlan:
    if isinstance(batches, str) or not isinstance(batches, Iterable):
        raise OptionError("batches must list the row numbers of every step")
    parts = [np.asarray(batch) for batch in batches]
    if not parts:
        raise OptionError("batches lists no step")
    for step, part in enumerate(parts):
        if part.ndim != 1 or part.size == 0 or part.dtype.kind not in "iu":
            raise OptionError(f"batches[{step}] must be a one-dimensional array of row numbers")
        if part.min() < 0 or part.max() >= rows:
            raise OptionError(f"batches[{step}] names a row outside 0 … {rows - 1}")
    offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts]))).astype(np.int64)
    chosen = np.concatenate(parts).astype(np.int64)
    return RunPlan(Explicit(chosen, offsets), len(parts), len(parts))


def _validation(
    network: Network, validation: Validation, dtype: str, classes: NDArray[Any] | None, width: int,
    input_scale: float,
) -> Inputs:  # fmt: skip
    if not isinstance(validation, tuple | list) or len(validation) not in (2, 3):
        raise OptionError("validation must be (X, y) or (X, y, weight)")
    weight = validation[2] if len(validation) == 3 else None
    inputs = as_inputs(
        network, validation[0], validation[1], weight, dtype, classes, "validation", input_scale
    )
    if inputs.x.shape[1] != width:
        raise DataError(f"validation X has {inputs.x.shape[1]} columns, training X has {width}")
    return inputs
