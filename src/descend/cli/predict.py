"""``descend predict``: a CSV with a prediction per row, in the rows' order."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descend.data.notices import Notices
from descend.errors import OptionError
from descend.models import load
from descend.models.writing import replace_file


def predict_command(model_path: str, data: str, out: Path | None, quiet: bool) -> None:
    """Predicts every row and writes the CSV, whole or not at all where it is a file."""
    if out is not None and out.exists() and Path(data).exists() and out.samefile(data):
        raise OptionError(f"--out {out} is the table itself: name another file")
    model = load(model_path)
    if model.encoder is None:
        raise OptionError(f"{model_path} was trained on arrays: use descend.load(...).predict in Python")
    notices = Notices()
    x, scale = model.encode(data, notices)
    columns: list[NDArray[np.generic]] = [model.answers(x, scale)]
    header = ["prediction"]
    if model.classes is not None:
        columns += list(model.probabilities(x, scale).T)
        header += [f"probability_{label}" for label in model.classes.tolist()]
    names = model.encoder.names_of_last_use
    if names is not None:
        columns.append(np.array(names, object))
        header.append("file")
    text = _csv(header, columns)
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())  # CSV is UTF-8 wherever it goes
        sys.stdout.buffer.flush()
    else:
        replace_file(out, text.encode())
    if not quiet:
        written = () if out is None else (f"{len(columns[0]):,} rows written to {out}",)
        for note in (*notices.texts, *written):
            print(f"note: {note}", file=sys.stderr)


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
