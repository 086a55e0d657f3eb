"""What a Parquet file says of itself, held against its own size before a library believes it.

The footer lists row groups, their column chunks, and where each lies; a chunk is a row of pages, each behind
a header. Both are Thrift structs in the compact protocol. A reader sets memory aside by these numbers, so one
flipped bit can ask for more than any machine has, and that ends the process.
https://parquet.apache.org/docs/file-format/ (fields are called by their numbers in parquet.thrift)
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Fields = dict[int, Any]
Data = bytes | mmap.mmap

_MAGIC = b"PAR1"
_ENCRYPTED = b"PARE"
_MOST_NESTED = 32
_UNDOUBTED = 1 << 24  # bytes of a page that are believed whatever the chunk's total says
_UNCOMPRESSED = 0
_REPEATED = 2
_TEXTS = (6, 7)  # physical types: bytes of any and of fixed length
_NUMBER, _TEXT_VIEW = 8, 16  # bytes of a value in memory, those of a text beside it
_DATA, _INDEX, _DICTIONARY, _DATA_V2 = range(4)


class Damaged(ValueError):
    """The file contradicts itself; the message says where."""


@dataclass(frozen=True)
class _Column:
    """A leaf of the schema: its dotted name, and whether a row may hold several of its values."""

    name: str
    repeated: bool


def check_parquet(path: Path) -> int:
    """Reads the footer and every page's header, and none of the values.

    Returns the bytes that the values take when read. Rows that share one text count it each.

    Raises
    ------
    Damaged : sizes, places or counts do not fit each other or the file.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        footer, end = _footer(data)
        columns = _columns(_structs(footer, 2, "schema"))
        rows, size = _count(footer, 3, "rows"), 0
        for number, group in enumerate(_structs(footer, 4, "row groups")):
            size += _check_group(data, end, group, number, columns)
            rows -= _count(group, 3, "rows")
        if rows:
            raise Damaged("its row groups have more or fewer rows than the footer says")
        return size


def _footer(data: Data) -> tuple[Fields, int]:
    """The footer's fields, and the byte where it starts."""
    if len(data) < 12:
        raise Damaged("it ends before its footer")
    length, magic = struct.unpack("<I4s", data[-8:])
    if magic == _ENCRYPTED:
        raise Damaged("its footer is encrypted")
    if magic != _MAGIC:
        raise Damaged("it has no footer")
    start = len(data) - 8 - length
    if start < len(_MAGIC):
        raise Damaged(f"its footer would have {length:,} bytes, and the file has {len(data):,}")
    return _Thrift(data, start, len(data) - 8).fields(), start


def _columns(schema: list[Fields]) -> list[_Column]:
    """The leaves in order; the first element is the root, and each group is followed by its children."""
    if not schema:
        raise Damaged("its schema is empty")
    elements = iter(schema)
    found = list(_leaves(elements, next(elements), (), False, 0))
    if next(elements, None) is not None:
        raise Damaged("its schema has more elements than its groups have children")
    return found


def _leaves(
    elements: Iterator[Fields], element: Fields, parents: tuple[str, ...], repeated: bool, depth: int
) -> Iterator[_Column]:
    if depth > _MOST_NESTED:
        raise Damaged("its schema is nested too deeply")
    children = element.get(5)
    if depth and not children:
        yield _Column(".".join(parents), repeated)
        return
    for _ in range(_count(element, 5, "columns")):
        child = next(elements, None)
        if child is None:
            raise Damaged("its schema lacks columns")
        name = child.get(4)
        if not isinstance(name, bytes):
            raise Damaged("its schema has a column without a name")
        path = (*parents, name.decode(errors="replace"))
        yield from _leaves(elements, child, path, repeated or child.get(3) == _REPEATED, depth + 1)


def _check_group(data: Data, end: int, group: Fields, number: int, columns: list[_Column]) -> int:
    """Checks a row group, whose pages lie before ``end``, and returns the bytes of its values when read."""
    size = 0
    chunks, rows = _structs(group, 1, "columns"), _count(group, 3, "rows")
    if len(chunks) != len(columns):
        raise Damaged(f"row group {number} has {len(chunks)} columns, and the schema has {len(columns)}")
    for column, chunk in zip(columns, chunks, strict=True):
        try:
            about = chunk.get(3)
            if not isinstance(about, dict):
                raise Damaged("the footer does not describe it")
            values = _count(about, 5, "values")
            if values < rows or (values > rows and not column.repeated):
                raise Damaged(f"it has {values:,} values for {rows:,} rows")
            size += _size_when_read(about, values, _check_pages(data, end, about, values))
        except Damaged as error:
            raise Damaged(f"column {column.name!r}, row group {number}: {error}") from None
    return size


def _size_when_read(about: Fields, values: int, text: float) -> int:
    """Bytes of a chunk's values in memory; ``text`` is the mean size of a text in its dictionary."""
    if about.get(1) not in _TEXTS:
        return values * _NUMBER
    told = about.get(16)  # what the writer counted, where it did
    counted = told.get(1) if isinstance(told, dict) else None
    if not isinstance(counted, int):
        counted = max(_count(about, 6, "bytes"), round(values * text))
    return values * _TEXT_VIEW + max(0, counted)


def _check_pages(data: Data, end: int, about: Fields, values: int) -> float:
    """Walks the pages of one column chunk, which must hold ``values`` values.

    Returns the mean bytes of an entry of its dictionary, 0 without one.
    """
    mean = 0.0
    if not values:
        return mean
    at = _count(about, 11 if about.get(11) else 9, "offset")  # some write 0 for a chunk without dictionary
    last = at + _count(about, 7, "compressed bytes")
    most = max(_count(about, 6, "bytes"), _UNDOUBTED)
    if at < len(_MAGIC) or last > end:
        raise Damaged(f"it would lie in bytes {at:,} to {last:,}, and the pages end at {end:,}")
    left = values
    while left and at < last:
        thrift = _Thrift(data, at, last)
        page = thrift.fields()
        stored, size = _count(page, 3, "compressed bytes"), _count(page, 2, "bytes")
        plain = about.get(4) == _UNCOMPRESSED and stored != size
        if stored > last - thrift.at or size > most or plain:
            raise Damaged(f"the page at byte {at:,} would have {stored:,} bytes, {size:,} unpacked")
        left -= _values_of(page, size, min(stored, size), left)
        if page.get(1) == _DICTIONARY:
            mean = size / max(1, _count(page[7], 1, "values"))
        at = thrift.at + stored
    if left:
        raise Damaged(f"its pages lack {left:,} of {values:,} values")
    return mean


def _values_of(page: Fields, size: int, fewest: int, most: int) -> int:
    """How many values of the column the page holds: at most ``most``, and none in a dictionary or index."""
    kind = page.get(1)
    if kind == _INDEX:
        return 0
    field = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}.get(kind) if isinstance(kind, int) else None
    about = None if field is None else page.get(field)
    if not isinstance(about, dict):
        raise Damaged("a page has no header of its type")
    values = _count(about, 1, "values")
    if values > (size if kind == _DICTIONARY else most):
        raise Damaged(f"a page would have {values:,} values")
    if kind == _DATA_V2:
        levels = _count(about, 5, "bytes of levels") + _count(about, 6, "bytes of levels")
        if levels > fewest or max(_count(about, 2, "missing values"), _count(about, 3, "rows")) > values:
            raise Damaged(f"a page of {values:,} values has impossible levels")
    return 0 if kind == _DICTIONARY else values


def _count(fields: Fields, field: int, what: str) -> int:
    value = fields.get(field)
    if not isinstance(value, int) or value < 0:
        raise Damaged(f"its number of {what} is {'missing' if value is None else value}")
    return value


def _structs(fields: Fields, field: int, what: str) -> list[Fields]:
    value = fields.get(field)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Damaged(f"its footer lacks the {what}")
    return value


class _Thrift:
    """Reads one struct of Thrift's compact protocol between two bytes; ``at`` is then where it ended.

    https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
    """

    def __init__(self, data: Data, start: int, end: int) -> None:
        self._data = data
        self._end = end
        self.at = start

    def fields(self, depth: int = 0) -> Fields:
        """Field numbers with their values: integers, floats, bytes, booleans, lists and further structs."""
        if depth > _MOST_NESTED:
            raise Damaged("its description is nested too deeply")
        found: Fields = {}
        number = 0
        while header := self._byte():
            step, kind = header >> 4, header & 15
            number = number + step if step else self._integer()
            found[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return found

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # an element of a list; a field's value is its type
            return self._byte() == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._integer()
        if kind == 7:
            return struct.unpack("<d", self._bytes(8))[0]
        if kind == 8:
            return self._bytes(self._varint())
        if kind in (9, 10):
            return self._list(depth)
        if kind == 12:
            return self.fields(depth + 1)
        raise Damaged(f"its description has a value of unknown type {kind} at byte {self.at:,}")

    def _list(self, depth: int) -> list[Any]:
        if depth > _MOST_NESTED:
            raise Damaged("its description is nested too deeply")
        header = self._byte()
        size = header >> 4
        if size == 15:
            size = self._varint()
        if size > self._end - self.at:
            raise Damaged(f"its description has a list of {size:,} at byte {self.at:,}")
        return [self._value(header & 15, depth + 1) for _ in range(size)]

    def _integer(self) -> int:
        folded = self._varint()
        return (folded >> 1) ^ -(folded & 1)

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise Damaged(f"its description has an endless number at byte {self.at:,}")

    def _byte(self) -> int:
        if self.at >= self._end:
            raise Damaged("its description is cut off")
        self.at += 1
        return self._data[self.at - 1]

    def _bytes(self, size: int) -> bytes:
        if size > self._end - self.at:
            raise Damaged(f"its description has a text of {size:,} bytes at byte {self.at:,}")
        self.at += size
        return self._data[self.at - size : self.at]
