"""Parquet and Arrow files, whose columns have types of their own."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import polars as pl

from descend.data.table import Table
from descend.errors import DataError


def read_parquet(path: Path) -> Table:
    """A .parquet file. Raises DataError where it is damaged, foreign or empty."""
    return _read(path, "Parquet", pl.read_parquet, b"PAR1")


def read_arrow(path: Path) -> Table:
    """An .arrow or .feather file in Arrow's file format. Raises as ``read_parquet``."""
    return _read(path, "Arrow", lambda file: pl.read_ipc(io.BytesIO(file.read_bytes())), b"ARROW1")


def _read(path: Path, format_name: str, reader: Callable[[Path], pl.DataFrame], magic: bytes) -> Table:
    with path.open("rb") as file:
        start = file.read(len(magic))
    if not start:
        raise DataError(f"{path} is empty")
    if start != magic:
        raise DataError(f"{path} is not {format_name}, whatever its name says: it starts with {start!r}")
    try:
        frame = reader(path)
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise DataError(f"{path} is truncated or damaged {format_name}: {reason}") from error
    if not frame.width or not frame.height:
        raise DataError(f"{path} has no rows")
    return Table(frame, path.name)
