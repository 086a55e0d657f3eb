"""What kind of column each one is: inferred from its cells, and shown to the user."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from descend.data import cells as reading
from descend.data.table import Table
from descend.errors import DataError

Kind = Literal["number", "category", "yes/no", "date", "identifier", "constant"]
LEFT_OUT = ("identifier", "constant")

RULES = f"""\
- A cell of a text file is missing when it is empty or one of {" ".join(reading.MISSING[1:])}.
- number: every cell reads as a number. Where at least nine cells in ten do and one does not, that one
  is an error, not a category.
- yes/no: yes/no values, the whole numbers 0 and 1, or two words such as yes and no or true and false,
  in any case.
- date: every cell reads as a date, ISO or one of the common ways of writing it.
- identifier (left out): text of which at least nine cells in ten are different, from ten cells on;
  whole numbers that are all different in a column named as an identifier (id, index, no, ..._id) or
  not named at all.
- category: any other text, and whole numbers written with leading zeros to one length.
- constant (left out): one value throughout, or none at all."""

_MOSTLY = 0.9
_FEWEST_NAMES = 10
_MOST_CODES = 20  # different whole numbers that text of a typed source may hold and be categories
_MOST_SPELLINGS = 6  # yes, Yes, YES, no, No, NO
_ID_NAME = re.compile(r"(.*[\s_-])?(id|index|idx|uuid|rowid|row|no|nr|number|编号|序号)|#|column \d+", re.I)
_CAMEL_ID = re.compile(r".*[a-z](Id|ID)")
_MAYBE_DATE = r"^\d{1,4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name, its kind, and in ``note`` what the user should know of it.

    ``date_format`` says how a text file writes its dates, None elsewhere.
    """

    name: str
    kind: Kind
    note: str = ""
    date_format: str | None = None

    @property
    def used(self) -> bool:
        """Whether a network can learn from it."""
        return self.kind not in LEFT_OUT


def infer_columns(table: Table, ignore: Collection[str] = ()) -> tuple[Column, ...]:
    """The kind of every column that is not ignored.

    The rules are those of ``RULES``, taken in the order constant, number, yes/no, date, identifier,
    category. Raises DataError for a stray cell in a column that is otherwise numbers or dates, for an
    infinite number, and for a type that cannot be learned from.
    """
    names = [name for name in table.frame.columns if name not in ignore]
    plain = _plain_numbers(table, names)
    return tuple(plain.get(name) or infer_column(table, name) for name in names)


def infer_column(table: Table, name: str) -> Column:
    """The kind of one column; see ``infer_columns``."""
    cells = typed(table, name, f", or leave the column out (--ignore {shlex.quote(name)})")
    present = cells.drop_nulls()
    if not len(present):
        return Column(name, "constant", "every cell is missing")
    if len(present) == len(cells) and (present == present[0]).all():
        return Column(name, "constant", f"every cell is {str(present[0])!r}")
    if cells.dtype == pl.Boolean:
        return Column(name, "yes/no")
    if name in table.categories and cells.dtype != pl.String:
        return _category_column(name, present)
    if cells.dtype.is_numeric():
        return _number_column(table, name, present)
    if isinstance(cells.dtype, pl.Datetime | pl.Date):
        return Column(name, "date", _date_note(present))
    return _text_column(table, name, cells, present)


def _plain_numbers(table: Table, names: Collection[str]) -> dict[str, Column]:
    """The columns that are plainly numbers, or 0 and 1, understood together."""
    schema, found = table.frame.schema, table.number_columns
    looked = [
        name for name in names
        if name in found.places and name not in table.categories and not _named_as_identifier(name)
    ]  # fmt: skip
    texts = [name for name in looked if schema[name] == pl.String]
    whole = {name for name in looked if schema[name].is_integer()}
    codes = set(texts)
    if texts and not table.typed:
        text = table.frame.select(texts)
        lengths = pl.all().str.len_chars()
        padded = pl.all().str.contains(reading.PADDED).any() & (lengths.min() == lengths.max())
        codes = {name for name, is_code in zip(texts, text.select(padded).row(0), strict=True) if is_code}
        unread = text.select(pl.all().cast(pl.Int64, strict=False)).null_count().row(0)
        whole |= {
            name for name, *counts in zip(texts, unread, text.null_count().row(0), strict=True)
            if counts[0] == counts[1]
        }  # fmt: skip
    looked = [name for name in looked if name not in codes]
    if not looked:
        return {}
    columns = {}
    for name in looked:
        values = found.values[found.places[name]]
        least, most = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        if not (-(2.0**63) < least < most < 2.0**63):  # of one value, missing throughout, or very large
            continue
        zero_one = name in whole and (least, most) == (0, 1)
        columns[name] = Column(name, "yes/no", "0 and 1") if zero_one else Column(name, "number")
    return columns


def _named_as_identifier(name: str) -> bool:
    return bool(_ID_NAME.fullmatch(name) or _CAMEL_ID.fullmatch(name))


def typed(table: Table, name: str, remedy: str = "") -> pl.Series:
    """One column in the type its cells have; ``remedy`` ends the message about a cell that is no number.

    Text files: int64 or int128 where all cells are whole numbers, float64 where all are numbers, else
    text. Other sources keep their own types; text is read as numbers only where it has decimals or too many
    different values to be codes. Raises DataError for a stray cell among numbers and for an infinite number.
    """
    cells = table.column(name)
    if cells.dtype == pl.Float64:
        reading.check_finite(table, name, cells, cells)
    if cells.dtype != pl.String or name in table.categories:
        return cells
    if table.typed:
        return _numbers_as_text(table, name)
    values = reading.parsed_numbers(cells)
    missing = cells.null_count()
    present = len(cells) - missing
    read = present - (values.null_count() - missing)
    if present and read == present:
        if reading.is_padded_code(cells):
            return cells
        return _narrowed(table, name, cells, values)
    row = reading.first_unread(cells, values)
    if row is not None and read >= _MOSTLY * present:
        raise reading.refuse_number(table, name, row, cells[row], remedy)
    if present:
        _refuse_decorated(table, name, cells, remedy)
    return cells


def _numbers_as_text(table: Table, name: str) -> pl.Series:
    """Text of a typed source: as numbers where all of it reads so and is no code, else as it is."""
    cells = reading.words(table, name)
    values = reading.parsed_numbers(cells)
    if values.null_count() > cells.null_count() or not len(values.drop_nulls()):
        return table.column(name)
    decimals = bool((values != values.round()).any())
    if reading.is_padded_code(cells) or not (decimals or values.n_unique() > _MOST_CODES):
        return table.column(name)
    return _narrowed(table, name, cells, values)


def _narrowed(table: Table, name: str, cells: pl.Series, values: pl.Series) -> pl.Series:
    """Whole numbers exactly, other numbers as float64."""
    whole_numbers = bool((values == values.round()).all())
    for dtype in (pl.Int64(), pl.Int128()) if whole_numbers else ():
        whole = cells.cast(dtype, strict=False)
        if whole.null_count() == cells.null_count():
            return whole
    reading.check_finite(table, name, values, cells)
    return values


def _refuse_decorated(table: Table, name: str, cells: pl.Series, remedy: str) -> None:
    decorated = reading.is_decorated(cells)
    if (decorated.sum() or 0) >= _MOSTLY * (len(cells) - cells.null_count()):
        plain = reading.parsed_numbers(cells)
        row = reading.first_unread(cells, plain)
        if row is not None:
            raise reading.refuse_number(table, name, row, cells[row], remedy)


def _number_column(table: Table, name: str, present: pl.Series) -> Column:
    if not present.dtype.is_integer():
        return Column(name, "number")
    if present.min() == 0 and present.max() == 1:
        return Column(name, "yes/no", "0 and 1")
    if _named_as_identifier(name) and len(present) == table.rows and present.n_unique() == len(present):
        return Column(
            name, "identifier", "left out: whole numbers that are all different, named as an identifier"
        )
    return Column(name, "number")


def _text_column(table: Table, name: str, cells: pl.Series, present: pl.Series) -> Column:
    distinct = present.n_unique()
    if distinct <= _MOST_SPELLINGS:
        values = present.unique().sort().to_list()
        folded = {value.casefold() for value in values}
        if len(folded) == 2 and {reading.YES_NO.get(word) for word in folded} == {True, False}:
            return Column(name, "yes/no", " and ".join(values))
    date_format = _date_format(table, name, cells, present)
    if date_format is not None:
        return Column(
            name, "date", _date_note(reading.parsed_dates(present, date_format), date_format), date_format
        )
    return _category_column(name, present)


def _category_column(name: str, present: pl.Series) -> Column:
    distinct = present.n_unique()
    if len(present) >= _FEWEST_NAMES and distinct >= _MOSTLY * len(present):
        held = "texts" if present.dtype == pl.String else "values"
        note = f"left out: {distinct:,} different {held} in {len(present):,} cells"
        return Column(name, "identifier", note)
    return Column(name, "category", f"{distinct:,} different")


def _date_format(table: Table, name: str, cells: pl.Series, present: pl.Series) -> str | None:
    if (present.str.contains(_MAYBE_DATE).sum() or 0) < _MOSTLY * len(present):
        return None
    sample = present.head(200)
    counts = {
        each: len(sample) - reading.parsed_dates(sample, each).null_count() for each in reading.DATE_FORMATS
    }
    likely = [each for each, count in counts.items() if count >= _MOSTLY * len(sample)]
    best: tuple[int, str, pl.Series] | None = None
    for each in likely:
        dates = reading.parsed_dates(cells, each)
        read = len(dates) - dates.null_count()
        if best is None or read > best[0]:
            best = (read, each, dates)
    if best is None or best[0] < _MOSTLY * len(present):
        return None
    row = reading.first_unread(cells, best[2])
    if row is not None:
        raise DataError(
            f"{table.place(row, name)}: {cells[row]!r} is not a date written as {best[1]}, "
            "as the others are; mend the cell, leave it empty, or leave the column out "
            f"(--ignore {shlex.quote(name)})"
        )
    return best[1]


def _date_note(dates: pl.Series, date_format: str | None = None) -> str:
    days = dates.cast(pl.Date)
    written = f", read as {date_format}" if date_format else ""
    return f"{days.min()!s} to {days.max()!s}{written}"
