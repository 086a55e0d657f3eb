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

import polars as pl

from descend.data.sources.arrow_structure import check_arrow
from descend.data.sources.parquet_structure import check_parquet
from descend.data.table import Table
from descend.errors import DataError

_STDERR = 2
_muting = threading.Lock()  # two threads must not restore each other's standard error


def read_parquet(path: Path) -> Table:
    """A .parquet file. Raises DataError where it is damaged, foreign or empty."""
    return _read(path, "Parquet", _checked_parquet, b"PAR1")


def read_arrow(path: Path) -> Table:
    """An .arrow or .feather file in Arrow's file format. Raises as ``read_parquet``."""
    return _read(path, "Arrow", _checked_arrow, b"ARROW1")


def _read(path: Path, format_name: str, reader: Callable[[Path], pl.DataFrame], magic: bytes) -> Table:
    with path.open("rb") as file:
        start = file.read(len(magic))
    if not start:
        raise DataError(f"{path} is empty")
    if start != magic:
        raise DataError(f"{path} is not {format_name}, whatever its name says: it starts with {start!r}")
    try:
        with _without_panics_on_stderr():
            frame = reader(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path} is truncated or damaged {format_name}: {reason}") from error
    if not frame.width or not frame.height:
        raise DataError(f"{path} has no rows")
    return Table(frame, path.name)


def _checked_parquet(path: Path) -> pl.DataFrame:
    check_parquet(path)
    return pl.read_parquet(path)


def _checked_arrow(path: Path) -> pl.DataFrame:
    data = path.read_bytes()
    check_arrow(data)
    return pl.read_ipc(io.BytesIO(data))


@contextlib.contextmanager
def _without_panics_on_stderr() -> Iterator[None]:
    """Drops the pages that polars writes about a panic; all else that was written meanwhile comes through."""
    with _muting, contextlib.ExitStack() as restored:
        try:
            kept = restored.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(_STDERR)
        except OSError:  # nowhere to keep it, or no standard error
            yield
            return
        restored.callback(os.close, stderr)
        os.dup2(kept.fileno(), _STDERR)
        try:
            yield
        except pl.exceptions.PanicException:
            kept.truncate(0)
            raise
        finally:
            os.dup2(stderr, _STDERR)
            kept.seek(0)
            with contextlib.suppress(OSError), os.fdopen(os.dup(stderr), "wb") as through:
                shutil.copyfileobj(kept, through)
