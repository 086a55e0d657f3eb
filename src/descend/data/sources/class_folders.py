"""How a folder lays out images of classes: a subfolder per class, or such folders for each part.

::

    pets/cat/1.png                 the class is the name of the first subfolder,
    pets/cat/monday/1.png          however deep the image lies below it
    pets/train/cat/1.png           train, validation and test beside each other, by these or like names:
    pets/test/cat/1.png            they are the parts
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from descend.data.sources.image_files import READ, Found, counted, find_images, loose_files, subfolders
from descend.errors import DataError

_PART = re.compile(
    r"(?:(?P<train>train(?:ing)?|训练)|(?P<validation>val(?:id(?:ation)?)?|dev|验证)|(?P<test>test(?:ing)?|测试))"
    r"(?:[-_ ]?(?:set|data|images)|集)?",
    re.I,
)
_NO_TEXT = re.compile("[\ud800-\udfff]")  # how bytes of a name that are no text are kept
_OUTSIDE = "in no class folder"


@dataclass(frozen=True)
class Classes:
    """Images by class.

    folders : name of each class with what was found below its folder, all of them with images.
    passed_over : files outside these, by ending.
    notes : what was left out and why, and images that lie deeper than their class's folder.
    """

    folders: Mapping[str, Found]
    passed_over: Counter[str]
    notes: tuple[str, ...]


def classes_of(folder: Path, fewest: int = 2) -> Classes:
    """The classes of a folder with one subfolder for each.

    Raises DataError where there are fewer than ``fewest`` of them, with what there is instead, and for one
    whose name is not UTF-8.
    """
    found = {each.name: find_images(each) for each in subfolders(folder)}
    loose = loose_files(folder)
    named = {name: group for name, group in found.items() if group.images}
    copies = _nested_copies(folder, named, fewest)
    classes = {name: group for name, group in named.items() if name not in copies}
    if len(classes) < fewest:
        raise DataError(_too_few(folder, found, classes, loose, fewest))
    for name in classes:
        if _NO_TEXT.search(name):
            raise DataError(f"{folder}: the name of the folder {name!r} is not UTF-8; rename it")
    endings = loose.passed_over + sum((each.passed_over for each in classes.values()), Counter[str]())
    if loose.images:
        endings[_OUTSIDE] += len(loose.images)
    notes = _left_out({name: group for name, group in found.items() if name not in named})
    if copies:
        names = ", ".join(map(repr, copies))
        notes = (*notes, f"left out, as what lies in it is named as the classes beside it: {names}")
    return Classes(classes, endings, (*notes, *_deeper(folder, classes)))


def parts_of(folder: Path) -> dict[str, Path]:
    """``train``, ``validation`` and ``test`` with their folders, where this is how a folder is laid out.

    It is where a folder named as the training part has a subfolder per class, and others beside it are parts
    too. Empty where the subfolders are classes themselves.

    Raises DataError where the subfolders are named as parts and cannot be used as such.
    """
    if not any(map(_part, subfolders(folder))):
        return {}
    holding = [each for each in subfolders(folder) if find_images(each).images]
    found: dict[str, Path] = {}
    for each in holding:
        part = _part(each)
        if part in found:
            raise DataError(f"{folder} has two folders of the {part} part: {found[part].name}, {each.name}")
        if part:
            found[part] = each
    others = len(found) < len(holding)
    inside = {part: _class_names(each) for part, each in found.items()}
    shared = any(inside.get("train", set()) & inside[part] for part in found if part != "train")
    if len(inside.get("train", ())) >= 2 and (shared or not others):
        return {part: found[part] for part in ("train", "validation", "test") if inside.get(part)}
    if len(found) > 1 and not others:
        names = ", ".join(each.name for each in found.values())
        lacking = "no training part" if "train" not in found else "no subfolders per class"
        raise DataError(
            f"{folder}: the subfolders {names} are named as the parts of a data set, but there are {lacking} "
            "among them; give the folder whose subfolders are the classes"
        )
    return {}


def _part(folder: Path) -> str:
    match = _PART.fullmatch(folder.name)
    return (match.lastgroup or "") if match else ""


def _class_names(folder: Path) -> set[str]:
    return {each.name for each in subfolders(folder) if find_images(each).images}


def _nested_copies(folder: Path, named: Mapping[str, Found], fewest: int) -> list[str]:
    """Subfolders that hold a copy of the classes beside them, and no images of their own."""
    copies = []
    for name, group in named.items():
        inside = {path.relative_to(folder / name).parts[0] for path in group.images}
        if inside <= named.keys() - {name}:
            copies.append(name)
    return copies if len(named) - len(copies) >= fewest else []


def _left_out(empty: Mapping[str, Found]) -> tuple[str, ...]:
    if not empty:
        return ()
    names = [
        f"{name!r} ({counted(group.passed_over)})" if group.passed_over else repr(name)
        for name, group in empty.items()
    ]
    return (f"subfolders without images were left out: {', '.join(names)}",)


def _deeper(folder: Path, classes: Mapping[str, Found]) -> tuple[str, ...]:
    depths = [len(path.relative_to(folder).parts) for group in classes.values() for path in group.images]
    deeper = sum(depth > 2 for depth in depths)
    if not deeper:
        return ()
    return (
        f"{deeper:,} of {len(depths):,} images lie in folders below their class's own: their class is that "
        f"of the first folder in {folder.name}",
    )


def _too_few(
    folder: Path, found: Mapping[str, Found], classes: Mapping[str, Found], loose: Found, fewest: int
) -> str:
    endings = loose.passed_over + sum((group.passed_over for group in found.values()), Counter[str]())
    remedy = ""
    if classes:
        name = next(iter(classes))
        held = f"has images in {name!r} alone"
        inside = sorted(_class_names(folder / name))
        if len(inside) > 1:
            remedy = f"; if its subfolders are the classes, give {folder / name}"
    elif loose.images:
        held = f"has {len(loose.images):,} images in no subfolder"
    elif endings:
        held = f"has none, but {endings.total():,} other files: {counted(endings)}"
        remedy = "; convert them, or give a table by its file's path"
    else:
        held = "has no images"
        remedy = "; a table is given by its file's path"
    needed = "one subfolder" if fewest == 1 else "at least two subfolders, one"
    return (
        f"{folder} is no folder of images: it needs {needed} per class, of {READ} images, and {held}{remedy}"
    )
