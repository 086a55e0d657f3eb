"""A run's folder: model, history, metrics and the options to run it again."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import OutputError
from descend.models import Model
from descend.models.file import FILE_NAME, model_bytes
from descend.models.safetensors_bytes import to_bytes
from descend.training.history import History
from descend.writing.renaming import exchange, take_name
from descend.writing.whole import check_writable, folder_in_the_making, settle, write_whole

LAST_GOOD = "last-good.safetensors"
OPTIONS_NAME = "run.toml"
_FILES = (FILE_NAME, LAST_GOOD, OPTIONS_NAME, "history.csv", "metrics.json")
_DEFAULT = Path("runs")  # where runs go that were given no folder


def check_output(out: Path | None, overwrite: bool) -> None:
    """Raises OutputError before any work where the run's folder could not be written."""
    folder = out if out is not None else _DEFAULT
    if out is not None and os.path.lexists(out):
        if not overwrite:
            raise OutputError(f"{out} already exists: name another folder or add --overwrite")
        if not _may_be_replaced(out):
            raise OutputError(f"{out} is not a run's folder: it is not overwritten")
    above = folder if out is None and folder.exists() else _existing_parent(folder)
    if holds_run(above):
        raise OutputError(f"{folder} would be inside a run's folder: name one outside of {above}")
    try:
        check_writable(above)  # tried: asking for rights misleads for root
    except OutputError as error:
        raise OutputError(f"{folder} cannot be written: {error}") from None


def holds_run(folder: Path) -> bool:
    """Whether ``folder`` is where a run was written."""
    return (folder / OPTIONS_NAME).is_file() and any(
        (folder / name).is_file() for name in (FILE_NAME, LAST_GOOD)
    )


def write_run(
    name: str, out: Path | None, overwrite: bool, model: Model, history: History,
    metrics: Mapping[str, Any], options: Mapping[str, Any],
) -> Path:  # fmt: skip
    """Writes the whole folder, then gives it its name, and returns it.

    That is ``out``, or runs/NAME; numbered where another run took the name. Raises OutputError.
    """
    text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
    contents = {
        FILE_NAME: model_bytes(model),
        "history.csv": history_csv(history).encode(),
        "metrics.json": f"{text}\n".encode(),
        OPTIONS_NAME: options_toml(options).encode(),
    }
    return _write(contents, _DEFAULT / name if out is None else out, overwrite and out is not None)


def write_last_good(
    name: str, out: Path | None, overwrite: bool, parameters: Mapping[str, NDArray[Any]],
    options: Mapping[str, Any],
) -> Path:  # fmt: skip
    """The folder of a run that diverged: its last finite weights and its options, no model."""
    contents = {LAST_GOOD: to_bytes(parameters), OPTIONS_NAME: options_toml(options).encode()}
    return _write(contents, _DEFAULT / name if out is None else out, overwrite and out is not None)


def history_csv(history: History) -> str:
    """One line an epoch, every number written so that it reads back exactly."""
    columns = history.columns()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([int(row[0]), *(repr(float(value)) for value in row[1:])])
    return text.getvalue()


def options_toml(options: Mapping[str, Any]) -> str:
    """``key = value`` lines; options that are None are left out."""
    lines = [f"{key} = {_toml(value)}" for key, value in options.items() if value is not None]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    # JSON's escapes are TOML's, but for DEL
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(contents: Mapping[str, bytes], wanted: Path, overwrite: bool) -> Path:
    parent = wanted.absolute().parent
    with folder_in_the_making(parent) as folder:
        try:
            for name, content in contents.items():
                write_whole(folder / name, content)
            settle(folder)
        except OSError as error:
            written = wanted / Path(str(error.filename)).name
            raise OutputError(f"{written}: cannot be written ({error.strerror})") from None
        try:
            place = _place(folder, wanted, overwrite)
        except OSError as error:
            raise OutputError(f"{wanted} cannot be written ({error.strerror})") from None
        settle(parent)
    return place


def _place(folder: Path, wanted: Path, overwrite: bool) -> Path:
    """Gives ``folder`` the wanted name, or the first numbered one that is free. Raises OSError."""
    if overwrite and _may_be_replaced(wanted):
        with contextlib.suppress(FileNotFoundError):  # another run may have taken it away meanwhile
            exchange(folder, wanted)
            return wanted
    number = 1
    while True:
        place = wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}")
        try:
            take_name(folder, place)
        except FileExistsError:
            number += 1
        else:
            return place


def _may_be_replaced(out: Path) -> bool:
    """Whether ``out`` is an empty folder, or holds nothing but what a run writes, with its run.toml."""
    if out.is_symlink() or not out.is_dir():
        return False
    inside = {entry.name for entry in out.iterdir()}
    return not inside or (OPTIONS_NAME in inside and inside <= set(_FILES))


def _existing_parent(folder: Path) -> Path:
    above = folder.absolute().parent
    while not above.exists():
        above = above.parent
    return above
