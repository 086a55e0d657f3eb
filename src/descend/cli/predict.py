"""``descend predict``: a CSV with a prediction per row, in the rows' order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descend.cli.lines import check_open, note, write_bytes
from descend.cli.model import load_model
from descend.cli.output_file import check_output_file, check_spared
from descend.data.notices import Notices
from descend.errors import OptionError
from descend.writing.whole import new_file, replace_file


def predict_command(model_path: str, data: str, out: Path | None, overwrite: bool, quiet: bool) -> None:
    """Predicts every row and writes the CSV, whole or not at all where it is a file. Raises DescendError."""
    if out is None:
        check_open()
    else:
        check_spared(out, model_path, data)
        check_output_file(out, overwrite)
    model = load_model(model_path, data)
    if model.encoder is None:
        raise OptionError(f"{model_path} was trained on arrays: use descend.load(...).predict in Python")
    notices = Notices()
    x, place = model.encode(data, notices)
    columns: list[NDArray[np.generic]] = [model.answers(x, place)]
    header = ["prediction"]
    if model.classes is not None:
        columns += list(model.probabilities(x, place).T)
        header += [f"probability_{label}" for label in model.classes.tolist()]
    names = model.encoder.names_of_last_use
    if names is not None:
        columns.append(np.array(names, object))
        header.append("file")
    content = "".join(_csv(header, columns)).encode(
        errors="backslashreplace"
    )  # names of files may be no text
    if out is None:
        _print(content)
    else:
        write = replace_file if overwrite else new_file
        write(out, content)
    if not quiet:
        written = () if out is None else (f"{len(columns[0]):,} rows written to {out}",)
        for found in (*notices.texts, *written):
            note(f"note: {found}")


def _print(content: bytes) -> None:
    """To standard output, as UTF-8 wherever it goes."""
    try:
        write_bytes(content)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("what was printed is not whole") from None


def _csv(header: Sequence[str], columns: Sequence[NDArray[np.generic]]) -> Iterator[str]:
    """Lines of CSV; every cell reads back as it was."""
    alone = len(header) == 1
    yield ",".join(_quoted(name, alone) for name in header) + "\n"
    for row in zip(*(_shown(column, alone) for column in columns), strict=True):
        yield ",".join(row) + "\n"


def _shown(column: NDArray[np.generic], alone: bool) -> list[str]:
    """Numbers so that they read back exactly, at their own precision."""
    if column.dtype.kind == "f":
        return [np.format_float_positional(value, unique=True, trim="0") for value in column]
    return [_quoted(str(value), alone) for value in column.tolist()]


def _quoted(cell: str, alone: bool) -> str:
    """In quotes where a reader would else take part of it for the table's own.

    The csv module of Python 3.11 leaves a carriage return bare, which ends a row.

    alone : the cell is a whole row, of which an empty one would be no row.
    """
    bare = cell.isprintable() and "," not in cell and '"' not in cell and cell == cell.strip()
    if bare and (cell or not alone):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'
