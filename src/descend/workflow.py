"""The whole way on one page: file → columns → split → encode → train → evaluate → run folder.

``prepare`` understands the data, ``run`` trains and judges, ``fit`` does both and is the public name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend import __version__, streams
from descend.data import sources
from descend.data.dataset import Dataset
from descend.data.encoding import Encoder, ImageEncoder, fit_encoder
from descend.data.split import PARTS, Split, split
from descend.data.target import ClassTarget, NumberTarget, infer_task
from descend.engines.protocol import Inputs
from descend.engines.threads import resolve_threads
from descend.errors import DataError, Diverged, OptionError, choices
from descend.evaluation.metrics import Metrics, classification_metrics, regression_metrics
from descend.models import Model
from descend.networks import Network
from descend.options import Options
from descend.training import Training
from descend.training.arrays import check_dtype
from descend.training.loop import Listener
from descend.training.progress import progress_bar
from descend.training.run_folder import check_output, write_last_good, write_run
from descend.training.trainer import plan_epochs, train_inputs

Array = NDArray[Any]


@dataclass(frozen=True)
class Prepared:
    """Everything known before the first step.

    dataset : rows whose target is known.  task, reason : regression or classification, and why.
    target : its encoder.  parts : rows of train, validation and test.  encoder : fitted on the training
    rows.  network, epochs, seed, options : what will be trained, and how.
    """

    dataset: Dataset
    task: str
    reason: str
    target: ClassTarget | NumberTarget
    parts: Split
    encoder: Encoder
    network: Network
    epochs: int
    seed: int
    options: Options

    @property
    def inputs(self) -> int:
        """Width of the network's input."""
        return len(self.encoder.feature_names)


def fit(
    data: Any, target: str | None = None, *, out: str | os.PathLike[str] | None = None,
    overwrite: bool = False, verbose: int = 0, **options: Any,
) -> Training:  # fmt: skip
    """Reads, splits 70/15/15, encodes, trains and evaluates; the same as the command ``descend fit``.

    Parameters
    ----------
    data : path of a table (.csv .tsv .csv.gz .parquet), of a folder of IDX files or of images by class,
        a built-in name (``houses``, ``digits``, …), a polars or pandas frame, or a dict of columns.
    target : column to predict; built-ins and folders know theirs.
    out : folder to write the run to; None writes nothing.
    overwrite : replace ``out`` where it is a run's folder.
    verbose : 1 shows a progress bar.
    options : fields of ``descend.options.Options``: task, hidden, activation, dropout, loss, optimizer,
        lr, schedule, weight_decay, batch_size, epochs, engine, threads, dtype, seed, ignore, image_size.

    Returns
    -------
    Training : ``.model``, ``.history`` and ``.metrics`` (of train, validation and test rows).

    Raises
    ------
    DataError, OptionError, OutputError : what was found, where, and what to do.
    Diverged : the loss stopped being finite.
    """
    chosen = Options.of(options)
    folder = None if out is None else Path(out)
    if folder is not None:
        check_output(folder, overwrite)
    prepared = prepare(data, target, chosen)
    with progress_bar(shown=verbose == 1, classifies=prepared.network.classifies) as listener:
        training = run(prepared, listener)
    if folder is not None:
        save(prepared, training, data, folder, overwrite)
    return training


def prepare(data: Any, target: str | None, options: Options) -> Prepared:
    """Reads and understands the data. Raises DataError or OptionError before anything is trained."""
    check_dtype(options.dtype)
    resolve_threads(options.threads)
    seed = streams.check_seed(options.seed)
    dataset = sources.read(data, target=target, ignore=options.ignore, image_size=options.image_size)
    dataset = dataset.with_known_target()
    task, reason = infer_task(dataset) if options.task == "auto" else (options.task, "as asked for")
    classes = None
    if task == "classification":
        classes = ClassTarget.fit(dataset)
    parts = split(
        dataset.rows, seed, labels=None if classes is None else classes.encode(dataset),
        test_rows=dataset.test_rows,
    )  # fmt: skip
    encoded = classes if classes is not None else NumberTarget.fit(dataset.take(parts.train))
    encoder = fit_encoder(dataset.take(parts.train))
    network = options.network(None if classes is None else len(classes.classes))
    return Prepared(
        dataset, task, reason, encoded, parts, encoder, network,
        options.planned_epochs(len(parts.train)), seed, replace(options, seed=seed),
    )  # fmt: skip


def run(prepared: Prepared, listener: Listener | None) -> Training:
    """Trains, then judges the model on the three parts of its table."""
    options = prepared.options
    train, validation = (_inputs(prepared, getattr(prepared.parts, part)) for part in PARTS[:2])
    schedule = plan_epochs(len(train.x), options.batch_size, prepared.epochs, prepared.seed)
    program, history = train_inputs(
        prepared.network, train, schedule, options.declared_optimizer(), validation=validation,
        engine=options.engine, threads=options.threads, dtype=options.dtype, seed=prepared.seed,
        initial=None, listener=listener,
    )  # fmt: skip
    state = program.state()
    parameters = {name: state[name] for name in prepared.network.parameter_shapes(prepared.inputs)}
    classes = prepared.target.classes if isinstance(prepared.target, ClassTarget) else None
    model = Model(
        prepared.network, parameters, classes=classes, encoder=prepared.encoder,
        target=prepared.target if isinstance(prepared.target, NumberTarget) else None,
        engine=options.engine, threads=options.threads, about=_about(prepared),
    )  # fmt: skip
    judged = {part: judge(model, prepared.dataset.take(getattr(prepared.parts, part))) for part in PARTS}
    metrics = {
        "task": prepared.task,
        "rows": {part: len(getattr(prepared.parts, part)) for part in PARTS},
        "epochs": history.epochs,
        "seconds": float(history.seconds[-1]),
        **judged,
    }
    return Training(model, history, metrics)


def judge(model: Model, rows: Dataset) -> Metrics:
    """Metrics of the model's answers on rows whose target is known, in the target's units."""
    x, scale = model.encode(rows)
    if model.classes is not None:
        truth = ClassTarget(model.classes).encode(rows)
        p = model.probabilities(x, scale)
        predicted = ClassTarget(model.classes).numbers(model.answers(x, scale))
        return classification_metrics(truth, predicted, p)
    return regression_metrics(rows.numbers(), model.answers(x, scale))


def evaluate(model: Model, data: Any, rows: str = "") -> dict[str, Metrics | Any]:
    """Metrics by part: train, validation and test where ``data`` is the model's own table, else ``all``.

    rows : ``all``, ``train``, ``validation`` or ``test`` for one part only.

    Raises
    ------
    DataError : a part is asked for of a table that the model was not fitted on.
    OptionError : the model was trained on arrays and has no table.
    """
    if model.encoder is None or "fingerprint" not in model.about:
        raise OptionError("this model was trained on arrays: it knows no table to be evaluated on")
    if rows not in ("", "all", *PARTS):
        raise OptionError(f"unknown rows {rows!r}; {choices(rows, ('all', *PARTS))}")
    about = model.about
    size = model.encoder.shape[:2] if isinstance(model.encoder, ImageEncoder) else None
    dataset = sources.read(data, target=about["target"], ignore=about["ignore"], image_size=size)
    dataset = dataset.with_known_target()
    own = dataset.fingerprint == about["fingerprint"]
    if not own and rows in PARTS:
        raise DataError(
            f"{dataset.name} is not the table this model was fitted on, so it has no {rows} rows: "
            "use --rows all"
        )
    if rows == "all" or not own:
        return {"all": judge(model, dataset)}
    labels = None if model.classes is None else ClassTarget(model.classes).encode(dataset)
    parts = split(dataset.rows, int(about["seed"]), labels=labels, test_rows=dataset.test_rows)
    wanted = (rows,) if rows else PARTS
    return {part: judge(model, dataset.take(getattr(parts, part))) for part in wanted}


def save(prepared: Prepared, training: Training, data: Any, out: Path | None, overwrite: bool) -> Path:
    """Writes the run's folder and returns its path."""
    assert training.metrics is not None
    return write_run(
        _run_name(prepared), out, overwrite, training.model, training.history, training.metrics,
        _recipe(prepared, data),
    )  # fmt: skip


def save_last_good(prepared: Prepared, error: Diverged, data: Any, out: Path | None, overwrite: bool) -> Path:
    """Writes the folder of a run that diverged and returns its path."""
    return write_last_good(_run_name(prepared), out, overwrite, error.parameters, _recipe(prepared, data))


def _inputs(prepared: Prepared, rows: NDArray[np.int64]) -> Inputs:
    dataset = prepared.dataset.take(rows)
    dtype = prepared.options.dtype
    y = prepared.target.encode(dataset)
    if isinstance(prepared.target, NumberTarget) or prepared.network.outputs == 1:
        y = np.ascontiguousarray(y[:, None], dtype)
    return Inputs(prepared.encoder.transform(dataset, dtype), y, None, prepared.encoder.scale)


def _about(prepared: Prepared) -> dict[str, Any]:
    import numpy

    return {
        "task": prepared.task,
        "table": prepared.dataset.name,
        "target": prepared.dataset.target,
        "ignore": list(prepared.options.ignore),
        "unit": prepared.dataset.unit,
        "rows": prepared.dataset.rows,
        "seed": prepared.seed,
        "fingerprint": prepared.dataset.fingerprint,
        "versions": {"descend": __version__, "numpy": numpy.__version__},
    }


def _recipe(prepared: Prepared, data: Any) -> Mapping[str, Any]:
    options = prepared.options
    source = str(Path(data).absolute()) if isinstance(data, str | Path) and Path(data).exists() else data
    return {
        "descend": __version__,
        "data": source if isinstance(source, str) else prepared.dataset.name,
        "target": prepared.dataset.target,
        **{name: value for name, value in vars(options).items() if name not in ("epochs", "lr")},
        "epochs": prepared.epochs,
        "lr": options.lr if isinstance(options.lr, int | float) else None,
    }


def _run_name(prepared: Prepared) -> str:
    """The table's name without the ending of its file."""
    name = Path(prepared.dataset.name).name
    return name.split(".")[0] or name
