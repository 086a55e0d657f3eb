"""The images of the workloads: a folder's training rows, or a stand-in of the same shape."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descend.errors import DataError

MNIST_ROWS = 60_000
_PIXELS, _CLASSES = 784, 10
_BLOCK = 4096  # rows made at a time: the floats they are made from are never all there at once


@dataclass(frozen=True, slots=True)
class Images:
    """``pixels`` (n, height·width) uint8, ``labels`` (n,) int64 from 0, and where they are from."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    described: str


def read_images(folder: Path) -> Images:
    """The training rows of a folder of IDX files.

    Raises DataError where it is no such folder, or a file of it cannot be used.
    """
    from descend.data.sources.idx_folder import holds_idx, read_idx_folder

    if not folder.is_dir() or not holds_idx(folder):
        raise DataError(f"{folder} is no folder of IDX files such as train-images-idx3-ubyte")
    dataset = read_idx_folder(folder)
    assert dataset.images is not None
    assert dataset.labels is not None
    rows = dataset.rows if dataset.test_rows is None else dataset.rows - len(dataset.test_rows)
    classes, labels = np.unique(dataset.labels.to_numpy()[:rows], return_inverse=True)
    if len(classes) < 2:
        raise DataError(f"{folder}: all labels are {classes[0]}, and a network needs at least two classes")
    described = f"{rows:,} training images of {folder.resolve().name}"
    return Images(dataset.images[:rows], labels.astype(np.int64), described)


def stand_in(rows: int) -> Images:
    """Images that are mostly dark, as written digits are, of ten classes a network can learn.

    Each class shifts the brightness of every pixel by a fixed, small, random amount under strong noise.
    """
    rng = np.random.default_rng(0)
    shift = rng.normal(0.0, 20.0, (_CLASSES, _PIXELS)).astype(np.float32)
    labels = rng.integers(0, _CLASSES, rows)
    pixels = np.empty((rows, _PIXELS), np.uint8)
    for start in range(0, rows, _BLOCK):
        block = labels[start : start + _BLOCK]
        light = rng.standard_normal((len(block), _PIXELS), np.float32) * 90 - 60 + shift[block]
        pixels[start : start + _BLOCK] = np.clip(light, 0, 255)
    return Images(pixels, labels, f"{rows:,} generated images in place of MNIST (--data reads the real ones)")
