"""What kind of column each one is: inferred from its cells, and shown to the user."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from descend.data import cells as reading
from descend.data.date_format import DateFormat
from descend.data.date_understanding import Dates, understand_dates
from descend.data.identifiers import counts_rows, named_as_counter, named_as_identifier
from descend.data.missing import MISSING, without
from descend.data.number_columns import blocks, end_to_end
from descend.data.number_format import NumberFormat, plain_numbers
from descend.data.number_understanding import MOSTLY, OddCell, understand_numbers, unread_number
from descend.data.table import Table, listing, time_zone
from descend.errors import DataError

Kind = Literal["number", "category", "yes/no", "date", "identifier", "constant"]
LEFT_OUT = ("identifier", "constant")

RULES = f"""\
- A cell of a text file is missing when it is empty or one of {" ".join(MISSING[1:])}; among numbers and dates
  also where all cells that are none say one and the same, such as . or unknown.
- number: every cell reads as a number, also with one unit throughout (12 kg, 5 %, $1,234.50). Where at least
  nine cells in ten do and one does not, that one is an error, not a category.
- yes/no: yes/no values, the whole numbers 0 and 1, or two words such as yes and no or true and false,
  in any case.
- date: every cell reads as a date, ISO or one of the common ways of writing it.
- identifier (left out): text of which at least nine cells in ten are different, from ten cells on;
  whole numbers that are all different in a column named as an identifier (id, index, no, ..._id) or
  not named at all.
- category: any other text, and whole numbers written with leading zeros to one length.
- constant (left out): one value throughout, or none at all."""

_FEWEST_NAMES = 10
_MOST_CODES = 20  # different whole numbers that text of a typed source may hold and be categories
_MOST_SPELLINGS = 6  # yes, Yes, YES, no, No, NO
_EXACT = 2.0**53  # float64 tells whole numbers apart up to here
_COLUMNS_TO_SPARE = 3  # a table of two columns cannot do without one that counts its rows


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name, its kind, and in ``note`` what the user should know of it.

    remark : what was guessed, or read otherwise than it is written, in a line; "" for nothing.
    number_format : how a text file writes its numbers where not as Python does, else None.
    date_format : how its dates are written; None where the column holds none.
    """

    name: str
    kind: Kind
    note: str = ""
    remark: str = ""
    number_format: NumberFormat | None = None
    date_format: DateFormat | None = None

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
    ignored = frozenset(ignore)
    names = [name for name in table.frame.columns if name not in ignored]
    plain = _plain_numbers(table, names)
    return tuple(plain.get(name) or infer_column(table, name) for name in names)


def infer_column(table: Table, name: str) -> Column:
    """The kind of one column; see ``infer_columns``."""
    found = typed(table, name, f", or leave the column out (--ignore {shlex.quote(name)})")
    cells, remark = found.cells, found.remark
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
        column = _number_column(table, name, present)
        remarks = "; ".join(filter(None, (remark, column.remark)))
        written = found.number_format
        return replace(column, remark=remarks, number_format=None if written == NumberFormat() else written)
    if isinstance(cells.dtype, pl.Datetime | pl.Date):
        zone = time_zone(table.frame.get_column(name).dtype)
        return Column(name, "date", _date_note(present), date_format=DateFormat(zone=zone))
    return _text_column(table, name, cells)


def _plain_numbers(table: Table, names: Collection[str]) -> dict[str, Column]:
    """The columns that are plainly numbers, or 0 and 1, understood together."""
    found = table.number_columns
    looked = [
        name for name in names
        if name in found.places and name not in table.categories and not named_as_counter(name)
    ]  # fmt: skip
    if not looked or not table.rows:
        return {}
    places = np.array([found.places[name] for name in looked])
    least = np.fmin.reduce(found.values, axis=1)[places]
    most = np.fmax.reduce(found.values, axis=1)[places]
    counting = counts_rows(found.values)[places]
    with np.errstate(invalid="ignore"):
        # Others are of one value, missing throughout, very large, or perhaps row numbers.
        plain = (least > -_EXACT) & (least < most) & (most < _EXACT) & ~counting
    columns = {}
    codes = _padded_codes(table, [name for name, each in zip(looked, plain, strict=True) if each])
    for name, each, low, high in zip(looked, plain, least, most, strict=True):
        if each and name not in codes:
            zero_one = (low, high) == (0, 1) and _is_whole(table, name)
            written = table.pointed.get(name)
            columns[name] = (
                Column(name, "yes/no", "0 and 1")
                if zero_one
                else Column(name, "number", number_format=written)
            )
    return columns


def _padded_codes(table: Table, names: Collection[str]) -> set[str]:
    """Those of the columns whose text is whole numbers with leading zeros to one length."""
    if table.typed:
        return set(names) & {name for name, dtype in table.frame.schema.items() if dtype == pl.String}
    codes: set[str] = set()
    for columns in blocks([table.frame.get_column(name) for name in names], table.rows):
        cells = end_to_end(columns)
        lengths = cells.str.len_bytes().to_numpy().reshape(len(columns), -1)
        one_length = np.fmin.reduce(lengths, axis=1) == np.fmax.reduce(lengths, axis=1)
        codes.update(
            series.name for series, same in zip(columns, one_length, strict=True)
            if same and reading.is_padded_code(series)
        )  # fmt: skip
    return codes


def _is_whole(table: Table, name: str) -> bool:
    """Whether a column of numbers is written without decimals."""
    cells = table.frame.get_column(name)
    if cells.dtype != pl.String:
        return cells.dtype.is_integer()
    return cells.cast(pl.Int64, strict=False).null_count() == cells.null_count()


@dataclass(frozen=True)
class TypedCells:
    """A column in the type its cells have.

    cells : int64, int128 or float64 where text was read as numbers, else as the source has it.
    remark : what was read otherwise than it is written, in a line; "" for nothing.
    number_format : how its numbers are written, None where it holds none.
    """

    cells: pl.Series
    remark: str = ""
    number_format: NumberFormat | None = None


def typed(table: Table, name: str, remedy: str = "", number_format: NumberFormat | None = None) -> TypedCells:
    """One column in the type its cells have; ``remedy`` ends the message about a cell that is no number.

    Text files: int64 or int128 where all cells are whole numbers, float64 where all are numbers, else
    text. Other sources keep their own types; text is read as numbers only where it has decimals, is written
    otherwise than Python writes numbers, or has too many different values to be codes.

    number_format : how its numbers are written, where that is known; None to find it out.

    Raises DataError for a stray cell among numbers and for an infinite number.
    """
    cells = table.column(name)
    if cells.dtype == pl.Float64:
        reading.check_finite(table, name, cells, cells)
    if cells.dtype != pl.String or name in table.categories:
        return TypedCells(cells, number_format=NumberFormat() if cells.dtype.is_numeric() else None)
    if number_format is not None:
        values = pl.Series(name, reading.numbers(table, name, number_format)).fill_nan(None)
        digits = values if number_format.dressed else without(cells, number_format.missing)
        return TypedCells(_narrowed(table, name, digits, values), number_format=number_format)
    present = without(cells)
    values = plain_numbers(present)
    if not len(present.drop_nulls()):
        return TypedCells(cells)
    if values.null_count() == present.null_count():
        codes = table.typed and bool((values == values.round()).all()) and values.n_unique() <= _MOST_CODES
        if codes or reading.is_padded_code(present):
            return TypedCells(cells)
        written = table.pointed.get(name, NumberFormat())
        return TypedCells(_narrowed(table, name, present, values), number_format=written)
    understood = understand_numbers(present.drop_nulls())
    if isinstance(understood, OddCell):
        raise _refuse(table, name, cells, understood, remedy)
    if understood is None:
        return TypedCells(cells)
    known = without(cells, understood.missing)
    values = understood.read(known)
    digits = values if understood.dressed else known
    return TypedCells(_narrowed(table, name, digits, values), _remark(cells, values, understood), understood)


def _refuse(table: Table, name: str, cells: pl.Series, odd: OddCell, remedy: str) -> DataError:
    row = int((cells == odd.text).arg_max() or 0)
    return DataError(f"{table.place(row, name)}: {odd.text!r} {odd.fault}{remedy}")


def _narrowed(table: Table, name: str, cells: pl.Series, values: pl.Series) -> pl.Series:
    """Whole numbers exactly, other numbers as float64.

    cells : the text of ``values``, or these themselves where the text is not written as Python does.
    """
    whole_numbers = bool((values == values.round()).all())
    for dtype in (pl.Int64(), pl.Int128()) if whole_numbers else ():
        whole = cells.cast(dtype, strict=False)
        if whole.null_count() == values.null_count():
            return whole
    reading.check_finite(table, name, values, cells)
    return values


def _remark(cells: pl.Series, values: pl.Series, written: NumberFormat) -> str:
    """How the column was read, by an example, and which words were taken for missing."""
    parts = []
    other = values.is_not_null() & plain_numbers(cells).is_null()
    if other.any():
        texts, numbers = cells.filter(other), values.filter(other)
        longest = int(texts.str.len_chars().arg_max() or 0)
        parts.append(f"{texts[longest]!r} is read as {numbers[longest]:.15g}")
    return "; ".join(filter(None, (*parts, _missing_remark(cells, written.missing))))


def _missing_remark(cells: pl.Series, words: tuple[str, ...]) -> str:
    """Which words beyond the general ones were taken for missing, and how often; "" for none."""
    if not words:
        return ""
    count = int(cells.is_in(words).sum())
    were = "is" if len(words) == 1 else "are"
    where = "1 cell" if count == 1 else f"{count:,} cells"
    return f"{listing([repr(word) for word in words], 5)} {were} read as missing, in {where}"


def _number_column(table: Table, name: str, present: pl.Series) -> Column:
    whole = present.dtype.is_integer()
    if whole and present.min() == 0 and present.max() == 1:
        return Column(name, "yes/no", "0 and 1")
    different = whole and len(present) == table.rows and present.n_unique() == len(present)
    counting = len(present) == table.rows and bool(counts_rows(present.cast(pl.Float64).to_numpy()[None])[0])
    if (named_as_identifier(name) and different) or (
        named_as_counter(name) and counting and table.frame.width >= _COLUMNS_TO_SPARE
    ):
        return Column(
            name, "identifier", "left out: whole numbers that are all different, named as an identifier"
        )
    if counting and table.frame.width >= _COLUMNS_TO_SPARE:
        remark = "counts the rows from the first to the last; if it tells no more, leave it out (--ignore "
        return Column(name, "number", remark=f"{remark}{shlex.quote(name)})")
    if whole and present.abs().max() > _EXACT:  # type: ignore[operator]
        return Column(name, "number", remark="whole numbers beyond 2^53: neighbours cannot be told apart")
    return Column(name, "number")


def _text_column(table: Table, name: str, cells: pl.Series) -> Column:
    present = cells.drop_nulls()
    distinct = present.n_unique()
    if distinct <= _MOST_SPELLINGS:
        values = present.unique().sort().to_list()
        folded = {value.casefold() for value in values}
        if len(folded) == 2 and {reading.YES_NO.get(word) for word in folded} == {True, False}:
            return Column(name, "yes/no", " and ".join(values))
    dates = understand_dates(without(present).drop_nulls())
    if isinstance(dates, OddCell):
        raise _refuse(table, name, cells, dates, f", or leave the column out (--ignore {shlex.quote(name)})")
    if dates is not None:
        return _date_column(name, cells, dates)
    odd, remark = unread_number(present), ""
    if odd is not None:
        remark = f"its cells hold numbers in a form that is not read, such as {odd!r}; write them plainly"
    return replace(_category_column(name, present), remark=remark)


def _category_column(name: str, present: pl.Series) -> Column:
    distinct = present.n_unique()
    if len(present) >= _FEWEST_NAMES and distinct >= MOSTLY * len(present):
        held = "texts" if present.dtype == pl.String else "values"
        note = f"left out: {distinct:,} different {held} in {len(present):,} cells"
        return Column(name, "identifier", note)
    return Column(name, "category", f"{distinct:,} different")


def _date_column(name: str, cells: pl.Series, dates: Dates) -> Column:
    remarks = filter(None, (dates.doubt, _missing_remark(cells, dates.declared.missing)))
    note = f"{_date_note(dates.moments)}, read as {dates.declared.order}"
    return Column(name, "date", note, "; ".join(remarks), date_format=dates.declared)


def _date_note(dates: pl.Series) -> str:
    days = dates.cast(pl.Date)
    return f"{days.min()!s} to {days.max()!s}"
