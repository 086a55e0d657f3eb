"""The text of a file in UTF-8, whatever encoding it came in, where that can be told with confidence."""

from __future__ import annotations

import re

from descend.data.sources.older_encodings import likely_encodings
from descend.errors import DataError

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
    (b"\xff\xfe\0\0", "utf-32", "UTF-32"),
    (b"\0\0\xfe\xff", "utf-32", "UTF-32"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
_SAMPLE = 200_000  # bytes by which an older encoding is told, from the first line that is not ASCII
_LONGEST = 20  # characters of the file in a message


def as_utf8(data: bytes, name: str) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of a text file as UTF-8 without a mark, and notes. Raises DataError with the line."""
    for mark, codec, called in _MARKS:
        if data.startswith(mark):
            if called == "UTF-8":
                data = data[len(mark) :]
                break
            try:
                return data.decode(codec).encode(), (f"read as {called}",)
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{name} starts as {called} but is not: {error.reason}; save it as UTF-8"
                ) from error
    if b"\0" in data:
        unmarked = _from_utf16_without_mark(data)
        if unmarked is not None:
            return unmarked, ("read as UTF-16, though it has no byte-order mark",)
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise DataError(f"{name}, line {line}: a NUL byte, so this is no text table or a damaged one")
    if data.isascii():
        return data, ()
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return _from_older_encoding(data, error.start, name)
    return data, ()


def _from_utf16_without_mark(data: bytes) -> bytes | None:
    """UTF-16 without its mark is told by its ASCII characters, every other byte of which is NUL."""
    for codec, place in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros, others = data[place::2], data[1 - place :: 2]
        if b"\0" not in others and zeros.count(b"\0") > len(zeros) // 5:
            try:
                return data.decode(codec).encode()
            except UnicodeDecodeError:
                continue
    return None


def _from_older_encoding(data: bytes, first: int, name: str) -> tuple[bytes, tuple[str, ...]]:
    """The text where one encoding is far likelier than all others; ``first`` is a byte beyond UTF-8."""
    start = data.rfind(b"\n", 0, first) + 1
    sample = data[start : start + _SAMPLE]
    if len(data) - start > _SAMPLE:
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    likely, sure = likely_encodings(sample)
    if sure:
        try:
            return data.decode(likely[0]).encode(), (f"the text is not UTF-8 and was read as {likely[0]}",)
        except UnicodeDecodeError:
            likely = []
    line = data.count(b"\n", 0, first) + 1
    where = f"{name}, line {line}: the text is not UTF-8 (byte 0x{data[first]:02x})"
    if not likely:
        raise DataError(f"{where}; save it as UTF-8, in a spreadsheet as 'CSV UTF-8'")
    cell = _telling_cell(sample, likely)
    shown = ", ".join(f"{cell.decode(each, 'replace').strip()[:_LONGEST]!r} in {each}" for each in likely)
    raise DataError(
        f"{where}, and its encoding cannot be told: it reads {shown}; convert it from the right one, for "
        f"instance by iconv -f {likely[0]} -t UTF-8, or save it as 'CSV UTF-8'"
    )


def _telling_cell(sample: bytes, encodings: list[str]) -> bytes:
    """The first cell that reads in as many different ways as any."""
    cells = [cell for cell in re.split(rb'[,;\t\r\n"]+', sample) if not cell.isascii()]
    return max(cells, key=lambda cell: len({cell.decode(each, "replace") for each in encodings}))
