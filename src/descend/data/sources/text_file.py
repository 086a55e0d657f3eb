"""The bytes of a text file, plain or packed, and never more of them than memory holds.

gzip, bzip2, xz and zip are told by their first bytes and not by the file's name. A zip must hold one
file. Pipes are read as files are; devices and sockets have no end and are refused.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

from descend.data.table import listing
from descend.errors import DataError
from descend.memory import free_memory

PACKED = (".gz", ".bz2", ".xz", ".zip")
"""Endings of the packed files that are read."""

_BLOCK = 1 << 22  # bytes between looks at the bound, and at signals
_COPIES = 3  # of the text, while it is read
_OPENERS: tuple[tuple[bytes, str, Callable[[io.BytesIO], io.BufferedIOBase]], ...] = (
    (b"\x1f\x8b", "gzip", lambda packed: gzip.GzipFile(fileobj=packed)),
    (b"BZh", "bzip2", bz2.BZ2File),
    (b"\xfd7zXZ\0", "xz", lzma.LZMAFile),
)
_ZIP = b"PK\x03\x04"
_SHEETS = {"[Content_Types].xml": "an Excel workbook", "mimetype": "an OpenDocument file"}
_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)


def read_text_file(path: Path) -> bytes:
    """The file's bytes, unpacked.

    Raises DataError where the file is no file, its archive is damaged or holds several files, or its text
    is more than memory allows; OSError where it cannot be opened.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        kind = "a socket" if stat.S_ISSOCK(mode) else "a device"
        raise DataError(f"{path} is {kind}, not a file with a table")
    with path.open("rb") as file:
        data = _read(file, path.name)
    if data.startswith(_ZIP):
        return _unzipped(data, path.name)
    for magic, kind, opener in _OPENERS:
        if data.startswith(magic):
            try:
                with opener(io.BytesIO(data)) as unpacked:
                    return _read(unpacked, path.name)
            except _DAMAGED as error:
                raise DataError(f"{path.name} is a truncated or damaged {kind} file: {error}") from error
    return data


def _read(file: IO[bytes] | io.BufferedIOBase, name: str) -> bytes:
    """All of a stream, in blocks, so that the bound holds and signals are answered on the way."""
    most = free_memory() // _COPIES
    text = io.BytesIO()
    while block := file.read(_BLOCK):
        if text.tell() + len(block) > most:
            raise DataError(
                f"{name} holds more than {most / 1e6:,.0f} MB of text, too much for the memory that is free; "
                "use fewer rows or columns"
            )
        text.write(block)
    return text.getvalue()


def _unzipped(data: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [each for each in archive.namelist() if not each.endswith("/")]
            for inside, what in _SHEETS.items():
                if inside in names:
                    raise DataError(f"{name} is not text but {what}; save the sheet as CSV")
            names = [each for each in names if not Path(each).name.startswith(".")]  # of macOS
            if len(names) != 1:
                held = f"{len(names)} files ({listing(names, 5)})" if names else "no file"
                raise DataError(f"{name} is a zip archive of {held}; unpack it and give one table")
            if archive.getinfo(names[0]).flag_bits & 1:
                raise DataError(f"{name} is a zip archive with a password; unpack it first")
            with archive.open(names[0]) as unpacked:
                return _read(unpacked, name)
    except _DAMAGED as error:
        raise DataError(f"{name} is a truncated or damaged zip archive or Excel workbook: {error}") from error
