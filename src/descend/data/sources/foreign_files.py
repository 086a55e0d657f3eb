"""Files that are no text tables, told by how they begin."""

from __future__ import annotations

import re

from descend.errors import DataError

_MAGIC = (
    (b"PAR1", "a Parquet file; rename it to .parquet"),
    (b"ARROW1", "an Arrow file; rename it to .arrow"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "packed by Zstandard; unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"\0\0\x08\x01", "IDX labels; give the folder that holds them and the images"),
    (b"\0\0\x08\x03", "IDX images; give the folder that holds them and the labels"),
    (b"%PDF", "a PDF; export the table as CSV"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV"),
)
_TAR = 257, b"ustar"  # the place of its magic, after the first member's name


def refuse_foreign_bytes(data: bytes, name: str) -> None:
    """Raise DataError where the bytes are those of a known format that is no text."""
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise DataError(f"{name} is not text but {what}")
    if data.startswith(_TAR[1], _TAR[0]):
        raise DataError(f"{name} is not text but a tar archive; unpack it first")


def refuse_foreign_text(data: bytes, name: str) -> None:
    """Raise DataError where the text, in UTF-8, is empty, a web page, XML or JSON."""
    start = data[:1000].lstrip()[:200].lower()
    if not data or data.isspace():
        raise DataError(f"{name} is empty: a table starts with a line of column names, its rows beneath")
    if re.match(rb"<(!doctype|html|head|body|\?xml|svg|!--)", start):
        raise DataError(f"{name} is a web page or XML, not a table; download the table itself")
    if re.match(rb'(\{\s*["}]|\[\s*[\[{"\d])', start):
        lines = re.match(rb"\{[^\n]*\}\s*\n\s*\{", data[:100_000])
        kind = "holds JSON lines" if lines else "is JSON"
        raise DataError(f"{name} {kind}, not a table with separators; convert it to CSV")
