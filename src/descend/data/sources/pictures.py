"""One image file: what its header says of it, and its pixels in the form that a network sees.

Of several frames the first is used. Transparency is laid on white, the picture is turned as its EXIF
orientation says, and resizing is bilinear with antialiasing and does not keep the aspect ratio.
"""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from descend.data.pixel_form import PixelForm

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "GIF", "PPM")  # by Pillow's names
_ORIENTATION = 0x0112
_QUARTER_TURNED = (5, 6, 7, 8)
_DEEP_GREY = ("I", "I;16", "I;16B", "I;16L")
_GREY = ("1", "L", "LA", "La", *_DEEP_GREY)
_DEEP_COLOUR = re.compile(r"(RGB\w?|LA|CMYK);16")  # as Pillow calls how the pixels are stored
_LARGEST = (1 << 16) - 1
_WEB_PAGE = (b"<!doctype html", b"<html")


class Unreadable(ValueError):
    """A file is no image that can be used; the message reads on after the file's name and "is"."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a file's header says of its image.

    height, width : after it is turned as its orientation says.  channels : 1 for grey, 3 for colour.
    deep_grey : whether it is grey with more than 8 bits.  deep_colour : whether it has 16 bits a channel,
    of which only the high 8 can be had.  frames : whether there are more than one.
    """

    height: int
    width: int
    channels: int
    deep_grey: bool
    deep_colour: bool
    frames: bool


def look(path: Path) -> Look:
    """Reads a file's header. Raises Unreadable."""
    with _opened(path) as picture:
        if picture.mode == "F":
            raise Unreadable(
                "an image of floating-point numbers, of no known range: save it with 8 or 16 bits"
            )
        width, height = picture.size
        if _orientation(picture) in _QUARTER_TURNED and picture.format != "TIFF":  # Pillow turns these itself
            width, height = height, width
        stored: list[tuple[Any, ...]] = getattr(picture, "tile", [])
        deep_colour = any(_DEEP_COLOUR.search(str(each[3])) for each in stored)
        # A telephone's JPEG keeps a small copy as a second frame.
        frames = picture.format not in ("JPEG", "MPO") and bool(getattr(picture, "is_animated", False))
        channels = 1 if _is_grey(picture) else 3
        return Look(height, width, channels, picture.mode in _DEEP_GREY, deep_colour, frames)


def largest_value(path: Path) -> int:
    """The largest value of a grey image of 16 bits. Raises Unreadable, for values beyond 16 bits too."""
    with _opened(path) as picture:
        values = np.asarray(picture)
        low, high = int(values.min()), int(values.max())
    if low < 0 or high > _LARGEST:
        raise Unreadable(f"an image with values from {low:,} to {high:,}: save it with 8 or 16 bits")
    return high


def pixels(path: Path, form: PixelForm) -> NDArray[np.uint8]:
    """An image in the form given, (height·width·channels,). Raises Unreadable."""
    with _opened(path) as picture:
        return _in_form(picture, form)


def array_pixels(values: NDArray[np.uint8], form: PixelForm) -> NDArray[np.uint8]:
    """An image (height, width) or (height, width, 3) in the form given, by the same rules as a file's."""
    from PIL import Image

    return _in_form(Image.fromarray(values), form)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Picture]:
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about EXIF blocks and the like
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as picture:
                yield picture
    except Unreadable:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(f"too large an image: {error}") from error
    except UnidentifiedImageError as error:
        kind = "a web page" if is_web_page(path) else "no image that can be read, or damaged"
        raise Unreadable(kind) from error
    except Exception as error:  # readers of damaged files stumble in many ways
        raise Unreadable(f"truncated or damaged: {error}") from error


def is_web_page(path: Path) -> bool:
    """Whether a file holds HTML, as a download that failed does."""
    with path.open("rb") as file:
        return file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE)


def _is_grey(picture: Picture) -> bool:
    if picture.mode != "P":
        return picture.mode in _GREY
    palette = np.array(picture.getpalette()).reshape(-1, 3)
    return bool((palette == palette[:, :1]).all())


def _in_form(picture: Picture, form: PixelForm) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    picture.load()  # a TIFF is turned by this, and its orientation gone
    height, width, channels = form.shape
    turned = ImageOps.exif_transpose(picture) if _orientation(picture) != 1 else picture
    plain = _plain(turned, form.grey_bits).convert("L" if channels == 1 else "RGB")
    if plain.size != (width, height):
        plain = plain.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(plain).reshape(-1)


def _orientation(picture: Picture) -> int:
    """EXIF's orientation, 1 for upright."""
    if picture.format == "PNG" and "exif" not in picture.info:  # asking further would decode it
        return 1
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block says nothing
        return 1


def _plain(picture: Picture, grey_bits: int) -> Picture:
    """Without transparency and with 8 bits a channel."""
    from PIL import Image

    if picture.mode in _DEEP_GREY:
        values = np.asarray(picture).astype(np.int64) >> (grey_bits - 8)
        return Image.fromarray(values.clip(0, 255).astype(np.uint8))
    if picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA"))
    return picture
