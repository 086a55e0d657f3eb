"""Rows to learn from: a table with columns of known kinds, or images, and the target of each row."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.kinds import Column, infer_columns
from descend.data.number_format import NumberFormat
from descend.data.table import Table, listing
from descend.errors import DataError

_MOST_WORDS = 5


class ColumnKinds:
    """The kinds of a table's columns, inferred when first asked for: predicting does not need them."""

    def __init__(self, table: Table, ignore: Collection[str] = ()) -> None:
        self._table = table
        self._ignore = tuple(ignore)

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """See ``infer_columns``, with its errors."""
        return infer_columns(self._table, self._ignore)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a source holds, understood.

    Exactly one of ``table`` and ``images`` is there.

    name : what messages call it.
    kinds : the kinds of the whole table's columns; None for images.
    target : the column to predict, or None where none is named and the source does not know its own.
    labels : the target's value in every row, (rows,), in the user's own type; None without a target.
    table : the cells.
    images : (rows, height·width·channels) uint8, row by row from the top, channels last.
    image_shape : (height, width, channels) of every image.
    grey_bits : bits that the values of grey images of 16 bits filled before they became 8-bit.
    notes : what was done while reading and what the user should know.
    validation_rows, test_rows : rows that the source itself keeps for these parts, ascending; None where it
        has none.
    row_names : what each row is called, such as its file's path inside the folder; None where rows have
        no names.
    unit : sign of the target's unit, such as ``$``, where the source knows it.
    target_format : how the target's numbers are written; None where the target holds none.
    """

    name: str
    kinds: ColumnKinds | None = None
    target: str | None = None
    labels: pl.Series | None = None
    table: Table | None = None
    images: NDArray[np.uint8] | None = None
    image_shape: tuple[int, int, int] | None = None
    grey_bits: int = 16
    notes: tuple[str, ...] = ()
    validation_rows: NDArray[np.int64] | None = None
    test_rows: NDArray[np.int64] | None = None
    row_names: tuple[str, ...] | None = None
    unit: str = ""
    target_format: NumberFormat | None = None

    @property
    def rows(self) -> int:
        """Number of rows."""
        if self.images is not None:
            return len(self.images)
        return 0 if self.table is None else self.table.rows

    @property
    def columns(self) -> tuple[Column, ...]:
        """The table's columns that were not ignored, the target among them; () for images.

        Raises DataError, when first asked for, where ``infer_columns`` does.
        """
        return () if self.kinds is None else self.kinds.columns

    @property
    def features(self) -> tuple[Column, ...]:
        """The columns a network learns from: neither the target nor left out."""
        return tuple(column for column in self.columns if column.used and column.name != self.target)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all values and column names, 64 hexadecimal digits: the same from any folder."""
        if self.table is not None:
            return self.table.fingerprint()
        digest = hashlib.sha256(repr(self.image_shape).encode())
        assert self.images is not None
        digest.update(np.ascontiguousarray(self.images).data)
        if self.labels is not None:
            labels = Table(self.labels.to_frame(), self.name)
            digest.update(labels.fingerprint().encode())
        if self.validation_rows is not None:  # the same images under another name of their folder
            digest.update(self.validation_rows.tobytes())
        return digest.hexdigest()

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """The dataset of these rows, in their order, with the kinds of the whole; ``rows`` (n,).

        Images that follow one another are a view of the whole's.
        """
        return replace(
            self,
            table=None if self.table is None else self.table.take(rows),
            images=None if self.images is None else _images_of(self.images, rows),
            labels=None if self.labels is None else self.labels[rows],
            validation_rows=None,
            test_rows=None,
            row_names=None if self.row_names is None else tuple(self.row_names[row] for row in rows.tolist()),
        )

    def with_known_target(self) -> Dataset:
        """The rows whose target is not missing; a note says how many others there were.

        Raises DataError where no target is named (with the columns to choose from) or no row has one.
        """
        if self.labels is None or self.target is None:
            names = () if self.table is None else self.table.frame.columns
            raise DataError(f"{self.name}: name the column to predict (--target); columns: {listing(names)}")
        missing = self.labels.null_count()
        if missing == 0 and self.rows:
            return self
        if missing == self.rows:
            raise DataError(
                f"{self.name}: the target {self.target!r} is missing in every row; fill it in, or name "
                "another target"
            )
        known = self.labels.is_not_null().to_numpy()
        test_rows = None
        if self.test_rows is not None:
            test_rows = (np.cumsum(known) - 1)[self.test_rows[known[self.test_rows]]]
        rows, were = ("row", "was") if missing == 1 else ("rows", "were")
        kept = replace(self.take(np.flatnonzero(known)), test_rows=test_rows)
        note = f"{missing:,} {rows} whose target is missing {were} left out{self.missing_words()}"
        return replace(kept, notes=(*self.notes, note))

    def missing_words(self) -> str:
        """Part of a message: the words that a text file has in the target's missing cells, "" of none."""
        found = {} if self.table is None else self.table.missing_words.get(str(self.target), {})
        if not found:
            return ""
        times = [f"{word!r} {'once' if count == 1 else f'{count:,} times'}" for word, count in found.items()]
        shown = listing(times, _MOST_WORDS)
        decimals = self.labels is not None and self.labels.dtype == pl.Float64
        remedy = "" if decimals else "; if that is a class, give it another word"
        return f" (written as {shown}{remedy})"

    def numbers(self) -> NDArray[np.float64]:
        """The target as numbers in its own units, (rows,) float64.

        Raises DataError where it is absent, not a number, or missing in a row.
        """
        labels = self.known_labels()
        if not (labels.dtype.is_numeric() or labels.dtype == pl.Boolean):
            raise DataError(
                f"{self.name}: the target {self.target!r} holds {_plainly(labels)}, for instance "
                f"{str(labels[0])!r}, and cannot be predicted as a number"
            )
        return labels.cast(pl.Float64).to_numpy()

    def known_labels(self) -> pl.Series:
        """The target of every row. Raises DataError where there is none, or a row has none."""
        labels = self.with_known_target().labels
        assert labels is not None
        if len(labels) != self.rows:
            assert self.labels is not None
            row = int(self.labels.is_null().arg_max() or 0)
            place = f"{self.name}, row {row + 1:,}" if self.table is None else self.place(row)
            raise DataError(f"{place}: the target is missing")
        return labels

    def place(self, row: int) -> str:
        """Beginning of a message about the target in one row, which counts from 0."""
        if self.table is not None and self.target in self.table.frame.columns:
            return self.table.place(row, str(self.target))
        if self.row_names is not None:
            return f"{self.name}/{self.row_names[row]}"
        return f"{self.name}, row {row + 1:,}"


def _images_of(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    if len(rows) and (np.diff(rows) == 1).all():
        return images[rows[0] : rows[-1] + 1]
    return images[rows]


def _plainly(labels: pl.Series) -> str:
    return "text" if labels.dtype == pl.String else "dates"
