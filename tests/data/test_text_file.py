"""Text files are read packed and from pipes, within memory, and answer signals."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import signal
import socket
import threading
import time
import zipfile
from pathlib import Path
from types import FrameType

import pytest

from descend.data import sources
from descend.data.sources import csv_table, text_file
from descend.errors import DataError

PLAIN = b"a,y\n1,2.5\n2,3.5\n"


def zipped(**files: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        sources.read(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


PACKED = {
    ".csv.gz": gzip.compress(PLAIN),
    ".csv.bz2": bz2.compress(PLAIN),
    ".tsv.xz": lzma.compress(PLAIN),
    ".csv.zip": zipped(data=PLAIN),
    ".zip": zipped(**{"folder/": b"", "folder/data": PLAIN, "__MACOSX/._data": b"\0"}),
    ".csv": zipped(data=PLAIN),  # whatever its name
    ".txt": bz2.compress(PLAIN),
    ".data.gz": gzip.compress(PLAIN),
}


@pytest.mark.parametrize("ending", PACKED)
def test_packed_files_are_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t.1{ending}"
    path.write_bytes(PACKED[ending])
    assert sources.read(path, target="y").numbers().tolist() == [2.5, 3.5]


@pytest.mark.parametrize("ending", [".data", ".DAT", ".tab", ".asc", ".psv"])
def test_other_endings_of_text(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t{ending}"
    path.write_bytes(PLAIN)
    assert sources.read(path, target="y").numbers().tolist() == [2.5, 3.5]


@pytest.mark.parametrize("ending", [".csv.gz", ".csv.bz2", ".tsv.xz", ".zip"])
def test_damaged_packed_files(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"t{ending}"
    data = PACKED[ending]
    for damaged in (data[: len(data) // 2], data[:-9]):
        path.write_bytes(damaged)
        assert f"{path.name} is a truncated or damaged" in refusal(path)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (zipped(a=PLAIN, b=PLAIN), "t.zip is a zip archive of 2 files (a, b); unpack it and give one table"),
        (zipped(), "a zip archive of no file"),
        (zipped(**{"[Content_Types].xml": b"", "xl": b""}), "an Excel workbook; save the sheet as CSV"),
        (zipped(mimetype=b"", content=b""), "an OpenDocument file"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(30), "a 7-Zip archive; unpack it first"),
        (b"Rar!\x1a\x07\0" + bytes(30), "a RAR archive; unpack it first"),
        (b"\x28\xb5\x2f\xfd" + bytes(30), "packed by Zstandard; unpack it first"),
    ],
)
def test_archives_that_hold_no_single_table(tmp_path: Path, data: bytes, part: str) -> None:
    if data == zipped():
        data = b"PK\x03\x04" + data  # an empty archive begins otherwise
    path = tmp_path / "t.zip"
    path.write_bytes(data)
    assert part in refusal(path)


@pytest.mark.parametrize(
    ("name", "data", "part"),
    [
        ("t.jsonl", b'{"x":1}\n{"x":2}\n', "it holds JSON; convert it to CSV"),
        ("t.json", b'[{"x":1}]', "it holds JSON; convert it to CSV"),
        ("t.7z", b"7z\xbc\xaf\x27\x1c", "unpack it first"),
        ("t.csv.zst", b"\x28\xb5\x2f\xfd", "unpack it first"),
        ("t.ods", b"PK\x03\x04", "save the sheet as CSV"),
        ("t.test", PLAIN, "a text file with columns may be renamed to .csv"),
        ("t.pkl", b"\x80\x04\x95\0\0\0", "save the table as CSV or Parquet"),
    ],
)
def test_what_to_do_with_other_formats(tmp_path: Path, name: str, data: bytes, part: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    message = refusal(path)
    assert message.startswith(f"{path} is of no format that is read")
    assert message.endswith(part)


def test_json_lines_under_the_name_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b'{"x":1,"y":2}\n{"x":1,"y":2}\n')
    assert "JSON lines" in refusal(path)


def test_devices_and_sockets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    assert "zero.csv is a device, not a file with a table" in refusal(tmp_path / "zero.csv")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(tmp_path / "s.csv"))  # an absolute path may be too long for a socket
        assert "s.csv is a socket" in refusal(tmp_path / "s.csv")


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    loop, dangling = tmp_path / "l.csv", tmp_path / "d.csv"
    loop.symlink_to(loop)
    dangling.symlink_to(tmp_path / "gone.csv")
    assert refusal(loop) == f"{loop} is a link that leads back to itself"
    assert refusal(dangling) == f"{dangling} is a link to {str(tmp_path / 'gone.csv')!r}, which is not there"


def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "p.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(PLAIN,))
    writer.start()
    assert sources.read(pipe, target="y").numbers().tolist() == [2.5, 3.5]
    writer.join()
    os.mkfifo(tmp_path / "nameless")  # and nobody writes
    assert "is of no format that is read" in refusal(tmp_path / "nameless")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_text_beyond_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: type[bytes]
) -> None:
    monkeypatch.setattr(text_file, "free_memory", lambda: 3_000_000)
    path = tmp_path / "t.csv"
    path.write_bytes(pack(PLAIN + b"1,2\n" * 500_000))
    assert "t.csv holds more than 1 MB of text, too much for the memory that is free" in refusal(path)


def test_cells_beyond_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "free_memory", lambda: 10_000_000)
    with pytest.raises(
        DataError, match=r"t\.csv holds about 1,000,006 cells; reading them takes about 64 MB"
    ):
        csv_table.parse_csv(PLAIN + b"1,2\n" * 500_000, "t.csv")
    assert csv_table.parse_csv(PLAIN, "t.csv").rows == 2


def test_reading_ends_with_a_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Interrupted

    def deaf(data: bytes, name: str) -> None:  # as a long call into polars
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000)

    path = tmp_path / "t.csv"
    path.write_bytes(PLAIN)
    monkeypatch.setattr(csv_table, "parse_csv", deaf)
    before = signal.signal(signal.SIGALRM, interrupt)
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(Interrupted):
            sources.read(path)
        assert time.perf_counter() - started < 0.5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
