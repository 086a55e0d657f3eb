"""Where data comes from: one file a format, and ``read`` that finds the right one."""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from descend.data.dataset import ColumnKinds, Dataset
from descend.data.kinds import typed
from descend.data.names import column_name, column_names
from descend.data.number_format import NumberFormat
from descend.data.panics import panics_named
from descend.data.pixel_form import PixelForm
from descend.data.sources import (
    built_in,
    csv_table,
    idx_folder,
    image_files,
    image_folder,
    in_memory,
    parquet_table,
    text_file,
)
from descend.data.table import Table, columns_hint
from descend.errors import DataError

_TABLES: dict[str, Callable[[Path], Table]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".tab", ".data", ".dat", ".asc", ".psv"), csv_table.read_csv),
    **dict.fromkeys(text_file.PACKED, csv_table.read_csv),
    ".parquet": parquet_table.read_parquet,
    ".arrow": parquet_table.read_arrow,
    ".feather": parquet_table.read_arrow,
}
_ADVICE = {
    (".xlsx", ".xls", ".xlsm", ".ods"): "save the sheet as CSV",
    (".json", ".jsonl", ".ndjson"): "it holds JSON; convert it to CSV",
    (".7z", ".rar", ".zst", ".lz4", ".tar", ".tgz"): "unpack it first",
}
_STANDARD_INPUT = ("-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


@panics_named()
def read(
    source: Any,
    *,
    target: object = None,
    ignore: Collection[object] = (),
    image_size: int | tuple[int, int] | None = None,
    image_form: PixelForm | None = None,
    lenient: bool = False,
    target_format: NumberFormat | None = None,
) -> Dataset:
    """A dataset from wherever it lies.

    Parameters
    ----------
    source : path of a table (.csv .tsv .txt .data, also in .gz .bz2 .xz .zip; .parquet .arrow .feather), of
        a folder of IDX files or of one with a subfolder of images per class, a built-in name, a polars or
        pandas frame, a dict of columns, a list of dict rows, or a pair of arrays (X, y).
    target : name of the column to predict, or a frame's own label for it; None for what the source knows
        itself.
    ignore : names of columns to leave out.
    image_size : side, or (height, width), that images of a folder are resized to; None for the
        commonest size among them.
    image_form : what a model's images were brought to; a folder's are then brought to it, whatever suits
        them best, and may be of one class.
    lenient : pass over ignored columns that are absent, as those that a model was trained with may be in
        another table.
    target_format : how the target's numbers are written, where a model knows it; None to find it out.

    Raises
    ------
    DataError : there is nothing there, it cannot be read, a column is unknown, ``image_size`` is given
        for anything but a folder of images by class, or ``ignore`` for images.
    """
    image_folder.check_size(image_size)
    named = None if target is None else column_name(target)
    ignored = [column_name(name) for name in ignore]
    found = _read(source, named, ignored, image_size, image_form, lenient, target_format)
    if found.images is not None and ignore and not lenient:
        raise DataError(f"{found.name} holds images, which have no columns to ignore")
    return found


def _read(
    source: Any,
    target: str | None,
    ignore: Collection[str],
    image_size: int | tuple[int, int] | None,
    image_form: PixelForm | None,
    lenient: bool,
    target_format: NumberFormat | None,
) -> Dataset:
    _refuse_elsewhere(source)
    if isinstance(source, str | os.PathLike) and (path := Path(source)).is_dir():
        with _named_errors(path):
            return _folder(path, target, image_size, image_form)
    if image_size is not None:
        raise DataError(f"image_size is for a folder of images by class, not for {_called(source)}")
    if isinstance(source, str | os.PathLike) and str(source) in built_in.NAMES and not Path(source).exists():
        table, own_target = built_in.read_built_in(str(source))
        found = _dataset(table, own_target if target is None else target, ignore, lenient, target_format)
        return replace(found, unit=built_in.UNITS.get((found.name, found.target), ""))
    if isinstance(source, tuple):
        if in_memory.is_image_pair(source):
            return in_memory.images_of_pair(source)
        target = "target" if target is None else target
        return _dataset(in_memory.table_of_pair(source, target), target, ignore, lenient, target_format)
    return _dataset(read_table(source), target, ignore, lenient, target_format)


def read_table(source: Any) -> Table:
    """The cells of a table's file, built-in table, frame, dict of columns, or list of dict rows.

    Names of columns are in Unicode's form NFC, whatever form the source has them in.
    """
    table = _table_as_named(source)
    names = column_names(table.frame.columns, table.name)
    if names == table.frame.columns:
        return table
    frame = table.frame.clone()
    frame.columns = names
    return replace(table, frame=frame)


def _table_as_named(source: Any) -> Table:
    if not isinstance(source, str | os.PathLike):
        return in_memory.table_of(source)
    _refuse_elsewhere(source)
    path = Path(source)
    if path.is_dir():
        raise DataError(f"{path} is a folder, where a table's file is expected")
    if not path.exists():
        if str(source) in built_in.NAMES:
            return built_in.read_built_in(str(source))[0]
        raise DataError(_nothing_there(path))
    reader = _TABLES.get(path.suffix.lower())
    with _named_errors(path):
        if reader is None:
            known = " ".join(_TABLES)
            raise DataError(f"{path} is of no format that is read: {known}; {_other_format(path)}")
        return reader(path)


def read_images(source: Any, form: PixelForm) -> Dataset:
    """Images to predict, brought to ``form``: a file, a folder of images, of classes or of IDX."""
    if isinstance(source, tuple):
        return in_memory.images_of_pair(source)
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            f"the model was trained on images; give an array or a path, not {type(source).__name__}"
        )
    _refuse_elsewhere(source)
    path = Path(source)
    if not path.exists():
        if str(source) in built_in.NAMES:
            raise DataError(
                f"{str(source)!r} is a built-in table, but the model was trained on images; "
                "give an image or a folder of images"
            )
        raise DataError(_nothing_there(path))
    with _named_errors(path):
        if path.is_dir() and (found := idx_folder.find(path)):
            return idx_folder.read_idx_folder(found, path)
        return image_folder.read_images(path, form)


@contextlib.contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """Errors of the system, such as a permission that is lacking, as DataError."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error


def _dataset(
    table: Table,
    target: str | None,
    ignore: Collection[str],
    lenient: bool,
    target_format: NumberFormat | None = None,
) -> Dataset:
    names = table.frame.columns
    for name in ignore:
        if name not in names and not lenient:
            raise DataError(f"{table.name} has no column {name!r} to ignore; {columns_hint(name, names)}")
    if target is not None and target not in names:
        read_as = "".join(f"; {note}" for note in table.notes)
        raise DataError(f"{table.name} has no column {target!r}; {columns_hint(target, names)}{read_as}")
    if target is not None and target in ignore:
        raise DataError(f"{target!r} is both the target and ignored")
    kinds = ColumnKinds(table, ignore)
    if target is None:
        return Dataset(table.name, kinds, table=table, notes=table.notes)
    found = typed(table, target, number_format=target_format)
    remark = (f"target {target!r}: {found.remark}",) if found.remark else ()
    return Dataset(
        table.name, kinds, target, found.cells.alias("label"), table,
        notes=(*table.notes, *remark), target_format=found.number_format,
    )  # fmt: skip


def _folder(
    path: Path,
    target: str | None,
    image_size: int | tuple[int, int] | None,
    image_form: PixelForm | None,
) -> Dataset:
    if place := idx_folder.find(path):
        if image_size is not None:
            raise DataError(f"image_size is for a folder of images by class, and {path} holds IDX files")
        found = idx_folder.read_idx_folder(place, path)
    else:
        found = image_folder.read_class_folder(path, image_size, image_form)
    if target is not None and target != found.target:
        raise DataError(f"{path} is a folder of images: its target is {found.target!r}, not {target!r}")
    return found


def _refuse_elsewhere(source: Any) -> None:
    """Data that is not in a file here is asked for as one. Raises DataError."""
    if not isinstance(source, str | os.PathLike):
        return
    text = os.fspath(source)
    if text in _STANDARD_INPUT and not Path("-").exists():
        raise DataError(f"{text}: standard input is not read: save it to a file, and give the file's path")
    if "://" in text and not Path(text).exists():
        raise DataError(f"{text!r} is an address: download what is there, and give the file's path")


def _called(source: Any) -> str:
    return repr(os.fspath(source)) if isinstance(source, str | os.PathLike) else "data in memory"


def _nothing_there(path: Path) -> str:
    if path.is_symlink():
        try:
            path.stat()
        except FileNotFoundError:
            return f"{path} is a link to {str(path.readlink())!r}, which is not there"
        except OSError:
            return f"{path} is a link that leads back to itself"
    parent = path.parent
    names = list(built_in.NAMES) if path == Path(path.name) else []
    if parent.is_dir():
        names += sorted(each.name for each in parent.iterdir() if not each.name.startswith("."))[:10_000]
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.6)
    if not near:
        hint = f"built-in tables: {', '.join(built_in.NAMES)}"
    elif near[0] in built_in.NAMES:
        hint = f"did you mean the built-in {near[0]!r}?"
    else:
        hint = f"did you mean {str(parent / near[0])!r}?"
    return f"there is no file or folder {str(path)!r}; {hint}"


def _other_format(path: Path) -> str:
    for endings, advice in _ADVICE.items():
        if path.suffix.lower() in endings:
            return advice
    if image_files.is_image(path):
        return "an image is read from a folder with one subfolder per class"
    if path.is_file():
        with path.open("rb") as file:
            if b"\0" not in file.read(4096):
                return "a text file with columns may be renamed to .csv"
    return "save the table as CSV or Parquet"
