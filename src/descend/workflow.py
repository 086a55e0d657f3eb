"""The whole way on one page: file → columns → split → encode → train → evaluate → run folder.

``prepare`` understands the data, ``run`` trains and judges, ``fit`` does both and is the public name.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend import __version__, streams
from descend.data import sources
from descend.data.dataset import Dataset
from descend.data.encoding import Encoder, fit_encoder
from descend.data.names import column_name
from descend.data.notices import tell
from descend.data.panics import panics_named
from descend.data.split import PARTS, Split, check_enough, gather, split
from descend.data.table import listing
from descend.data.target import ClassTarget, NumberTarget, check_counts, infer_task
from descend.engines.protocol import Inputs
from descend.engines.registry import choose_engine
from descend.engines.threads import check_oversubscription, resolve_threads
from descend.errors import Diverged, EngineWarning, OptionError
from descend.judging import judge
from descend.models import Model
from descend.networks import Network, Poisson
from descend.options import Options
from descend.training import History, Training
from descend.training.arrays import check_dtype
from descend.training.loop import Listener
from descend.training.progress import progress_bar
from descend.training.run_folder import check_output, write_last_good, write_run
from descend.training.trainer import plan_epochs, train_inputs

Array = NDArray[Any]

_MOST_LEFT_OUT = 10  # columns named in one warning


@dataclass(frozen=True)
class Prepared:
    """Everything known before the first step.

    dataset : rows whose target is known; images of one part side by side.  task, reason : regression or
    classification, and why.  target : its encoder.  parts : rows of train, validation and test.
    encoder : fitted on the training rows.  network … options : what will be trained, and how.
    engine_note : why ``auto`` came to a slower engine; empty where it did not.
    """

    dataset: Dataset
    task: str
    reason: str
    target: ClassTarget | NumberTarget
    parts: Split
    encoder: Encoder
    network: Network
    batch_size: int
    epochs: int
    seed: int
    options: Options
    engine_note: str

    @property
    def notes(self) -> tuple[str, ...]:
        """What was noticed while reading, splitting and encoding."""
        return (*self.dataset.notes, *self.target.notes, *self.encoder.notes)

    @property
    def inputs(self) -> int:
        """Width of the network's input."""
        return len(self.encoder.feature_names)


def fit(
    data: Any, target: object = None, *, out: str | os.PathLike[str] | None = None,
    overwrite: bool = False, verbose: int = 0, **options: Any,
) -> Training:  # fmt: skip
    """Reads, splits 70/15/15, encodes, trains and evaluates; the same as the command ``descend fit``.

    Parameters
    ----------
    data : path of a table (.csv .tsv .csv.gz .parquet), of a folder of IDX files or of images by class,
        a built-in name (``houses``, ``digits``, …), a polars or pandas frame, or a dict of columns.
    target : name of the column to predict, or a frame's own label for it; built-ins and folders know theirs.
    out : folder to write the run to; None writes nothing.
    overwrite : replace ``out`` where it is a run's folder.
    verbose : 1 shows a progress bar.
    options : fields of ``descend.options.Options``: task, hidden, activation, dropout, loss, quantile,
        optimizer, lr, schedule, weight_decay, clip_norm, batch_size, epochs, engine, threads, dtype, seed,
        ignore, image_size.

    Returns
    -------
    Training : ``.model``, ``.history`` and ``.metrics`` (of train, validation and test rows).

    Raises
    ------
    DataError, OptionError, OutputError : what was found, where, and what to do.
    Diverged : the loss stopped being finite, or grew to 1e12 times what it was at first.

    Warns
    -----
    DataWarning : what was noticed in the data: columns left out and why, rows without a target, and the like.
    """
    if verbose not in (0, 1):
        raise OptionError(f"verbose must be 0 or 1, not {verbose!r}")
    chosen = Options.of(options)
    folder = None if out is None else Path(out)
    if folder is not None:
        check_output(folder, overwrite)
    prepared = prepare(data, target, chosen)
    if prepared.engine_note:
        warnings.warn(prepared.engine_note, EngineWarning, stacklevel=2)
    tell((*prepared.notes, *_left_out(prepared.dataset)), stacklevel=2)
    with progress_bar(shown=verbose == 1, classifies=prepared.network.classifies) as listener:
        if folder is None:
            return run(prepared, listener)
        training, written = run_and_save(prepared, listener, data, folder, overwrite)
    if written != folder:
        warnings.warn(f"another run took the name {folder} meanwhile: this one is in {written}", stacklevel=2)
    return training


def _left_out(dataset: Dataset) -> tuple[str, ...]:
    """One note on the columns that are not learned from, which the command shows in its list of columns."""
    found = [
        f"{column.name!r} ({column.note.removeprefix('left out: ')})"
        for column in dataset.columns
        if not column.used and column.name != dataset.target
    ]
    if not found:
        return ()
    return (f"{'column' if len(found) == 1 else 'columns'} left out: {listing(found, _MOST_LEFT_OUT)}",)


@panics_named()
def prepare(data: Any, target: object, options: Options) -> Prepared:
    """Reads and understands the data. Raises DataError or OptionError before anything is trained."""
    check_dtype(options.dtype)
    check_oversubscription(resolve_threads(options.threads))
    engine, engine_note = choose_engine(options.engine)
    seed = streams.check_seed(options.seed)
    dataset = sources.read(data, target=target, ignore=options.ignore, image_size=options.image_size)
    dataset = dataset.with_known_target()
    check_enough(dataset)
    task, reason = (
        infer_task(dataset, options.number_loss) if options.task == "auto" else (options.task, "as asked for")
    )
    classes = None
    if task == "classification":
        classes = ClassTarget.fit(dataset)
    labels = None if classes is None else classes.encode(dataset)
    rows_of = split(
        dataset.rows,
        seed,
        labels=labels,
        test_rows=dataset.test_rows,
        validation_rows=dataset.validation_rows,
    )
    dataset, parts = gather(dataset, rows_of)
    network = options.network(None if classes is None else len(classes.classes))
    encoded = classes if classes is not None else _number_target(dataset, parts, network)
    encoder = fit_encoder(dataset.take(parts.train))
    rows = len(parts.train)
    return Prepared(
        dataset, task, reason, encoded, parts, encoder, network, options.planned_batch_size(rows),
        options.planned_epochs(rows), seed, replace(options, seed=seed, engine=engine), engine_note,
    )  # fmt: skip


def _number_target(dataset: Dataset, parts: Split, network: Network) -> NumberTarget:
    if isinstance(network.loss, Poisson):
        check_counts(dataset)
        return NumberTarget.fit_counts(dataset.take(parts.train))
    return NumberTarget.fit(dataset.take(parts.train))


def run(prepared: Prepared, listener: Listener | None) -> Training:
    """Trains, then judges the model on the three parts of its table."""
    model, history = _trained(prepared, listener)
    parts = {part: getattr(prepared.parts, part) for part in PARTS}
    metrics = {
        "task": prepared.task,
        "rows": {part: len(rows) for part, rows in parts.items()},
        "epochs": history.epochs,
        "seconds": float(history.seconds[-1]),
        **{part: judge(model, prepared.dataset, rows) for part, rows in parts.items()},
    }
    return Training(model, history, metrics)


def _trained(prepared: Prepared, listener: Listener | None) -> tuple[Model, History]:
    """The model alone: the encoded rows are given back before anything is judged."""
    options = prepared.options
    train, validation = (_inputs(prepared, getattr(prepared.parts, part)) for part in PARTS[:2])
    run_plan = plan_epochs(len(train.x), prepared.batch_size, prepared.epochs, prepared.seed)
    program, history = train_inputs(
        prepared.network, train, run_plan, options.declared_optimizer(), validation=validation,
        engine=options.engine, threads=options.threads, dtype=options.dtype, seed=prepared.seed,
        initial=None, listener=listener, clip_norm=options.clip_norm,
    )  # fmt: skip
    state = program.state()
    parameters = {name: state[name] for name in prepared.network.parameter_shapes(prepared.inputs)}
    target = prepared.target
    model = Model(
        prepared.network, parameters, encoder=prepared.encoder,
        classes=target.classes if isinstance(target, ClassTarget) else None,
        target=target if isinstance(target, NumberTarget) else None,
        engine=options.engine, threads=options.threads, about=_about(prepared),
    )  # fmt: skip
    return model, history


def run_and_save(
    prepared: Prepared, listener: Listener | None, data: Any, out: Path | None, overwrite: bool
) -> tuple[Training, Path]:
    """Trains, judges and writes the run's folder: ``out``, or runs/NAME, numbered when taken.

    Raises
    ------
    Diverged : its message names the folder with the last finite weights.
    """
    name, recipe = _run_name(prepared), _recipe(prepared, data)
    try:
        training = run(prepared, listener)
    except Diverged as error:
        folder = write_last_good(name, out, overwrite, error.parameters, recipe)
        message = f"{error}; the last finite weights are in {folder}"
        raise Diverged(message, error.step, error.parameters) from None
    assert training.metrics is not None
    folder = write_run(name, out, overwrite, training.model, training.history, training.metrics, recipe)
    return training, folder


def _inputs(prepared: Prepared, rows: NDArray[np.int64]) -> Inputs:
    dataset = prepared.dataset.take(rows)
    dtype = prepared.options.dtype
    y = prepared.target.encode(dataset)
    if isinstance(prepared.target, NumberTarget) or prepared.network.outputs == 1:
        y = np.ascontiguousarray(y[:, None], dtype)
    return Inputs(prepared.encoder.transform(dataset, dtype), y, None, prepared.encoder.scale)


def _about(prepared: Prepared) -> dict[str, Any]:
    return {
        "task": prepared.task,
        "table": _written(prepared.dataset.name),
        "target": prepared.dataset.target,
        "ignore": [column_name(name) for name in prepared.options.ignore],
        "unit": prepared.dataset.unit,
        "rows": prepared.dataset.rows,
        "seed": prepared.seed,
        "fingerprint": prepared.dataset.fingerprint,
        "versions": {"descend": __version__, "numpy": np.__version__},
    }


def _recipe(prepared: Prepared, data: Any) -> Mapping[str, Any]:
    """What was chosen, defaults written out; a schedule given in Python is named by its own text."""
    options = prepared.options
    optimizer = options.declared_optimizer()
    at = Path(data).absolute() if isinstance(data, str | Path) and Path(data).exists() else data
    chosen = {
        **vars(options),
        "target": prepared.dataset.target,
        "batch_size": prepared.batch_size,
        "epochs": prepared.epochs,
        "lr": options.starting_rate,
        "weight_decay": optimizer.weight_decay,
        "threads": resolve_threads(options.threads),
    }
    if not isinstance(options.starting_rate, int | float):
        chosen |= {"lr": repr(optimizer.lr), "schedule": "as lr says"}
    return {
        "descend": __version__,
        "data": _written(str(at) if isinstance(at, str | Path) else prepared.dataset.name),
        **chosen,
    }


def _written(name: str) -> str:
    r"""A name as text that UTF-8 can hold: bytes of a path that are no text stand as ``\udce9``."""
    return name.encode(errors="backslashreplace").decode()


def _run_name(prepared: Prepared) -> str:
    """The table's name without the ending of its file."""
    name = Path(prepared.dataset.name).name
    return name.split(".")[0] or name
