"""Folders of IDX files, as MNIST, Fashion-MNIST, EMNIST and QMNIST come: 8-bit images and labels.

An IDX file starts with two zero bytes, the type of its values, the number of dimensions, and each dimension
as a big-endian 32-bit integer; the values follow. It may be gzipped, which its first bytes tell and not its
name. Labels may also be rows of 32-bit integers, as QMNIST's are: the class is the first of each.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.dataset import Dataset
from descend.data.sources.image_files import subfolders
from descend.data.sources.pictures import is_web_page
from descend.errors import DataError
from descend.memory import free_memory

_NAME = re.compile(
    r"(.*-)?(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx[123][-.](ubyte|int)(\.gz)?", re.I
)
_TYPES: dict[int, np.dtype[Any]] = {8: np.dtype(">u1"), 12: np.dtype(">i4")}
_KINDS: dict[str, tuple[tuple[int, int], ...]] = {  # type and number of dimensions
    "images": ((8, 3),),
    "labels": ((8, 1), (12, 1), (12, 2)),
}
_GZIP = b"\x1f\x8b"
_DEEPEST = 3  # folders below the one that is given, as root/MNIST/raw needs two
_MOST_DEFLATED = 1032  # bytes that one byte of gzip can hold at most


@dataclass(frozen=True)
class _Header:
    """The type of a file's values, and how many there are in each dimension."""

    dtype: np.dtype[Any]
    sizes: tuple[int, ...]

    @property
    def values(self) -> int:
        return math.prod(self.sizes)

    @property
    def bytes(self) -> int:
        return self.values * self.dtype.itemsize

    @property
    def length(self) -> int:
        return 4 + 4 * len(self.sizes)


def holds_idx(folder: Path) -> bool:
    """Whether any file in the folder is named as an IDX file."""
    return any(_NAME.fullmatch(each.name) and each.is_file() for each in folder.iterdir())


def find(folder: Path) -> Path | None:
    """The folder itself where it holds IDX files, or the one below it that does; None where there is none.

    Raises DataError where several below it do.
    """
    if holds_idx(folder):
        return folder
    found, level = [], [folder]
    for _ in range(_DEEPEST):
        level = [each for place in level for each in subfolders(place)]
        found += [each for each in level if holds_idx(each)]
    if len(found) > 1:
        raise DataError(
            f"{folder}: several folders in it hold IDX files, {found[0].relative_to(folder)} and "
            f"{found[1].relative_to(folder)} among them; give one that holds both images and labels"
        )
    return found[0] if found else None


def read_idx_folder(folder: Path, asked_for: Path | None = None) -> Dataset:
    """Training images, then the folder's own test images where it has them.

    asked_for : the folder above it that was given, which then names the dataset.

    Raises DataError naming a file that is missing, truncated, or does not fit its partner.
    """
    found = _files(folder)
    parts = [part for part in ("train", "test") if f"{part}-images" in found or f"{part}-labels" in found]
    labels, counts, shapes, notes = [], [], [], []
    for part in parts:
        for what in ("images", "labels"):
            if f"{part}-{what}" not in found:
                partner = found[f"{part}-{'labels' if what == 'images' else 'images'}"].name
                raise DataError(f"{folder} has {partner} but no {part} {what} beside it")
        count, *shape = _checked_header(found[f"{part}-images"], "images").sizes
        part_labels, note = _read_labels(found[f"{part}-labels"])
        if len(part_labels) != count:
            raise DataError(
                f"{found[f'{part}-images']} has {count:,} images but {found[f'{part}-labels'].name} "
                f"has {len(part_labels):,} labels"
            )
        labels.append(part_labels)
        counts.append(count)
        shapes.append(tuple(shape))
        notes += note
    if len(set(shapes)) > 1:
        train, test = (f"{height}×{width}" for height, width in shapes)
        raise DataError(f"{folder}: training images are {train} and test images {test} (height×width)")
    height, width = shapes[0]
    _check_memory(folder, sum(counts) * height * width)
    images = np.empty((sum(counts), height * width), np.uint8)
    for part, end in zip(parts, np.cumsum(counts).tolist(), strict=True):
        _read_into(found[f"{part}-images"], "images", images[end - counts[parts.index(part)] : end])
    test_rows = np.arange(counts[0], sum(counts)) if parts == ["train", "test"] else None
    if test_rows is not None:
        notes.append(f"{counts[-1]:,} rows are the folder's own test")
    named = asked_for or folder
    if named != folder:
        notes.append(f"read from {folder.relative_to(named)} in it")
    return Dataset(
        named.resolve().name,
        target="label",
        labels=pl.Series("label", np.concatenate(labels)),
        images=images,
        image_shape=(height, width, 1),
        notes=tuple(notes),
        test_rows=test_rows,
    )


def _files(folder: Path) -> dict[str, Path]:
    """Paths by ``train-images``, ``test-labels`` and so on; a raw file goes before its gzipped copy."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda each: (each.suffix.lower() == ".gz", each.name)):
        match = _NAME.fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        part = "train" if match["part"].lower() == "train" else "test"
        key = f"{part}-{match['what'].lower()}"
        if key in found and found[key].suffix.lower() != ".gz" and path.suffix.lower() == ".gz":
            continue
        if key in found:
            raise DataError(
                f"{folder} has two files of {part} {match['what']}: {found[key].name}, {path.name}; move one "
                "set of images and labels to a folder of its own"
            )
        found[key] = path
    return found


def _read_labels(path: Path) -> tuple[NDArray[np.int64], list[str]]:
    header = _checked_header(path, "labels")
    _check_memory(path, header.bytes)
    values = np.empty(header.sizes, header.dtype)
    _read_into(path, "labels", values)
    if values.ndim == 1:
        return values.astype(np.int64), []
    note = f"{path.name}: the class is the first of {header.sizes[1]} numbers of each row"
    return values[:, 0].astype(np.int64), [note]


def _check_memory(path: Path, needed: int) -> None:
    free = free_memory()
    if needed > free:
        raise DataError(f"{path} needs {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB of memory are free")


def _checked_header(path: Path, what: str) -> _Header:
    """The header, once the file is seen to be long enough for it to be believed."""
    with _opened(path) as file:
        header = _header(file, path, what)
        zipped = isinstance(file, gzip.GzipFile)
    size = path.stat().st_size
    there = size * _MOST_DEFLATED if zipped else size - header.length
    if header.bytes > there:
        raise _truncated(path, header.values, there // header.dtype.itemsize)
    return header


def _header(file: BinaryIO, path: Path, what: str) -> _Header:
    """Reads the header of a file of ``images`` or ``labels``."""
    start = _read(file, path, 4)
    number, dimensions = (start[2], start[3]) if len(start) == 4 else _KINDS[what][0]
    if len(start) == 4 and (start[:2] != b"\0\0" or (number, dimensions) not in _KINDS[what]):
        if is_web_page(path):
            raise DataError(f"{path} is a web page, and no IDX file: download it again")
        raise DataError(f"{path} is no IDX file of {what}: it starts with {start.hex(' ')}")
    size = 4 + 4 * dimensions
    start += _read(file, path, size - len(start))
    if len(start) < size:
        raise DataError(f"{path} is truncated: {len(start)} bytes where the header alone has {size}")
    sizes = tuple(int(each) for each in np.frombuffer(start[4:], ">u4"))
    if 0 in sizes:
        raise DataError(f"{path} is empty: its dimensions are {' × '.join(map(str, sizes))}")
    if math.prod(sizes[1:]) > 1 << 24:
        raise DataError(
            f"{path}: images of {' × '.join(map(str, sizes[1:]))} are no likely size; it is damaged"
        )
    return _Header(_TYPES[number], sizes)


def _read_into(path: Path, what: str, values: NDArray[Any]) -> None:
    """Fills ``values`` with the file's, which must be exactly as many."""
    with _opened(path) as file:
        _header(file, path, what)
        flat = memoryview(values.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        place = 0
        while place < len(flat):
            block = _read(file, path, min(1 << 20, len(flat) - place))
            if not block:
                raise _truncated(path, values.size, place // values.itemsize)
            flat[place : place + len(block)] = block
            place += len(block)
        if _read(file, path, 1):
            raise DataError(f"{path} is longer than the {values.size:,} values its header announces")


def _truncated(path: Path, announced: int, there: int) -> DataError:
    return DataError(
        f"{path} is truncated: its header announces {announced:,} values, and there are at most {there:,}"
    )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, unpacked where it is gzipped."""
    with path.open("rb") as file:
        if file.peek(2)[:2] != _GZIP:
            yield file
            return
        with gzip.open(file) as unpacked:
            yield unpacked  # type: ignore[misc]


def _read(file: BinaryIO, path: Path, size: int) -> bytes:
    try:
        return file.read(size)
    except (EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path} is truncated or damaged: {error}") from error
