"""``train_many``: variations of one network trained over one pass of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descend import streams
from descend.engines.plan import LastBatch, Order, Plan
from descend.engines.protocol import Chunk, Inputs, Program
from descend.engines.registry import get_engine, resolve_engine
from descend.engines.scale import check_input_scale
from descend.engines.threads import resolve_threads
from descend.errors import DataError, Diverged, OptionError, choices
from descend.models import Model
from descend.networks import Dropout, Network
from descend.optimizers import Optimizer
from descend.optimizers.optimizer import check_clip_norm, check_flag
from descend.training.arrays import check_dtype
from descend.training.divergence import LossLimit
from descend.training.loop import Run
from descend.training.progress import progress_bar
from descend.training.trainer import (
    Features,
    Training,
    Validation,
    compile_program,
    plan_epochs,
    prepare_arrays,
)

Variation = Mapping[str, Any]
_VARIES = ("lr", "weight_decay", "seed", "dropout", "initial", "rows")
_CHUNK_SECONDS = 0.25  # orders are drawn again for every chunk; Ctrl-C does not wait for one to end


@dataclass(frozen=True, slots=True)
class _Setting:
    """A variation, spelled out."""

    network: Network
    optimizer: Optimizer
    seed: int
    initial: dict[str, NDArray[Any]] | None
    rows: NDArray[np.int64] | None


@dataclass(slots=True)
class _Member:
    """A variation on its way."""

    setting: _Setting
    program: Program
    run: Run
    diverged: Diverged | None = None

    @property
    def over(self) -> bool:
        return self.run.over or self.diverged is not None


def train_many(
    network: Network,
    X: Features,
    y: ArrayLike,
    *,
    variations: Sequence[Variation],
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
    clip_norm: float | None = None,
    verbose: int = 0,
) -> list[Training]:
    """Trains variations of one network side by side; each ends as ``train`` would have ended it alone.

    On the native engine every thread trains models of its own and reads the rows of a batch once for all of
    them, which is faster than one model after the other; the weights are the same to the last bit.

    Parameters
    ----------
    network, X, y, optimizer, and everything else : as for ``train``, shared by all.
    variations : what each model does differently, a mapping with any of

        - ``lr``, ``weight_decay`` : instead of the optimizer's.
        - ``seed`` : instead of ``seed``; models of one seed read the same batches.
        - ``dropout`` : a rate for all Dropout layers, or one for each.
        - ``initial`` : parameter name → array, to start from.
        - ``rows`` : numbers of the rows to learn from (a fold); the others are not read.

    Returns
    -------
    list of Training, in the variations' order. One whose loss stopped being finite has ``.diverged`` set, and
    its model holds the last finite weights; the others go on.

    Raises
    ------
    OptionError, DataError : something given cannot be used; the message says what, and of which variation.
    EngineUnavailable : the engine that was named cannot be used here.

    Examples
    --------
    >>> import numpy as np
    >>> from descend import SGD, Dense, Network, SquaredError, train_many
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> rates = [{"lr": 0.01}, {"lr": 0.1}]
    >>> slow, fast = train_many(
    ...     Network([Dense(1)], SquaredError()), X, 3 * X[:, 0], variations=rates, optimizer=SGD(0.1)
    ... )
    >>> bool(fast.history.loss[-1] < slow.history.loss[-1])
    True
    """
    engine = resolve_engine(engine)
    dtype = check_dtype(dtype)
    input_scale = check_input_scale(input_scale, dtype)
    inputs, judged, classes = prepare_arrays(
        network, X, y, sample_weight, validation, dtype, verbose, input_scale
    )
    seed, clip_norm = streams.check_seed(seed), check_clip_norm(clip_norm)
    shuffle, replacement = check_flag("shuffle", shuffle), check_flag("replacement", replacement)
    members = []
    for setting in _settings(network, optimizer, seed, variations, inputs.rows):
        count = inputs.rows if setting.rows is None else len(setting.rows)
        run_plan = plan_epochs(
            count, batch_size, epochs, setting.seed, last_batch, shuffle=shuffle, replacement=replacement
        )
        assert isinstance(run_plan.batches, Order)
        run_plan = replace(run_plan, batches=replace(run_plan.batches, subset=setting.rows))
        program = compile_program(
            setting.network, inputs, setting.optimizer, engine=engine, threads=threads, dtype=dtype,
            seed=setting.seed, initial=setting.initial,
        )  # fmt: skip
        names = tuple(network.parameter_shapes(inputs.x.shape[1]))
        limit = LossLimit(network, inputs)
        run = Run(program, run_plan, setting.optimizer, names, judged, network.classifies, limit, clip_norm)
        members.append(_Member(setting, program, run))
    with progress_bar(shown=verbose == 1, classifies=network.classifies) as listener:
        while active := [member for member in members if not member.over]:
            _advance(active, engine, resolve_threads(threads))
            if listener is not None:
                listener(min((member.run.progress() for member in members), key=lambda told: told.step))
    shared = {"classes": classes, "input_scale": input_scale, "engine": engine, "threads": threads}
    return [_training(member, inputs, shared) for member in members]


def _advance(members: list[_Member], engine: str, threads: int) -> None:
    plans = [member.run.next_plan() for member in members]
    chunks = _run(engine, [member.program for member in members], plans, threads)
    for member, plan, chunk in zip(members, plans, chunks, strict=True):
        try:
            member.run.record(plan, chunk)
        except Diverged as error:
            member.diverged = error


def _run(name: str, programs: list[Program], plans: list[Plan], threads: int) -> list[Chunk]:
    """Side by side where the engine can and every thread gets a model; else one after the other."""
    engine = get_engine(name)
    if engine.run_together is not None and len(programs) >= threads:
        return engine.run_together(programs, plans, _CHUNK_SECONDS, threads)
    each = _CHUNK_SECONDS / len(programs)
    return [program.run(plan, each) for program, plan in zip(programs, plans, strict=True)]


def _training(member: _Member, inputs: Inputs, shared: Mapping[str, Any]) -> Training:
    """What became of a variation; ``shared`` is what all models have in common."""
    network = member.setting.network
    state = member.program.state() if member.diverged is None else member.diverged.parameters
    parameters = {name: state[name] for name in network.parameter_shapes(inputs.x.shape[1])}
    model = Model(network, parameters, **shared)
    return Training(model, member.run.history(), diverged=member.diverged)


def _settings(
    network: Network, optimizer: Optimizer, seed: int, variations: Sequence[Variation], rows: int
) -> list[_Setting]:
    if isinstance(variations, str | Mapping) or not isinstance(variations, Sequence) or not variations:
        raise OptionError("variations must list at least one mapping such as {'lr': 0.1}")
    settings = []
    for number, variation in enumerate(variations):
        try:
            settings.append(_setting(network, optimizer, seed, variation, rows))
        except OptionError as error:
            raise OptionError(f"variations[{number}]: {error}") from None
        except DataError as error:
            raise DataError(f"variations[{number}]: {error}") from None
    return settings


def _setting(network: Network, optimizer: Optimizer, seed: int, variation: Variation, rows: int) -> _Setting:
    if not isinstance(variation, Mapping):
        raise OptionError(f"must be a mapping such as {{'lr': 0.1}}, not {variation!r}")
    for key in variation:
        if key not in _VARIES:
            raise OptionError(f"unknown key {key!r}; {choices(str(key), _VARIES)}")
    changed = {key: variation[key] for key in ("lr", "weight_decay") if key in variation}
    return _Setting(
        _with_dropout(network, variation["dropout"]) if "dropout" in variation else network,
        replace(optimizer, **changed) if changed else optimizer,
        streams.check_seed(variation["seed"]) if "seed" in variation else seed,
        variation.get("initial"),
        _row_numbers(variation["rows"], rows) if "rows" in variation else None,
    )


def _with_dropout(network: Network, rates: object) -> Network:
    count = sum(isinstance(layer, Dropout) for layer in network.layers)
    given: list[Any] = list(rates) if isinstance(rates, Sequence | np.ndarray) else [rates] * count
    if count == 0 or len(given) != count:
        raise OptionError(f"dropout names {len(given)} rates, the network has {count} Dropout layers")
    left = iter(given)
    layers = [Dropout(next(left)) if isinstance(layer, Dropout) else layer for layer in network.layers]
    return Network(layers, loss=network.loss)


def _row_numbers(given: ArrayLike, rows: int) -> NDArray[np.int64]:
    numbers = np.asarray(given)
    if numbers.ndim != 1 or numbers.size == 0 or numbers.dtype.kind not in "iu":
        raise DataError("rows must be a one-dimensional array of row numbers")
    if numbers.min() < 0 or numbers.max() >= rows:
        raise DataError(f"rows names a row outside 0 … {rows - 1}")
    return numbers.astype(np.int64)
