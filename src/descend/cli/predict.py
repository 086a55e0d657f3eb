"""``descend predict``: a CSV with a prediction per row, in the rows' order."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descend.errors import OptionError
from descend.models import load
from descend.models.writing import replace_file


def predict_command(model_path: str, data: str, out: Path | None, quiet: bool) -> None:
    """Predicts every row and writes the CSV, whole or not at all where it is a file."""
    model = load(model_path)
    if model.encoder is None:
        raise OptionError(f"{model_path} was trained on arrays: use descend.load(...).predict in Python")
    x, scale = model.encode(data)
    columns: list[NDArray[np.generic]] = [model.answers(x, scale)]
    header = ["prediction"]
    if model.classes is not None:
        columns += list(model.probabilities(x, scale).T)
        header += [f"probability_{label}" for label in model.classes.tolist()]
    if not quiet:
        for note in model.encoder.notes_of_last_use:
            print(f"note: {note}", file=sys.stderr)
    text = _csv(header, columns)
    if out is None:
        sys.stdout.write(text)
    else:
        replace_file(out, text.encode())


def _csv(header: list[str], columns: list[NDArray[np.generic]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*(_shown(column) for column in columns), strict=True))
    return text.getvalue()


def _shown(column: NDArray[np.generic]) -> list[object]:
    """Numbers so that they read back exactly, at their own precision."""
    if column.dtype.kind == "f":
        return [np.format_float_positional(value, unique=True, trim="0") for value in column]
    return column.tolist()
