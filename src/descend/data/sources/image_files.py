"""Which files of a folder are images, and which are passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif",
    ".pgm", ".ppm", ".pbm", ".pnm",
)  # fmt: skip
READ = "PNG, JPEG, WebP, BMP, TIFF, GIF or PNM"


@dataclass
class Found:
    """The files below a folder.

    images : those that are read, in the order of their paths.
    passed_over : what else there is, counted by ending, such as ``.heic``.
    """

    images: list[Path] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)

    def add(self, path: Path) -> None:
        """Counts one file in."""
        if not path.is_file():  # reading a pipe or a socket would wait for ever
            self.passed_over["no regular file"] += 1
        elif is_image(path):
            self.images.append(path)
        else:
            self.passed_over[path.suffix.lower() or "without an ending"] += 1


def is_image(path: Path) -> bool:
    """Whether a file is named as an image that can be read."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, by name; names that begin with a dot are hidden from us."""
    return sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))


def loose_files(folder: Path) -> Found:
    """The files in a folder itself."""
    found = Found()
    for each in sorted(folder.iterdir()):
        if not each.is_dir() and not each.name.startswith("."):
            found.add(each)
    return found


def find_images(folder: Path) -> Found:
    """The files in a folder and in all folders below it. Links that lead back upwards are not followed."""
    found, pending = Found(), [(folder, frozenset(folder.resolve().parents))]
    while pending:
        place, above = pending.pop()
        real = place.resolve()
        if real in above:
            continue
        here = loose_files(place)
        found.images += here.images
        found.passed_over += here.passed_over
        pending += [(each, above | {real}) for each in subfolders(place)]
    found.images.sort()
    return found


def counted(endings: Counter[str]) -> str:
    """``16 .heic, 1 no regular file``, the commonest first."""
    ordered = sorted(endings.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{count:,} {ending}" for ending, count in ordered)


def passed_over_note(endings: Counter[str]) -> Iterable[str]:
    """The note about files that are no images, where there are any."""
    if endings:
        files = "file was" if endings.total() == 1 else "files were"
        yield f"{endings.total():,} {files} passed over: {counted(endings)} (read are {READ} images)"
