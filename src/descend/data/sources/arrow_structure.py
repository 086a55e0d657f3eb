"""What an Arrow file says of its buffers, held against its own size before a library believes it.

The footer lists the blocks; each begins with a message that describes the buffers behind it. A compressed
buffer begins with its size when unpacked, and a reader sets as much memory aside. Footer and messages are
FlatBuffers. https://arrow.apache.org/docs/format/Columnar.html (fields are called by their numbers in
Footer.fbs and Message.fbs)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from descend.data.sources.parquet_structure import Damaged

_MAGIC = b"ARROW1"
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_CELL = 8  # bytes of a value in memory
_CONTINUATION = 0xFFFFFFFF
_MOST_EXPANDED = (255, 1 << 15)  # bytes that one byte of LZ4 or Zstandard can hold at most


def check_arrow(data: bytes) -> int:
    """Reads the footer, every message, and the first bytes of compressed buffers.

    Returns the bytes that the values take when read.

    Raises
    ------
    Damaged : a buffer lies outside its block, or would unpack to more than it can hold.
    """
    end = len(data) - len(_MAGIC) - 4
    if end < len(_MAGIC) or not data.endswith(_MAGIC):
        raise Damaged("it has no footer")
    try:
        (length,) = struct.unpack_from("<i", data, end)
        if not 0 < length <= end - len(_MAGIC):
            raise Damaged(f"its footer would have {length:,} bytes, and the file has {len(data):,}")
        view = memoryview(data)
        footer, unpacked = _Table.root(view[end - length : end]), 0
        for field in (2, 3):  # dictionaries, record batches
            for offset, header, body in footer.structs(field, "<qi4xq"):
                if min(offset, header, body) < 0 or offset + header + body > end - length:
                    raise Damaged(f"a block would lie at byte {offset:,}, in {header + body:,} bytes")
                unpacked += _check_block(view[offset : offset + header], view[offset + header :][:body])
        return unpacked
    except struct.error:
        raise Damaged("its description is cut off") from None


def _check_block(header: memoryview, body: memoryview) -> int:
    """Checks a block of rows or of a dictionary, and returns the bytes of its values when read."""
    (first,) = struct.unpack_from("<I", header)
    message = _Table.root(header[8 if first == _CONTINUATION else 4 :])
    kind = message.number(1, "<B")
    batch = message.table(2)
    if kind == _DICTIONARY_BATCH and batch is not None:
        batch = batch.table(1)
    if kind not in (_DICTIONARY_BATCH, _RECORD_BATCH) or batch is None:
        raise Damaged("a block holds no rows")
    cells = unpacked = 0
    for length, missing in batch.structs(1, "<qq"):
        if not 0 <= missing <= length:
            raise Damaged(f"a column would have {length:,} rows, {missing:,} of them missing")
        cells += length
    compression = batch.table(3)
    codec = None if compression is None else compression.number(0, "<b")
    for start, stored in batch.structs(2, "<qq"):
        if min(start, stored) < 0 or start + stored > len(body):
            raise Damaged(f"a buffer would lie in bytes {start:,} to {start + stored:,} of {len(body):,}")
        size = -1
        if codec is not None and stored:
            (size,) = struct.unpack_from("<q", body, start)
            _check_unpacked(size, stored, codec)
        unpacked += stored if size == -1 else size
    return max(unpacked, cells * _CELL)  # a column of nothing has no buffer


def _check_unpacked(size: int, stored: int, codec: int) -> None:
    if codec not in range(len(_MOST_EXPANDED)):
        raise Damaged(f"its buffers are compressed in an unknown way, {codec}")
    if size < -1 or size > stored * _MOST_EXPANDED[codec]:  # −1: stored as it is
        raise Damaged(f"a buffer of {stored:,} bytes would have {size:,} unpacked")


class _Table:
    """A FlatBuffers table at ``at`` of ``data``. https://flatbuffers.dev/internals"""

    def __init__(self, data: memoryview, at: int) -> None:
        self._data = data
        self._at = at
        self._fields = at - self._read("<i", at)
        self._size = self._read("<H", self._fields)

    @classmethod
    def root(cls, data: memoryview) -> _Table:
        return cls(data, struct.unpack_from("<I", data)[0])

    def number(self, field: int, form: str) -> int:
        """A field's value, 0 where it is left out."""
        at = self._place(field)
        return 0 if at is None else self._read(form, at)

    def table(self, field: int) -> _Table | None:
        at = self._place(field)
        return None if at is None else _Table(self._data, at + self._read("<I", at))

    def structs(self, field: int, form: str) -> Iterator[tuple[int, ...]]:
        """The elements of a vector of structs."""
        at = self._place(field)
        if at is None:
            return
        at += self._read("<I", at)
        count, size = self._read("<I", at), struct.calcsize(form)
        for place in range(count):
            yield struct.unpack_from(form, self._data, at + 4 + place * size)

    def _place(self, field: int) -> int | None:
        slot = 4 + 2 * field
        offset = self._read("<H", self._fields + slot) if slot < self._size else 0
        return self._at + offset if offset else None

    def _read(self, form: str, at: int) -> int:
        if at < 0:  # struct counts it from the end
            raise Damaged("its description points outside itself")
        return int(struct.unpack_from(form, self._data, at)[0])
