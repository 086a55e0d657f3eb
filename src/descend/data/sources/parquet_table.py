"""Parquet and Arrow files, whose columns have types of their own."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import polars as pl

from descend.data.sources.arrow_structure import check_arrow
from descend.data.sources.interruptible import interruptibly
from descend.data.sources.parquet_structure import check_parquet
from descend.data.table import Table
from descend.errors import DataError
from descend.memory import free_memory

_STDERR = 2
_COPIES = 3  # of the values, while they are read and understood
_muting = threading.Lock()  # two threads must not restore each other's standard error


def read_parquet(path: Path) -> Table:
    """A .parquet file. Raises DataError where it is damaged, foreign or empty."""
    return _read(path, "Parquet", _checked_parquet, b"PAR1")


def read_arrow(path: Path) -> Table:
    """An .arrow or .feather file in Arrow's file format. Raises as ``read_parquet``."""
    return _read(path, "Arrow", _checked_arrow, b"ARROW1")


def _read(path: Path, format_name: str, reader: Callable[[Path], pl.DataFrame], magic: bytes) -> Table:
    if not path.is_file():
        raise DataError(f"{path} is no regular file, as {format_name} must be")
    with path.open("rb") as file:
        start = file.read(len(magic))
    if not start:
        raise DataError(f"{path} is empty")
    if start != magic:
        raise DataError(f"{path} is not {format_name}, whatever its name says: it starts with {start!r}")
    try:
        with _without_panics_on_stderr():
            frame = reader(path)
            text = sum(map(_text_bytes, frame))
    except DataError:
        raise
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path} is truncated or damaged {format_name}: {reason}") from error
    if not frame.width or not frame.height:
        raise DataError(f"{path} has no rows")
    _check_memory(path, text)
    return Table(frame, path.name)


def _checked_parquet(path: Path) -> pl.DataFrame:
    _check_memory(path, check_parquet(path))
    return interruptibly(lambda: pl.read_parquet(path))


def _checked_arrow(path: Path) -> pl.DataFrame:
    _check_memory(path, path.stat().st_size)
    data = path.read_bytes()
    _check_memory(path, check_arrow(data))
    return interruptibly(lambda: pl.read_ipc(io.BytesIO(data)))


def _text_bytes(cells: pl.Series) -> int:
    """Bytes of a column's texts, each written out. Many rows may share one while they are read."""
    if cells.dtype == pl.String:
        return int(cells.str.len_bytes().sum())
    if isinstance(cells.dtype, pl.Categorical | pl.Enum):
        return int(cells.cat.len_bytes().sum())
    return 0


def _check_memory(path: Path, needed: int) -> None:
    free = free_memory()
    if needed * _COPIES > free:
        raise DataError(
            f"{path} holds {needed / 1e6:,.0f} MB when unpacked, too much for the {free / 1e6:,.0f} MB of "
            "memory that are free; use fewer rows or columns"
        )


@contextlib.contextmanager
def _without_panics_on_stderr() -> Iterator[None]:
    """Drops the pages that polars writes about a panic; all else that was written meanwhile comes through."""
    with _muting, contextlib.ExitStack() as undone:
        try:
            kept = undone.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(_STDERR)
        except OSError:  # nowhere to keep it, or no standard error
            yield
            return
        undone.callback(os.close, stderr)
        undone.callback(_pass_on, kept, stderr)
        undone.callback(os.dup2, stderr, _STDERR)  # first of all, whatever ends what follows
        os.dup2(kept.fileno(), _STDERR)
        try:
            yield
        except pl.exceptions.PanicException:
            kept.truncate(0)
            raise


def _pass_on(kept: IO[bytes], stderr: int) -> None:
    kept.seek(0)
    with contextlib.suppress(OSError), os.fdopen(os.dup(stderr), "wb") as through:
        shutil.copyfileobj(kept, through)
