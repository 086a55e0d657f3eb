"""What a file that a command is to write may not be. Asked before the work."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from descend.errors import OutputError
from descend.models.file import FILE_NAME
from descend.training.run_folder import OPTIONS_NAME, holds_run
from descend.writing.whole import check_writable


def check_output_file(out: Path, overwrite: bool) -> None:
    """Raises OutputError where ``out`` is there already, is in a run's folder, or cannot be written.

    Devices and pipes are no files to lose: they are written to.
    """
    try:
        file = out.resolve()
        there, ordinary = file.exists(), not (file.is_char_device() or file.is_fifo() or file.is_socket())
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to themselves
        raise OutputError(f"{out}: cannot be written ({getattr(error, 'strerror', error)})") from None
    if there and not ordinary:
        return
    if file.is_dir():
        raise OutputError(f"{out} is a folder: name a file")
    if holds_run(file.parent):
        raise OutputError(f"{out} is in the folder of a run, which holds nothing else: name another place")
    if there and not overwrite:
        raise OutputError(f"{out} already exists: name another file or add --overwrite")
    if not file.parent.is_dir():
        raise OutputError(f"{out} cannot be written: there is no folder {file.parent}")
    check_writable(file.parent)


def check_spared(out: Path, model: str, data: str) -> None:
    """Raises OutputError where ``out`` is what is read: model, data, or the table the model was fitted on.

    Links to them count, and so do files in a folder of data.
    """
    if not out.exists():
        return
    for path, what in _read(Path(model), Path(data)):
        if path.exists() and (out.samefile(path) or _is_inside(out, path)):
            raise OutputError(f"--out {out} is {what}: name another file")


def _read(model: Path, data: Path) -> Iterator[tuple[Path, str]]:
    yield data, "the table itself" if data.is_file() else "part of the data"
    yield model / FILE_NAME if model.is_dir() else model, "the model itself"
    options = model / OPTIONS_NAME
    try:
        fitted = tomllib.loads(options.read_text(encoding="utf-8")).get("data")
    except (OSError, ValueError):  # no run's folder, or no longer one: what it was fitted on is not known
        return
    if isinstance(fitted, str):
        yield Path(fitted), "the data that the model was fitted on"


def _is_inside(file: Path, folder: Path) -> bool:
    return folder.is_dir() and file.resolve().is_relative_to(folder.resolve())
