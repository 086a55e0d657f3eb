"""A run's folder: model, history, metrics and the options to run it again."""

from __future__ import annotations

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.errors import OutputError
from descend.models import Model
from descend.models.file import FILE_NAME, save_model, save_parameters
from descend.models.writing import folder_in_the_making
from descend.training.history import History

LAST_GOOD = "last-good.safetensors"
_FILES = (FILE_NAME, LAST_GOOD, "run.toml", "history.csv", "metrics.json")


def check_output(out: Path | None, overwrite: bool) -> None:
    """Raises OutputError before any work where the run's folder could not be written."""
    folder = out if out is not None else Path("runs")
    if out is not None and (out.exists() or out.is_symlink()):
        if not overwrite:
            raise OutputError(f"{out} already exists: name another folder or add --overwrite")
        if not _may_be_replaced(out):
            raise OutputError(f"{out} is not a run's folder: it is not overwritten")
    above = folder if out is None and folder.exists() else _existing_parent(folder)
    try:
        Path(tempfile.mkdtemp(prefix=".descend-", dir=above)).rmdir()  # asking for rights misleads for root
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {above}: {error.strerror}") from None


def write_run(
    name: str, out: Path | None, overwrite: bool, model: Model, history: History,
    metrics: Mapping[str, Any], options: Mapping[str, Any],
) -> Path:  # fmt: skip
    """Writes the whole folder, then gives it its name: ``out``, or runs/NAME, numbered when taken."""
    with folder_in_the_making(_parent(out)) as folder:
        save_model(model, folder / FILE_NAME)
        (folder / "history.csv").write_text(history_csv(history), encoding="utf-8")
        text = json.dumps(metrics, indent=2, ensure_ascii=False, allow_nan=False)
        (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
        (folder / "run.toml").write_text(options_toml(options), encoding="utf-8")
        return _place(folder, name, out, overwrite)


def write_last_good(
    name: str, out: Path | None, overwrite: bool, parameters: Mapping[str, NDArray[Any]],
    options: Mapping[str, Any],
) -> Path:  # fmt: skip
    """The folder of a run that diverged: its last finite weights and its options, no model."""
    with folder_in_the_making(_parent(out)) as folder:
        save_parameters(parameters, folder / LAST_GOOD)
        (folder / "run.toml").write_text(options_toml(options), encoding="utf-8")
        return _place(folder, name, out, overwrite)


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


def _parent(out: Path | None) -> Path:
    return Path("runs") if out is None else out.absolute().parent


def _place(folder: Path, name: str, out: Path | None, overwrite: bool) -> Path:
    if out is None:
        return _numbered(folder, name)
    if overwrite and out.exists():
        return _swap(folder, out)
    try:
        folder.rename(out)
    except OSError as error:
        raise OutputError(f"{out} cannot be written ({error.strerror})") from None
    return out


def _swap(folder: Path, out: Path) -> Path:
    """Puts ``folder`` in the place of ``out``; whatever happens, one of the two is there."""
    old = folder.with_name(folder.name + "-old")
    try:
        out.rename(old)
        try:
            folder.rename(out)
        except BaseException:
            old.rename(out)
            raise
    except OSError as error:
        raise OutputError(f"{out} cannot be replaced ({error.strerror})") from None
    shutil.rmtree(old, ignore_errors=True)
    return out


def _numbered(folder: Path, name: str) -> Path:
    number = 1
    while True:
        place = Path("runs") / (name if number == 1 else f"{name}-{number}")
        if not place.exists():
            try:
                folder.rename(place)
            except OSError:  # another run took the name meanwhile
                if not place.exists():
                    raise
            else:
                return place
        number += 1


def _may_be_replaced(out: Path) -> bool:
    """Whether ``out`` is an empty folder, or holds nothing but what a run writes, with its run.toml."""
    if out.is_symlink() or not out.is_dir():
        return False
    inside = {entry.name for entry in out.iterdir()}
    return not inside or ("run.toml" in inside and inside <= set(_FILES))


def _existing_parent(folder: Path) -> Path:
    above = folder.absolute().parent
    while not above.exists():
        above = above.parent
    return above
