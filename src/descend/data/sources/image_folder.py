"""Folders of PNG and JPEG images with one subfolder per class, whose name is the label.

All images become one size and one mode. Size: ``image_size``, or the commonest size there is, the smaller
of equally common ones. Mode: grey where every image is grey, else RGB. Resizing is bilinear with
antialiasing and does not keep the aspect ratio; transparency is laid on white; a JPEG is turned as its EXIF
orientation says.
"""

from __future__ import annotations

import struct
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.dataset import Dataset
from descend.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Shape = tuple[int, int, int]

SUFFIXES = (".png", ".jpg", ".jpeg")
_ORIENTATION = 0x0112
_MOST_INPUTS = 1_000_000
_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "F")


def is_image(path: Path) -> bool:
    """Whether a file is named as an image that can be read."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_class_folder(folder: Path, image_size: int | tuple[int, int] | None) -> Dataset:
    """All images of all classes, classes and files in the order of their names.

    image_size : side or (height, width); None for the commonest size.

    Raises DataError naming a damaged file, and where there are no images or no two classes.
    """
    classes = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    files = {each.name: sorted(filter(is_image, each.iterdir())) for each in classes}
    named = {name: paths for name, paths in files.items() if paths}
    if len(named) < 2:
        loose = sum(map(is_image, folder.iterdir()))
        held = f"images in {next(iter(named))!r} alone" if named else f"{loose:,} images in no subfolder"
        raise DataError(
            f"{folder} is no folder of images: it needs at least two subfolders, one per class, of "
            f"{' '.join(SUFFIXES)} files, and has {held}; a table is given by its file's path"
        )
    paths = [path for group in named.values() for path in group]
    looks = [_look(path) for path in paths]
    shape = _common_shape(looks, check_size(image_size))
    if image_size is None and shape[0] * shape[1] * shape[2] > _MOST_INPUTS:
        raise DataError(
            f"{folder}: images of {size_text(shape)} are {shape[0] * shape[1] * shape[2]:,} inputs each; "
            "give a smaller image_size, for instance 64"
        )
    empty = [repr(name) for name in files if name not in named]
    notes = _changes(looks, shape)
    if empty:
        notes = (*notes, f"subfolders without images were left out: {', '.join(empty)}")
    labels = [name for name, group in named.items() for _ in group]
    return Dataset(
        folder.resolve().name,
        target="label",
        labels=pl.Series("label", labels, dtype=pl.String),
        images=load_images(paths, shape),
        image_shape=shape,
        notes=notes,
        row_names=_names_in(folder, paths),
    )


def read_images(path: Path, shape: Shape) -> Dataset:
    """Images to predict: one file, or those in a folder and its subfolders, in the order of their paths."""
    if path.is_dir():
        paths = sorted(each for each in path.rglob("*") if is_image(each))
        if not paths:
            raise DataError(f"{path} holds no {' '.join(SUFFIXES)} files")
    elif is_image(path):
        paths = [path]
    else:
        raise DataError(f"{path} is no image; the model was trained on images ({' '.join(SUFFIXES)})")
    notes = _changes([_look(each) for each in paths], shape)
    return Dataset(
        path.resolve().name,
        images=load_images(paths, shape),
        image_shape=shape,
        notes=notes,
        row_names=_names_in(path if path.is_dir() else path.parent, paths),
    )


def load_images(paths: Sequence[Path], shape: Shape) -> NDArray[np.uint8]:
    """Images as (n, height·width·channels) uint8. Raises DataError naming a damaged file."""
    height, width, channels = shape
    pixels = np.empty((len(paths), height * width * channels), np.uint8)
    for row, path in zip(pixels, paths, strict=True):
        with _opened(path) as picture:
            try:
                row[:] = _pixels(picture, shape)
            except (OSError, ValueError, SyntaxError, MemoryError) as error:
                raise DataError(f"{path} is truncated or damaged: {error}") from error
    return pixels


def reshape_images(pixels: NDArray[np.uint8], found: Shape, wanted: Shape) -> NDArray[np.uint8]:
    """Images of one shape as images of another, (n, features) uint8, by the same rules as files."""
    from PIL import Image

    height, width, channels = found
    size = (height, width) if channels == 1 else found
    result = np.empty((len(pixels), wanted[0] * wanted[1] * wanted[2]), np.uint8)
    for row, values in zip(result, pixels, strict=True):
        row[:] = _pixels(Image.fromarray(np.ascontiguousarray(values).reshape(size)), wanted)
    return result


def size_text(shape: Shape) -> str:
    """``64×48 (height×width) colour``: in the order of image_size."""
    return f"{sides_text(shape)} {'grey' if shape[2] == 1 else 'colour'}"


def sides_text(shape: Sequence[int]) -> str:
    """``64×48 (height×width)``."""
    return f"{shape[0]}×{shape[1]} (height×width)"


def _names_in(folder: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(path.relative_to(folder).as_posix() for path in paths)


def check_size(image_size: int | tuple[int, int] | None) -> tuple[int, int] | None:
    """Height and width. Raises DataError where they are not from 1 to 10000."""
    if image_size is None:
        return None
    sides = tuple(image_size) if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(sides) != 2 or not all(isinstance(side, int) and 1 <= side <= 10_000 for side in sides):
        raise DataError(f"image_size must be a side or (height, width) from 1 to 10000, not {image_size!r}")
    return sides[0], sides[1]


def _look(path: Path) -> Shape:
    """Height, width and channels of a file, after its orientation, from its header."""
    with _opened(path) as picture:
        width, height = picture.size
        turned = _orientation(picture) in (5, 6, 7, 8)
        channels = 1 if picture.mode in _GREY else 3
    return (width, height, channels) if turned else (height, width, channels)


def _common_shape(looks: Sequence[Shape], size: tuple[int, int] | None) -> Shape:
    channels = max(look[2] for look in looks)
    if size is None:
        counts = Counter(look[:2] for look in looks)
        size = min(counts, key=lambda each: (-counts[each], each[0] * each[1], each))
    return (*size, channels)


def _changes(looks: Sequence[Shape], shape: Shape) -> tuple[str, ...]:
    resized = sum(look[:2] != shape[:2] for look in looks)
    converted = sum(look[2] != shape[2] for look in looks)
    notes = []
    if resized:
        notes.append(f"{resized:,} of {len(looks):,} images were resized to {sides_text(shape)}")
    if converted:
        notes.append(
            f"{converted:,} of {len(looks):,} images were converted to {'grey' if shape[2] == 1 else 'RGB'}"
        )
    return tuple(notes)


def _opened(path: Path) -> Picture:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(path)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"{path} is too large an image: {error}") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"{path} is no image that can be read, or is damaged: {error}") from error


def _pixels(picture: Picture, shape: Shape) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    height, width, channels = shape
    turned = ImageOps.exif_transpose(picture) if _orientation(picture) != 1 else picture
    plain = _plain(turned).convert("L" if channels == 1 else "RGB")
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(plain).reshape(-1)


def _orientation(picture: Picture) -> int:
    """EXIF's orientation of a JPEG, 1 for upright; a PNG would have to be decoded to know."""
    if picture.format not in ("JPEG", "MPO"):
        return 1
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except (OSError, ValueError, TypeError, SyntaxError, struct.error):  # a damaged EXIF block
        return 1


def _plain(picture: Picture) -> Picture:
    """Without transparency and with 8 bits a channel."""
    from PIL import Image

    if picture.mode in ("I", "I;16", "I;16B", "I;16L"):  # 16-bit grey
        return Image.fromarray((np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA"))
    return picture
