"""What a network sees of images: their bytes, all of one shape, scaled on the way into the first layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descend.data.dataset import Dataset
from descend.data.notices import Notices
from descend.data.pixel_form import PixelForm, size_text
from descend.data.places import RowPlaces
from descend.errors import DataError, ModelFileError


@dataclass(eq=False)
class ImageEncoder:
    """Images as rows of 8-bit values, row by row from the top, channels last.

    shape : (height, width, channels); channels is 1 for grey and 3 for colour.
    grey_bits : bits that the values of grey images of 16 bits filled in training; see ``PixelForm``.
    notes, notes_of_last_use : what was noticed while fitting, and by the last ``transform``.
    names_of_last_use : the files' paths inside the folder that the last ``transform`` was given, in the
        order of its rows; None where the images were no files of their own.
    places_of_last_use : where the rows of the last ``transform`` stood.
    """

    shape: tuple[int, int, int]
    grey_bits: int = 16
    notes: tuple[str, ...] = ()
    notes_of_last_use: tuple[str, ...] = ()
    names_of_last_use: tuple[str, ...] | None = None
    places_of_last_use: RowPlaces | None = None

    scale = 1.0 / 255.0

    @classmethod
    def fit(cls, dataset: Dataset) -> ImageEncoder:
        """The form of the dataset's images; nothing else is learned."""
        if dataset.image_shape is None:
            raise DataError(f"{dataset.name} holds a table, not images")
        return cls(dataset.image_shape, dataset.grey_bits)

    @property
    def form(self) -> PixelForm:
        """What all images are brought to."""
        return PixelForm(self.shape, self.grey_bits)

    @property
    def features(self) -> int:
        """Values of one image."""
        return self.form.features

    @property
    def feature_names(self) -> tuple[str, ...]:
        """``pixel 0,0``, ``pixel 0,1``, … by row and column; colours add `` red``, `` green``, `` blue``."""
        height, width, channels = self.shape
        colours = ("",) if channels == 1 else (" red", " green", " blue")
        return tuple(
            f"pixel {y},{x}{colour}" for y in range(height) for x in range(width) for colour in colours
        )

    def check(self, data: Any) -> tuple[str, ...]:
        """Notes on images that had to be resized or converted. Raises DataError for what are no images."""
        return self._read(data)[1]

    def transform(
        self, data: Any, dtype: str = "float32", notices: Notices | None = None
    ) -> NDArray[np.uint8]:
        """The images of ``data``, (rows, features) uint8 whatever ``dtype`` is, C-contiguous.

        data : a Dataset of images, an array (n, features) or (n, height, width[, channels]) of uint8, the
            path of an image, or of a folder of images, of subfolders by class, or of IDX files. Files are
            resized and converted to the model's shape; arrays must have it.
        notices : takes what was noticed.
        """
        del dtype  # bytes stay bytes; the engine widens them to its own
        pixels, self.notes_of_last_use, self.places_of_last_use = self._read(data)
        self.names_of_last_use = self.places_of_last_use.names
        if notices is not None:
            notices.say(*self.notes_of_last_use)
        return np.ascontiguousarray(pixels)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"shape": list(self.shape), "grey_bits": self.grey_bits}

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> ImageEncoder:
        """The encoder again. Raises ModelFileError for a damaged description."""
        try:
            height, width, channels = described["shape"]
            grey_bits = described["grey_bits"]
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFileError(f"the encoder in the model file cannot be read: {error!r}") from None
        whole = all(type(each) is int and each > 0 for each in (height, width, channels))
        if not whole or channels not in (1, 3):
            raise ModelFileError(f"the model file says images of {f'{height}×{width}×{channels}'[:80]}")
        if type(grey_bits) is not int or not 8 <= grey_bits <= 16:
            raise ModelFileError(f"the model file says grey images of {f'{grey_bits}'[:80]} bits")
        return cls((height, width, channels), grey_bits)

    def _read(self, data: Any) -> tuple[NDArray[np.uint8], tuple[str, ...], RowPlaces]:
        """Pixels, notes, and where the rows stand."""
        from descend.data.sources import read_images

        if isinstance(data, np.ndarray):
            return self._array(data), (), RowPlaces("the given images")
        found = data if isinstance(data, Dataset) else read_images(data, self.form)
        if found.images is None:
            raise DataError(f"{found.name} holds a table, but the model was trained on images")
        places = RowPlaces(found.name, names=found.row_names)
        if found.image_shape != self.shape:
            return *self._resized(found), places
        return found.images, found.notes if found is not data else (), places

    def _array(self, data: NDArray[Any]) -> NDArray[np.uint8]:
        height, width, channels = self.shape
        shapes = [self.shape, (self.features,)] + ([(height, width)] if channels == 1 else [])
        if data.dtype != np.uint8 or data.ndim < 2 or data.shape[1:] not in shapes:
            raise DataError(
                f"images must be uint8 of shape (n, {height}, {width}, {channels}) or (n, {self.features}), "
                f"not {data.dtype} of shape {data.shape}"
            )
        return data.reshape(len(data), self.features)

    def _resized(self, found: Dataset) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        from descend.data.sources.image_folder import reshape_images

        assert found.images is not None
        assert found.image_shape is not None
        pixels = reshape_images(found.images, found.image_shape, self.form)
        change = f"from {size_text(found.image_shape)} to {size_text(self.shape)}"
        return pixels, (f"{len(pixels):,} images were converted {change}, the model's shape",)
