"""What a model's answers on rows of a table are worth: of the parts of its own table, or of another one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.data import sources
from descend.data.dataset import Dataset
from descend.data.encoding import ImageEncoder, TableEncoder
from descend.data.notices import Notices
from descend.data.panics import panics_named
from descend.data.split import PARTS, split
from descend.data.target import ClassTarget, check_counts
from descend.errors import DataError, OptionError, choices
from descend.evaluation.metrics import (
    Metrics,
    classification_metrics,
    count_metrics,
    quantile_metrics,
    regression_metrics,
)
from descend.models import Model
from descend.networks import Loss, Poisson, Quantile

Array = NDArray[Any]
_ROWS_AT_ONCE = 16384  # judged in one piece: bounds the memory beside the data


def judge(model: Model, dataset: Dataset, rows: NDArray[np.int64], notices: Notices | None = None) -> Metrics:
    """Metrics of the model's answers on rows whose target is known, in the target's units.

    notices : takes what was noticed in the rows.
    """
    assert model.encoder is not None
    truth = ClassTarget(model.classes) if model.classes is not None else None
    blocks: list[tuple[Array, ...]] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        block = dataset.take(rows[start : start + _ROWS_AT_ONCE])
        x, place = model.encode(block, notices)
        if truth is None:
            blocks.append((block.numbers(), model.answers(x, place)))
        else:
            numbers = (truth.encode(block), model.class_numbers(x, place), model.probabilities(x, place))
            blocks.append(numbers)
    columns = [np.concatenate(column) for column in zip(*blocks, strict=True)]
    return (
        _number_metrics(model.network.loss, *columns) if truth is None else classification_metrics(*columns)
    )


def _number_metrics(loss: Loss, truth: Array, predicted: Array) -> Metrics:
    """A quantile or an expected count is judged by its own loss first."""
    if isinstance(loss, Quantile):
        return quantile_metrics(truth, predicted, loss.level)
    if isinstance(loss, Poisson):
        return count_metrics(truth, predicted)
    return regression_metrics(truth, predicted)


@panics_named()
def evaluate(
    model: Model, data: Any, rows: str = "", notices: Notices | None = None
) -> dict[str, Metrics | Any]:
    """Metrics by part: train, validation and test where ``data`` is the model's own table, else ``all``.

    rows : ``all``, ``train``, ``validation`` or ``test`` for one part only.
    notices : takes what was noticed while reading and encoding.

    Raises
    ------
    DataError : a part is asked for of a table that the model was not fitted on; a count is below 0.
    OptionError : the model was trained on arrays and has no table.
    """
    if model.encoder is None or "fingerprint" not in model.about:
        raise OptionError("this model was trained on arrays: it knows no table to be evaluated on")
    if rows not in ("", "all", *PARTS):
        raise OptionError(f"unknown rows {rows!r}; {choices(rows, ('all', *PARTS))}")
    about = model.about
    form = model.encoder.form if isinstance(model.encoder, ImageEncoder) else None
    written = model.encoder.target_format if isinstance(model.encoder, TableEncoder) else None
    dataset = sources.read(
        data, target=about["target"], ignore=about["ignore"], image_form=form, lenient=True,
        target_format=written,
    )  # fmt: skip
    dataset = dataset.with_known_target()
    notices = Notices() if notices is None else notices
    notices.say(*dataset.notes)
    if isinstance(model.network.loss, Poisson):
        check_counts(dataset)
    own = dataset.fingerprint == about["fingerprint"]
    if not own and rows in PARTS:
        raise DataError(
            f"{dataset.name} is not the table this model was fitted on, so it has no {rows} rows: "
            "use --rows all"
        )
    if rows == "all" or not own:
        return {"all": judge(model, dataset, np.arange(dataset.rows), notices)}
    labels = None if model.classes is None else ClassTarget(model.classes).encode(dataset)
    parts = split(
        dataset.rows, int(about["seed"]), labels=labels, test_rows=dataset.test_rows,
        validation_rows=dataset.validation_rows,
    )  # fmt: skip
    wanted = (rows,) if rows else PARTS
    return {part: judge(model, dataset, getattr(parts, part), notices) for part in wanted}
