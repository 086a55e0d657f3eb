"""Folders of IDX files, as MNIST, Fashion-MNIST and EMNIST come: 8-bit images and labels, raw or gzipped.

An IDX file starts with two zero bytes, the type (8 for unsigned bytes), the number of dimensions, and each
dimension as a big-endian 32-bit integer; the values follow.
"""

from __future__ import annotations

import gzip
import math
import re
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.dataset import Dataset
from descend.errors import DataError

_NAME = re.compile(
    r"(.*-)?(?P<part>train|t10k|test)-(?P<what>images|labels)[-.]idx[13][-.]ubyte(\.gz)?", re.I
)
_UNSIGNED_BYTE = 8
_MOST_DEFLATED = 1032  # bytes that one byte of gzip can hold at most


def holds_idx(folder: Path) -> bool:
    """Whether any file in the folder is named as an IDX file."""
    return any(_NAME.fullmatch(each.name) for each in folder.iterdir())


def read_idx_folder(folder: Path) -> Dataset:
    """Training images, then the folder's own test images where it has them.

    Raises DataError naming a file that is missing, truncated, or does not fit its partner.
    """
    found = _files(folder)
    parts = [part for part in ("train", "test") if f"{part}-images" in found or f"{part}-labels" in found]
    labels, counts, shapes = [], [], []
    for part in parts:
        for what in ("images", "labels"):
            if f"{part}-{what}" not in found:
                partner = found[f"{part}-{'labels' if what == 'images' else 'images'}"].name
                raise DataError(f"{folder} has {partner} but no {part} {what} beside it")
        count, *shape = _dimensions(found[f"{part}-images"], 3)
        labels.append(_read_labels(found[f"{part}-labels"]))
        if len(labels[-1]) != count:
            raise DataError(
                f"{found[f'{part}-images']} has {count:,} images but {found[f'{part}-labels'].name} "
                f"has {len(labels[-1]):,} labels"
            )
        counts.append(count)
        shapes.append(tuple(shape))
    if len(set(shapes)) > 1:
        train, test = (f"{height}×{width}" for height, width in shapes)
        raise DataError(f"{folder}: training images are {train} and test images {test} (height×width)")
    height, width = shapes[0]
    images = np.empty((sum(counts), height * width), np.uint8)
    for part, end in zip(parts, np.cumsum(counts).tolist(), strict=True):
        _read_into(found[f"{part}-images"], 3, images[end - counts[parts.index(part)] : end])
    test_rows = np.arange(counts[0], sum(counts)) if parts == ["train", "test"] else None
    note = f"{counts[-1]:,} rows are the folder's own test" if test_rows is not None else ""
    return Dataset(
        folder.resolve().name,
        target="label",
        labels=pl.Series("label", np.concatenate(labels).astype(np.int64)),
        images=images,
        image_shape=(height, width, 1),
        notes=(note,) if note else (),
        test_rows=test_rows,
    )


def _files(folder: Path) -> dict[str, Path]:
    """Paths by ``train-images``, ``test-labels`` and so on; a raw file goes before its gzipped copy."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir(), key=lambda each: (each.suffix.lower() == ".gz", each.name)):
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        part = "train" if match["part"].lower() == "train" else "test"
        key = f"{part}-{match['what'].lower()}"
        if key in found and found[key].suffix.lower() != ".gz" and path.suffix.lower() == ".gz":
            continue
        if key in found:
            raise DataError(
                f"{folder} has two files of {part} {match['what']}: {found[key].name}, {path.name}"
            )
        found[key] = path
    return found


def _read_labels(path: Path) -> NDArray[np.uint8]:
    (count,) = _dimensions(path, 1)
    labels = np.empty(count, np.uint8)
    _read_into(path, 1, labels)
    return labels


def _dimensions(path: Path, dimensions: int) -> list[int]:
    """The header's sizes, once the file is seen to be long enough for them to be believed."""
    with _opened(path) as file:
        sizes = _header(file, path, dimensions)
    announced, stored = math.prod(sizes), path.stat().st_size - 4 - 4 * dimensions
    if path.suffix.lower() == ".gz":
        stored = path.stat().st_size * _MOST_DEFLATED
    if announced > stored:
        raise _truncated(path, announced, stored)
    return sizes


def _header(file: BinaryIO, path: Path, dimensions: int) -> list[int]:
    size = 4 + 4 * dimensions
    start = _read(file, path, size)
    if len(start) >= 4 and start[:4] != bytes((0, 0, _UNSIGNED_BYTE, dimensions)):
        raise DataError(
            f"{path} is no IDX file of unsigned bytes in {dimensions} dimensions: "
            f"it starts with {start[:4].hex(' ')}"
        )
    if len(start) < size:
        raise DataError(f"{path} is truncated: {len(start)} bytes where the header alone has {size}")
    sizes = [int(each) for each in np.frombuffer(start[4:], ">u4")]
    if 0 in sizes:
        raise DataError(f"{path} is empty: its dimensions are {' × '.join(map(str, sizes))}")
    if math.prod(sizes[1:]) > 1 << 24:
        raise DataError(
            f"{path}: images of {' × '.join(map(str, sizes[1:]))} are no likely size; it is damaged"
        )
    return sizes


def _read_into(path: Path, dimensions: int, values: NDArray[np.uint8]) -> None:
    """Fills ``values`` with the file's, which must be exactly as many."""
    with _opened(path) as file:
        _header(file, path, dimensions)
        flat = memoryview(values.reshape(-1))  # type: ignore[arg-type]
        place = 0
        while place < len(flat):
            block = _read(file, path, min(1 << 20, len(flat) - place))
            if not block:
                raise _truncated(path, len(flat), place)
            flat[place : place + len(block)] = block
            place += len(block)
        if _read(file, path, 1):
            raise DataError(f"{path} is longer than the {len(flat):,} values its header announces")


def _truncated(path: Path, announced: int, there: int) -> DataError:
    return DataError(
        f"{path} is truncated: its header announces {announced:,} values, and there are at most {there:,}"
    )


def _opened(path: Path) -> BinaryIO:
    try:
        return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _read(file: BinaryIO, path: Path, size: int) -> bytes:
    try:
        return file.read(size)
    except (EOFError, zlib.error, OSError) as error:
        raise DataError(f"{path} is truncated or damaged: {error}") from error
