"""Parquet and Arrow files that are small and would be large: refused before they are read."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from descend.data.sources import parquet_table, read_table
from descend.data.sources.arrow_structure import check_arrow
from descend.data.sources.parquet_structure import check_parquet
from descend.errors import DataError

ROWS = 5000


def shared_text() -> pl.DataFrame:
    return pl.DataFrame({"s": pl.Series(["x" * 10**5]).new_from_index(0, ROWS), "y": range(ROWS)})


def few_values() -> pl.DataFrame:
    return pl.DataFrame({"a": [0] * 10**6, "b": [1] * 10**6})


def reads_nothing(*_: object) -> pl.DataFrame:
    raise AssertionError("it was read")


@pytest.mark.parametrize(("frame", "size"), [(shared_text, 500_000_000), (few_values, 16_000_000)])
def test_a_small_parquet_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frame: Callable[[], pl.DataFrame], size: int
) -> None:
    path = tmp_path / "t.parquet"
    frame().write_parquet(path)
    assert path.stat().st_size < 10**6
    assert size <= check_parquet(path) < 1.01 * size
    monkeypatch.setattr(parquet_table, "free_memory", lambda: 40_000_000)
    monkeypatch.setattr(pl, "read_parquet", reads_nothing)
    with pytest.raises(DataError, match=r"t\.parquet holds [\d,]+ MB when unpacked, too much for the 40 MB"):
        read_table(path)


@pytest.mark.parametrize("frame", [few_values, lambda: pl.DataFrame({"a": [None] * 2_000_000})])
def test_a_small_arrow_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frame: Callable[[], pl.DataFrame]
) -> None:
    path = tmp_path / "t.arrow"
    frame().write_ipc(path, compression="zstd")
    assert path.stat().st_size < 10**6
    assert 16_000_000 <= check_arrow(path.read_bytes()) < 17_000_000
    monkeypatch.setattr(parquet_table, "free_memory", lambda: 40_000_000)
    monkeypatch.setattr(pl, "read_ipc", reads_nothing)
    with pytest.raises(DataError, match=r"t\.arrow holds 16 MB when unpacked"):
        read_table(path)


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["x" * 10**5])])
def test_texts_that_rows_of_an_arrow_file_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: pl.DataType
) -> None:
    path = tmp_path / "t.arrow"
    shared_text().with_columns(pl.col("s").cast(dtype)).write_ipc(path, compat_level=pl.CompatLevel.newest())
    assert path.stat().st_size < 10**6
    monkeypatch.setattr(parquet_table, "free_memory", lambda: 40_000_000)
    with pytest.raises(DataError, match=r"t\.arrow holds 500 MB when unpacked"):
        read_table(path)


@pytest.mark.parametrize("suffix", ["parquet", "arrow"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, suffix: str) -> None:
    os.mkfifo(tmp_path / f"t.{suffix}")
    with pytest.raises(DataError, match="is no regular file"):
        read_table(tmp_path / f"t.{suffix}")


@pytest.mark.parametrize(("suffix", "reader"), [("parquet", "read_parquet"), ("arrow", "read_ipc")])
def test_a_signal_ends_the_wait_and_leaves_standard_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, reader: str
) -> None:
    path = tmp_path / f"t.{suffix}"
    few_values().write_parquet(path) if suffix == "parquet" else few_values().write_ipc(path)
    threads = []

    def interrupted(source: object) -> pl.DataFrame:
        threads.append(threading.current_thread())
        raise KeyboardInterrupt

    monkeypatch.setattr(pl, reader, interrupted)
    before = os.fstat(2)
    with pytest.raises(KeyboardInterrupt):
        read_table(path)
    assert threads != [threading.main_thread()]
    assert (os.fstat(2).st_dev, os.fstat(2).st_ino) == (before.st_dev, before.st_ino)
