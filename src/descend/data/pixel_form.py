"""The form that all images of a data set are brought to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class PixelForm:
    """One size, one mode and one scale.

    shape : (height, width, channels); channels is 1 for grey and 3 for colour.
    grey_bits : 8 to 16, the bits that the values of 16-bit grey images fill: they are divided by
        2^(grey_bits − 8) to become 8-bit. Cameras and scanners use 10 or 12 of the 16, and masks 8.
    """

    shape: Shape
    grey_bits: int = 16

    @property
    def features(self) -> int:
        """Values of one image."""
        height, width, channels = self.shape
        return height * width * channels


def size_text(shape: Shape) -> str:
    """``64×48 (height×width) colour``: in the order of image_size."""
    return f"{sides_text(shape)} {'grey' if shape[2] == 1 else 'colour'}"


def sides_text(shape: Sequence[int]) -> str:
    """``64×48 (height×width)``."""
    return f"{shape[0]}×{shape[1]} (height×width)"
