"""``descend fit``: what was understood, the progress, and what came of it."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from descend.cli.console import line, report, table
from descend.cli.invoked import shown_command
from descend.cli.lines import drop_unwritten, note, visible
from descend.cli.numbers import percent, plain, seconds
from descend.data.split import PARTS
from descend.data.target import TASK_RULE
from descend.evaluation.metrics import (
    Metrics,
    majority_accuracy,
    median_error,
    pinball_loss,
    poisson_deviance,
    quantile_guess,
)
from descend.networks import Dense, Dropout, Poisson, Quantile
from descend.options import Options
from descend.training import Training
from descend.training.display import progress_console
from descend.training.progress import progress_bar
from descend.training.run_folder import check_output
from descend.workflow import Prepared, prepare, run_and_save

_MOST_COLUMNS = 40  # listed one by one
_MOST_METRICS = 3  # side by side


def fit_command(
    data: str, target: str | None, options: Options, out: Path | None, overwrite: bool, quiet: bool
) -> None:
    """Fits, prints and saves. Raises DescendError; nothing half-written is left."""
    check_output(out, overwrite)
    console, display = report(quiet)
    prepared = prepare(data, target, options)
    _show_understood(console, prepared)
    with progress_bar(not quiet, prepared.network.classifies, progress_console(quiet)) as listener:
        training, folder = run_and_save(prepared, listener, data, out, overwrite)
    _show_metrics(console, prepared, training)
    _show_files(console, folder, data)
    if out is not None and folder != out:
        note(f"note: another run took the name {out} meanwhile: this one is in {folder}")
    if display.failure is not None:
        drop_unwritten()
    failure = display.failure
    if isinstance(failure, OSError) and failure.errno not in (errno.EBADF, errno.EPIPE):  # closed on purpose
        note(f"note: standard output cannot be written to ({failure.strerror}); the run is in {folder}")


def _show_understood(console: Console, prepared: Prepared) -> None:
    dataset, options = prepared.dataset, prepared.options
    line(console, f": {dataset.rows:,} rows", bold=dataset.name)
    if dataset.columns:
        rows = [(column.name, column.kind, column.note) for column in dataset.columns[:_MOST_COLUMNS]]
        console.print(table(("column", "kind", ""), rows))
        if len(dataset.columns) > _MOST_COLUMNS:
            console.print(f"… and {len(dataset.columns) - _MOST_COLUMNS:,} more columns")
    for found in (*prepared.notes, *filter(None, (prepared.engine_note,))):
        line(console, f"note: {found}")
    sizes = ", ".join(f"{len(getattr(prepared.parts, part)):,} {part}" for part in PARTS)
    rule = f"\n({' '.join(TASK_RULE.split())})" if options.task == "auto" and not options.number_loss else ""
    facts = [
        ("target", f"{dataset.target or 'class'}"),
        ("task", f"{prepared.task}: {prepared.reason}{rule}"),
        ("split", f"{sizes} rows (seed {prepared.seed})"),
        ("network", _network_text(prepared)),
        ("training", f"{options.optimizer}, batches of {prepared.batch_size}, {prepared.epochs} epochs, "
                     f"engine {options.engine}"),
    ]  # fmt: skip
    console.print()
    console.print(table(("", ""), facts, show_headings=False))
    console.print()


def _network_text(prepared: Prepared) -> str:
    """``25 inputs → 64 relu → 1, squared error, 1,729 parameters``."""
    parts = [f"{prepared.inputs:,} inputs"]
    for layer in prepared.network.layers:
        if isinstance(layer, Dense):
            shown = "" if layer.activation == "identity" else f" {layer.activation}"
            parts.append(f"{layer.units}{shown}")
        elif isinstance(layer, Dropout):
            parts.append(f"dropout {layer.rate:g}")
    shapes = prepared.network.parameter_shapes(prepared.inputs)
    count = sum(math.prod(shape) for shape in shapes.values())
    return f"{' → '.join(parts)}, {type(prepared.network.loss).__name__}, {count:,} parameters"


def _show_metrics(console: Console, prepared: Prepared, training: Training) -> None:
    metrics = training.metrics
    assert metrics is not None
    console.print(f"Trained {metrics['epochs']} epochs in {seconds(metrics['seconds'])}.\n")
    console.print(metrics_table({part: metrics[part] for part in PARTS}, prepared.dataset.unit))
    console.print()
    describe = _describe_classes if training.model.classes is not None else _describe_numbers
    for text in describe(prepared, training):
        console.print(visible(text))


def metrics_table(judged: Mapping[str, Metrics], unit: str) -> Table:
    """Parts as rows and metrics as columns, or turned where more than three names would not fit a window.

    unit : of the errors and of the pinball loss.
    """
    names = list(next(iter(judged.values())))
    with_unit = {name for name in names if name.endswith(("_error", "_pinball_loss"))}
    columns = [
        (name, *(plain(values[name], unit if name in with_unit else "") for values in judged.values()))
        for name in names
    ]
    turned = len(names) > _MOST_METRICS
    headings = ("", *(judged if turned else names))
    rows = columns if turned else list(zip(judged, *(column[1:] for column in columns), strict=True))
    return table(headings, rows, right=range(1, len(headings)))


def _describe_classes(prepared: Prepared, training: Training) -> list[str]:
    assert training.metrics is not None
    accuracy = training.metrics["test"]["accuracy"]
    numbers = [prepared.target.encode(prepared.dataset.take(rows)) for rows in _train_and_test(prepared)]
    trivial = majority_accuracy(*numbers)
    compared = _verdict(1 - accuracy, 1 - trivial)
    return [
        f"On test rows it is right in {percent(accuracy)}; always naming the commonest class would be right "
        f"in {percent(trivial)}: {compared}."
    ]


def _describe_numbers(prepared: Prepared, training: Training) -> list[str]:
    train, test = (prepared.dataset.take(rows) for rows in _train_and_test(prepared))
    unit = prepared.dataset.unit
    model = training.model
    predicted = float(model.answers(*model.encode(test.take(np.array([0]))))[0])
    return [
        _against_a_constant(prepared, training, train.numbers(), test.numbers()),
        f"For example, the first test row: predicted {plain(predicted, unit)}, "
        f"true {plain(float(test.numbers()[0]), unit)}.",
    ]


def _against_a_constant(
    prepared: Prepared, training: Training, train: NDArray[np.float64], test: NDArray[np.float64]
) -> str:
    """The test rows' error beside that of always guessing what is best on the training rows."""
    assert training.metrics is not None
    judged, loss = training.metrics["test"], prepared.network.loss
    name, unit = prepared.dataset.target, prepared.dataset.unit
    if isinstance(loss, Quantile):
        error, guess = judged["mean_pinball_loss"], quantile_guess(train, loss.level)
        trivial = pinball_loss(test, guess, loss.level)
        return (
            f"On test rows its mean pinball loss at {loss.level:g} is {plain(error, unit)}; always guessing "
            f"the {loss.level:g} quantile of {name}, {plain(guess, unit)}, would have "
            f"{plain(trivial, unit)}: {_verdict(error, trivial)}."
        )
    if isinstance(loss, Poisson):
        error, guess = judged["mean_poisson_deviance"], float(train.mean())
        trivial = poisson_deviance(test, guess)
        return (
            f"On test rows its mean Poisson deviance is {plain(error)}; always guessing the mean {name}, "
            f"{plain(guess, unit)}, would have {plain(trivial)}: {_verdict(error, trivial)}."
        )
    error, guess = judged["mean_absolute_error"], float(np.median(train))
    trivial = median_error(train, test)
    return (
        f"On test rows it is off by {plain(error, unit)} on average, where the median {name} is "
        f"{plain(guess, unit)}; always guessing that median would be off by {plain(trivial, unit)}: "
        f"{_verdict(error, trivial)}."
    )


def _verdict(error: float | None, trivial: float) -> str:
    if error is None:
        return "the model's error is beyond float64"
    if trivial <= 0:
        return "the trivial guess makes no error on these rows"
    if error >= trivial:
        return "the model is no better than that guess"
    return f"the model makes {percent(1 - error / trivial)} less error"


def _train_and_test(prepared: Prepared) -> tuple[Any, Any]:
    return prepared.parts.train, prepared.parts.test


def _show_files(console: Console, folder: Path, data: str) -> None:
    names = ", ".join(sorted(path.name for path in folder.iterdir()))
    console.print()
    line(console, f"Saved in {folder}: {names}")
    line(console, f"Use it:  {shown_command('predict', str(folder), data)}")
