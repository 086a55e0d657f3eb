"""Folders of images by class, and images to predict.

All images become one size and one mode. Size: ``image_size``, or the commonest size there is, the smaller
of equally common ones. Mode: grey where every image is grey, else RGB. Grey images of 16 bits are scaled by
the bits that the largest of their values needs. What was changed and what was passed over is in the notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.dataset import Dataset
from descend.data.pixel_form import PixelForm, sides_text, size_text
from descend.data.sources.class_folders import Classes, classes_of, parts_of
from descend.data.sources.image_files import READ, Found, find_images, is_image, passed_over_note, subfolders
from descend.data.sources.pictures import Look, Unreadable, array_pixels, largest_value, look, pixels
from descend.errors import DataError
from descend.memory import free_memory

T = TypeVar("T")

_MOST_INPUTS = 1_000_000
_MOST_NAMED = 5
_DECODED = 12  # bytes that a pixel takes at most while an image is decoded and changed


def read_class_folder(
    folder: Path,
    image_size: int | tuple[int, int] | None = None,
    form: PixelForm | None = None,
) -> Dataset:
    """All images of all classes, by part where the folder has such, then by class and path.

    image_size : side or (height, width); None for the commonest size.
    form : what a model's images were brought to, instead of what suits these best; one class is then enough.

    Raises DataError naming the images that cannot be read, where there are fewer than two classes, and where
    the images would not fit into the memory that is free.
    """
    fewest_classes = 2 if form is None else 1
    parts = parts_of(folder)
    by_part = {
        part: classes_of(place, fewest_classes if part == "train" else 1) for part, place in parts.items()
    }
    if parts:
        _check_parts(parts, by_part)
    else:
        by_part = {"train": classes_of(folder, fewest_classes)}
    groups = [
        (part, label, group.images)
        for part, found in by_part.items()
        for label, group in found.folders.items()
    ]
    paths = [path for *_, images in groups for path in images]
    rows = np.array([part for part, _, images in groups for _ in images])
    images = _read(folder, paths, form, check_size(image_size))
    return Dataset(
        folder.resolve().name,
        target="label",
        labels=pl.Series("label", [label for _, label, images in groups for _ in images], dtype=pl.String),
        images=images.pixels,
        image_shape=images.form.shape,
        grey_bits=images.form.grey_bits,
        notes=(*images.notes, *_class_notes(folder, parts, by_part)),
        validation_rows=np.flatnonzero(rows == "validation") if "validation" in by_part else None,
        test_rows=np.flatnonzero(rows == "test") if "test" in by_part else None,
        row_names=_names_in(folder, paths),
    )


def read_images(path: Path, form: PixelForm) -> Dataset:
    """Images to predict: one file, or those in a folder and its subfolders, in the order of their paths."""
    if path.is_dir():
        found = find_images(path)
    elif is_image(path):
        found = Found()
        found.add(path)
    else:
        raise DataError(f"{path} is no image; the model was trained on images ({READ})")
    passed_over = tuple(passed_over_note(found.passed_over))
    if not found.images:
        raise DataError(f"{path} holds no {READ} images" + "".join(f"; {each}" for each in passed_over))
    folder = path if path.is_dir() else path.parent
    images = _read(path, found.images, form, None)
    return Dataset(
        path.resolve().name,
        images=images.pixels,
        image_shape=form.shape,
        grey_bits=form.grey_bits,
        notes=(*images.notes, *passed_over),
        row_names=_names_in(folder, found.images),
    )


def reshape_images(
    values: NDArray[np.uint8], found: tuple[int, int, int], form: PixelForm
) -> NDArray[np.uint8]:
    """Images of one shape in another form, (n, features) uint8, by the same rules as files."""
    height, width, channels = found
    size = (height, width) if channels == 1 else found
    result = np.empty((len(values), form.features), np.uint8)
    for row, image in zip(result, values, strict=True):
        row[:] = array_pixels(np.ascontiguousarray(image).reshape(size), form)
    return result


def check_size(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Height and width. Raises DataError where they are not from 1 to 10000."""
    if image_size is None:
        return None
    sides = tuple(image_size) if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= 10_000 for side in sides):
        raise DataError(f"image_size must be a side or (height, width) from 1 to 10000, not {image_size!r}")
    return sides[0], sides[1]


@dataclass(frozen=True, eq=False)
class _Images:
    """``pixels`` (n, features) uint8 in one ``form``, and ``notes`` on what was changed."""

    pixels: NDArray[np.uint8]
    form: PixelForm
    notes: tuple[str, ...]


def _read(
    folder: Path, paths: Sequence[Path], form: PixelForm | None, size: tuple[int, int] | None
) -> _Images:
    """Reads all images, and only then names all that could not be read."""
    looks, failed = _each(look, paths)
    deep = [path for path, found in looks.items() if found.deep_grey]
    largest, more_failed = _each(largest_value, deep)
    failed |= more_failed
    most = max(largest.values(), default=0)
    readable = [path for path in paths if path not in failed]
    if not readable:
        raise DataError(_unreadable(folder, len(paths), failed))
    seen = [looks[path] for path in readable]
    if form is None:
        bits = max(8, most.bit_length()) if deep else 16
        form = PixelForm(_common_shape(folder, seen, size), bits)
    _check_memory(folder, seen, form)
    values = np.empty((len(readable), form.features), np.uint8)
    row_of = {path: row for row, path in enumerate(readable)}

    def fill(path: Path) -> None:
        values[row_of[path]] = pixels(path, form)

    failed |= _each(fill, readable)[1]
    if failed:
        raise DataError(_unreadable(folder, len(paths), failed))
    return _Images(values, form, tuple(_changes(seen, form, most)))


def _each(call: Callable[[Path], T], paths: Iterable[Path]) -> tuple[dict[Path, T], dict[Path, str]]:
    """What ``call`` gives for each file, and why it gave nothing for the others."""
    done, failed = {}, {}
    for path in paths:
        try:
            done[path] = call(path)
        except Unreadable as error:
            failed[path] = str(error)
    return done, failed


def _unreadable(folder: Path, count: int, failed: Mapping[Path, str]) -> str:
    first, reason = next(iter(failed.items()))
    if len(failed) == 1:
        return f"{first} is {reason}"
    names = [path.relative_to(folder).as_posix() for path in list(failed)[:_MOST_NAMED]]
    more = f" and {len(failed) - len(names):,} more" if len(failed) > len(names) else ""
    return (
        f"{folder}: {len(failed):,} of {count:,} images cannot be read: {', '.join(names)}{more}; "
        f"mend or remove them; the first is {reason}"
    )


def _check_memory(folder: Path, looks: Sequence[Look], form: PixelForm) -> None:
    needed = len(looks) * form.features + _DECODED * max(each.height * each.width for each in looks)
    free = free_memory()
    if needed > free:
        raise DataError(
            f"{folder}: {len(looks):,} images of {size_text(form.shape)} take {needed / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB of memory are free; give a smaller image_size, or fewer images"
        )


def _common_shape(folder: Path, looks: Sequence[Look], size: tuple[int, int] | None) -> tuple[int, int, int]:
    channels = max(each.channels for each in looks)
    if size is not None:
        return (*size, channels)
    counts = Counter((each.height, each.width) for each in looks)
    height, width = min(counts, key=lambda each: (-counts[each], each[0] * each[1], each))
    shape = (height, width, channels)
    if height * width * channels > _MOST_INPUTS:
        raise DataError(
            f"{folder}: images of {size_text(shape)} are {height * width * channels:,} inputs each; "
            "give a smaller image_size, for instance 64"
        )
    return shape


def _changes(looks: Sequence[Look], form: PixelForm, largest: int) -> Iterable[str]:
    """Notes on what was done to how many images; ``largest`` is the largest value of 16-bit grey ones."""
    total = f"{len(looks):,}"
    resized = sum((each.height, each.width) != form.shape[:2] for each in looks)
    converted = sum(each.channels != form.shape[2] for each in looks)
    deep = sum(each.deep_grey for each in looks)
    deep_colour = sum(each.deep_colour for each in looks)
    frames = sum(each.frames for each in looks)
    if resized:
        yield f"{resized:,} of {total} images were resized to {sides_text(form.shape)}"
    if converted:
        yield f"{converted:,} of {total} images were converted to {'grey' if form.shape[2] == 1 else 'RGB'}"
    if deep:
        limit = (1 << form.grey_bits) - 1
        cut = f"; those above {limit:,} became white" if largest > limit else ""
        yield (
            f"{deep:,} of {total} images have 16 bits, with values up to {largest:,}, which were divided by "
            f"{1 << (form.grey_bits - 8)} to have 8{cut}"
        )
    if deep_colour:
        yield (
            f"{deep_colour:,} of {total} images have 16 bits a channel, of which the high 8 were taken: "
            "values below 256 became 0"
        )
    if frames:
        yield f"{frames:,} of {total} images have several frames, of which the first was taken"


def _class_notes(folder: Path, parts: Mapping[str, Path], by_part: Mapping[str, Classes]) -> Iterable[str]:
    """Notes on parts, on what was left out, and on files that are no images."""
    if parts:
        yield "the parts are the folder's own: " + ", ".join(
            f"{place.name} ({part})" if place.name != part else part for part, place in parts.items()
        )
        others = [each.name for each in subfolders(folder) if each not in parts.values()]
        if others:
            yield f"subfolders that are no part with a folder per class were left out: {', '.join(others)}"
    for classes in by_part.values():
        yield from classes.notes
    yield from passed_over_note(sum((each.passed_over for each in by_part.values()), Counter[str]()))


def _check_parts(parts: Mapping[str, Path], by_part: Mapping[str, Classes]) -> None:
    """Raises DataError for a class that has no images to train on."""
    for part, classes in by_part.items():
        unknown = [name for name in classes.folders if name not in by_part["train"].folders]
        if unknown:
            raise DataError(
                f"{parts[part] / unknown[0]}: {parts['train'].name} has no class {unknown[0]!r} to learn it "
                f"from; give {parts['train']} to use that part alone"
            )


def _names_in(folder: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(path.relative_to(folder).as_posix() for path in paths)
