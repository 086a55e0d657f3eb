"""Parquet and Arrow files with altered bytes: read or refused in one line; the process lives on, quietly."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from descend.data import sources
from descend.data.sources.arrow_structure import check_arrow
from descend.data.sources.parquet_structure import Damaged, check_parquet
from descend.errors import DataError

# In a process of its own: without the check, polars ends the one that reads some of these files.
READ = """
import sys
from pathlib import Path
from descend.data import sources
from descend.errors import DataError

whole, alterations = Path(sys.argv[1]).read_bytes(), sys.stdin.read().splitlines()
altered, read = Path(sys.argv[1]).with_stem("altered"), 0
for alteration in alterations:
    length, *places = (int(each) for each in alteration.split())
    content = bytearray(whole)
    for place, value in zip(places[::2], places[1::2]):
        content[place] = value
    altered.write_bytes(content[:length])
    try:
        sources.read_table(altered)
        read += 1
    except DataError as error:
        assert "\\n" not in str(error), alteration
    except BaseException as error:
        raise AssertionError(alteration) from error
print(read, len(alterations) - read)
"""


def _frame(rows: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "text": ["abc", "de"] * (rows // 2),
            "number": [place * 1.5 for place in range(rows)],
            "gaps": [None if place % 5 == 0 else place for place in range(rows)],
            "category": pl.Series([f"c{place % 3}" for place in range(rows)], dtype=pl.Categorical),
            "flag": [place % 3 == 0 for place in range(rows)],
        }
    )


def _read_altered(path: Path, alterations: list[list[int]]) -> tuple[int, int]:
    """How many were read and how many refused. An alteration is the length kept, then places and values."""
    lines = "\n".join(" ".join(map(str, each)) for each in alterations)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], input=lines, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    read, refused = done.stdout.split()
    return int(read), int(refused)


def test_every_bit_of_the_first_page_headers(tmp_path: Path) -> None:
    path = tmp_path / "bits.parquet"
    pl.DataFrame({"text": ["abc", "de"] * 15}).write_parquet(path, compression="uncompressed")
    content = path.read_bytes()
    bits = [(place, bit) for place in range(20, 60) for bit in range(8)]
    flips = [[len(content), place, content[place] ^ 1 << bit] for place, bit in bits]
    read, refused = _read_altered(path, flips)
    assert read > 0
    assert refused > 50


@pytest.mark.parametrize("compression", ["uncompressed", "snappy", "zstd"])
def test_bytes_altered_anywhere(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "any.parquet"
    _frame(60).write_parquet(path, compression=compression, row_group_size=30, data_page_size=200)
    read, refused = _read_altered(path, _drawn(path, 200))
    assert read > 0
    assert refused > 50


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_bytes_of_an_arrow_file_altered_anywhere(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "any.arrow"
    _frame(60).write_ipc(path, compression=compression)
    read, refused = _read_altered(path, _drawn(path, 200))
    assert read > 0
    assert refused > 50


def test_an_arrow_buffer_that_would_unpack_to_more_than_any_machine_has(tmp_path: Path) -> None:
    path = tmp_path / "sizes.arrow"
    pl.DataFrame({"number": [place * 1.5 for place in range(300)]}).write_ipc(path, compression="zstd")
    content = path.read_bytes()
    places = [
        place for place in range(0, len(content) - 8, 8)
        if int.from_bytes(content[place : place + 8], "little") == 300 * 8
    ]  # fmt: skip
    assert places
    for place in places:
        altered = bytearray(content)
        altered[place + 6] = 0x7F
        with pytest.raises(Damaged, match=r"a buffer of [\d,]+ bytes would have [\d,]+ unpacked"):
            check_arrow(bytes(altered))


def _drawn(path: Path, count: int) -> list[list[int]]:
    """``count`` alterations of one to three bytes, and 50 truncations."""
    size = path.stat().st_size
    draw = random.Random(path.name)
    altered = [
        [size, *(draw.randrange(limit) for _ in range(draw.randint(1, 3)) for limit in (size, 256))]
        for _ in range(count)
    ]
    return altered + [[draw.randrange(size)] for _ in range(50)]


def test_a_panic_of_the_library_is_one_line(tmp_path: Path, monkeypatch, capfd) -> None:
    path = tmp_path / "t.parquet"
    _frame(30).write_parquet(path)

    def panic(path: Path) -> pl.DataFrame:
        print("thread panicked", file=sys.__stderr__, flush=True)
        raise pl.exceptions.PanicException("index out of bounds")

    monkeypatch.setattr(pl, "read_parquet", panic)
    with pytest.raises(DataError, match=r"t.parquet is truncated or damaged Parquet: index out of bounds"):
        sources.read_table(path)
    assert capfd.readouterr().err == ""


def test_what_others_write_meanwhile_comes_through(tmp_path: Path, monkeypatch, capfd) -> None:
    path = tmp_path / "t.parquet"
    _frame(30).write_parquet(path)

    def warn(path: Path) -> pl.DataFrame:
        print("a warning", file=sys.__stderr__, flush=True)
        return _frame(30)

    monkeypatch.setattr(pl, "read_parquet", warn)
    assert sources.read_table(path).rows == 30
    assert capfd.readouterr().err == "a warning\n"


@pytest.mark.parametrize("compression", ["uncompressed", "snappy", "zstd", "gzip", "lz4", "brotli"])
def test_good_files_pass(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "good.parquet"
    nested = _frame(600).with_columns(
        lists=pl.Series([[1, 2], [], None] * 200), group=pl.struct("text", "gaps")
    )
    nested.write_parquet(path, compression=compression, row_group_size=100, data_page_size=64)
    check_parquet(path)
    nested.clear().write_parquet(path, compression=compression)
    check_parquet(path)


def test_what_is_found_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"text": ["abc", "de"] * 15}).write_parquet(path, compression="uncompressed")
    content = path.read_bytes()
    (tmp_path / "cut.parquet").write_bytes(content[:-30] + content[-8:])
    with pytest.raises(Damaged):
        check_parquet(tmp_path / "cut.parquet")
    (tmp_path / "locked.parquet").write_bytes(content[:-4] + b"PARE")
    with pytest.raises(Damaged, match="its footer is encrypted"):
        check_parquet(tmp_path / "locked.parquet")
    (tmp_path / "long.parquet").write_bytes(content[:-8] + (10**6).to_bytes(4, "little") + content[-4:])
    with pytest.raises(Damaged, match=r"its footer would have 1,000,000 bytes, and the file has"):
        check_parquet(tmp_path / "long.parquet")
