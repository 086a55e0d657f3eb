"""What a network sees of a dataset: fitted on training rows only, and stored in the model file."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data import column_encoders
from descend.data.cells import words
from descend.data.column_encoders import MOST_CATEGORIES, CategoryEncoder, ColumnEncoder, NumberEncoder
from descend.data.dataset import Dataset
from descend.data.described import checked_fields
from descend.data.encoder_checks import check_columns
from descend.data.image_encoding import ImageEncoder
from descend.data.notices import Notices
from descend.data.number_format import NumberFormat
from descend.data.panics import panics_named
from descend.data.places import RowPlaces
from descend.data.spellings import note_on_forms, note_on_looks
from descend.data.table import Table, listing
from descend.errors import DataError, ModelFileError

__all__ = ["Encoder", "ImageEncoder", "TableEncoder", "encoder_from_json", "fit_encoder"]

_MOST_REASONS = 5


@dataclass(eq=False)
class TableEncoder:
    """Rows of a table as a matrix of numbers.

    Numbers are imputed by the median and standardised, yes/no becomes 1 and 0, categories and missing
    cells become one-hot features, dates become days, weekday, month and time of day; see ``column_encoders``.

    columns : one encoder for each column that is used.
    left_out : the training table's other columns, the target among them; they may be absent or present.
    notes : what was noticed while fitting.
    target_format : how the training table wrote the numbers of its target; None where it held none.
    notes_of_last_use, places_of_last_use : what the last ``transform`` noticed, and where its rows stood.
    """

    columns: tuple[ColumnEncoder, ...]
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    target_format: NumberFormat | None = None
    notes_of_last_use: tuple[str, ...] = field(default=(), compare=False)
    places_of_last_use: RowPlaces | None = field(default=None, compare=False)
    names_of_last_use: ClassVar[None] = None  # rows of a table have no names

    scale = 1.0

    @classmethod
    def fit(cls, dataset: Dataset) -> TableEncoder:
        """Fitted on all rows of ``dataset``, which should be the training rows.

        Raises DataError for unreadable cells and where no column is left to learn from.
        """
        if dataset.table is None:
            raise DataError(f"{dataset.name} holds images, not a table")
        table = dataset.table
        fitted = [column_encoders.ENCODERS[column.kind].fit(table, column) for column in dataset.features]
        used = tuple(encoder for encoder in fitted if encoder.feature_names)
        if not used:
            raise DataError(
                f"{dataset.name} has no column to learn from: {_why_none(dataset)}; "
                "add columns whose values vary"
            )
        notes = [
            f"column {column.name!r}: {column.remark}"
            for column in dataset.columns
            if column.remark and column.name != dataset.target
        ]
        notes += [
            f"column {encoder.name!r} is constant in the training rows and was left out"
            for encoder in fitted
            if not encoder.feature_names
        ]
        notes += [
            f"column {encoder.name!r} has {len(encoder.categories) + encoder.rare:,} categories: the "
            f"{MOST_CATEGORIES} most frequent are kept, the others share one feature"
            for encoder in used
            if isinstance(encoder, CategoryEncoder) and encoder.rare
        ]
        for encoder in used:
            if isinstance(encoder, CategoryEncoder):
                what = f"column {encoder.name!r}: categories"
                notes += note_on_forms(what, words(table, encoder.name).drop_nulls().unique())
                notes += note_on_looks(what, encoder.categories)
        notes += _numbers_as_text(table, used)
        names = {encoder.name for encoder in used}
        left_out = tuple(name for name in table.frame.columns if name not in names)
        return cls(used, left_out, tuple(notes), dataset.target_format)

    @property
    def features(self) -> int:
        """The matrix's columns."""
        return sum(len(encoder.feature_names) for encoder in self.columns)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the matrix's columns, (features,)."""
        return tuple(name for encoder in self.columns for name in encoder.feature_names)

    @panics_named()
    def check(self, data: Any) -> tuple[str, ...]:
        """Notes on columns that are more than the model knows. Raises DataError naming missing ones."""
        return self._check(self._table_of(data))

    @panics_named()
    def transform(self, data: Any, dtype: str = "float32", notices: Notices | None = None) -> NDArray[Any]:
        """The matrix of ``data``, (rows, features) of ``dtype``, C-contiguous and finite.

        data : a Dataset, polars or pandas frame, dict of columns, list of dict rows, or a table's path; for
            a model of arrays, whose columns are x1, x2, …, also an array (rows, columns) of numbers.
        notices : takes what was noticed.

        Raises DataError for missing columns, and for cells that are not of their column's kind.
        """
        table = self._table_of(data)
        notices = Notices() if notices is None else notices
        notices.say(*table.notes, *self._check(table))
        widths = [len(encoder.feature_names) for encoder in self.columns]
        matrix = np.zeros((table.rows, sum(widths)), dtype)
        start = 0
        for encoder, width in zip(self.columns, widths, strict=True):
            with np.errstate(over="ignore"):  # found below, and named
                encoder.write(table, matrix[:, start : start + width], notices)
            start += width
        self._check_finite(table, matrix)
        self.notes_of_last_use, self.places_of_last_use = notices.texts, table.places
        return matrix

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; floats come back exactly."""
        return {
            "columns": [column_encoders.to_json(encoder) for encoder in self.columns],
            "left_out": list(self.left_out),
            "notes": list(self.notes),
            "target_format": None if self.target_format is None else asdict(self.target_format),
        }

    @classmethod
    def from_json(cls, described: dict[str, Any]) -> TableEncoder:
        """The encoder again, exactly. Raises ModelFileError for a damaged description."""
        try:
            columns = tuple(column_encoders.from_json(column) for column in described["columns"])
            left_out, notes = described["left_out"], described["notes"]
            if not all(isinstance(each, str) for each in (*left_out, *notes)):
                raise TypeError("left_out and notes hold text")
            check_columns(columns, left_out)
            written = described["target_format"]
            if written is not None:
                written = NumberFormat(**checked_fields(NumberFormat, written))
            return cls(columns, tuple(left_out), tuple(notes), written)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(f"the encoder in the model file cannot be read: {error!r}") from None

    def _table_of(self, data: Any) -> Table:
        from descend.data.sources import read_table

        if isinstance(data, Dataset):
            if data.table is None:
                raise DataError(f"{data.name} holds images, but the model was trained on a table")
            return data.table
        if isinstance(data, np.ndarray):
            return read_table(self._named(data))
        if isinstance(data, str | os.PathLike) and Path(data).is_dir():
            raise DataError(f"{os.fspath(data)} is a folder, but the model was trained on a table")
        return read_table(data)

    def _named(self, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """The columns of an array by name, where the model's own are x1, x2, … and the target."""
        if array.ndim != 2 or array.dtype.kind not in "biuf":
            raise DataError(
                f"X must hold numbers in (rows, columns), not {array.dtype} of shape {array.shape}"
            )
        names = [f"x{place + 1}" for place in range(array.shape[1])]
        used = {encoder.name for encoder in self.columns}
        known = used.union(self.left_out)
        others = known.difference(names)
        # All but the target must be among them, and the target must be told from a column that lacks.
        fits = used <= set(names) <= known and len(others) == 1
        if not fits or re.fullmatch(r"x\d+", next(iter(others))):
            shown = listing([encoder.name for encoder in self.columns], 5)
            raise DataError(
                f"the model knows its columns by name ({shown}): "
                f"give a frame or a dict of columns, not an array of shape {array.shape}"
            )
        return {name: array[:, place] for place, name in enumerate(names)}

    def _check(self, table: Table) -> tuple[str, ...]:
        found = set(table.frame.columns)
        missing = [encoder.name for encoder in self.columns if encoder.name not in found]
        if missing:
            columns = "column" if len(missing) == 1 else "columns"
            raise DataError(
                f"{table.name} lacks the {columns} {listing([repr(name) for name in missing])}, "
                f"which the model needs; it has {listing(table.frame.columns)}"
            )
        known = {encoder.name for encoder in self.columns}.union(self.left_out)
        extra = [repr(name) for name in table.frame.columns if name not in known]
        if not extra:
            return ()
        return (f"not used, for training had no such columns: {listing(extra, 10)}",)

    def _check_finite(self, table: Table, matrix: NDArray[Any]) -> None:
        finite = np.isfinite(matrix)
        if not finite.all():
            row, feature = (int(place) for place in np.argwhere(~finite)[0])
            name = self.feature_names[feature]
            raise DataError(f"{table.place(row, name)}: too far from training's values for {matrix.dtype}")


def _numbers_as_text(table: Table, used: Sequence[ColumnEncoder]) -> list[str]:
    """Notes on text of a typed source that reads as numbers: what it was taken for, and how it is told."""
    if not table.typed:
        return []
    given = table.frame.schema
    texts = [each for each in used if given[each.name] == pl.String and each.name not in table.categories]
    read = [repr(encoder.name) for encoder in texts if isinstance(encoder, NumberEncoder)]
    kept = [
        repr(encoder.name)
        for encoder in texts
        if isinstance(encoder, CategoryEncoder) and table.number_columns.get(encoder.name) is not None
    ]
    return [
        f"text that reads as numbers was {fate} in {listing(names, 10)}; {remedy}"
        for names, fate, remedy in (
            (read, "read as numbers", "make it a category where it is one"),
            (kept, "kept as categories", "convert it where it is numbers"),
        )
        if names
    ]


Encoder = TableEncoder | ImageEncoder


def fit_encoder(dataset: Dataset) -> Encoder:
    """The encoder that suits the dataset, fitted on all its rows."""
    return ImageEncoder.fit(dataset) if dataset.images is not None else TableEncoder.fit(dataset)


def encoder_from_json(described: dict[str, Any]) -> Encoder:
    """An encoder by its ``kind``, the name of its class. Raises ModelFileError for any other."""
    kinds: dict[object, type[TableEncoder] | type[ImageEncoder]] = {
        "TableEncoder": TableEncoder,
        "ImageEncoder": ImageEncoder,
    }
    kind = described.get("kind")
    if kind not in kinds:
        raise ModelFileError(f"the model file holds an encoder of unknown kind {kind!r}")
    return kinds[kind].from_json(described)


def _why_none(dataset: Dataset) -> str:
    """Why each column cannot be used, the first few of them."""
    reasons = [
        f"{column.name}: {'constant in the training rows' if column.used else column.note}"
        for column in dataset.columns
        if column.name != dataset.target
    ]
    more = f"; and {len(reasons) - _MOST_REASONS:,} more" if len(reasons) > _MOST_REASONS else ""
    return "; ".join(reasons[:_MOST_REASONS]) + more if reasons else "there is none besides the target"
