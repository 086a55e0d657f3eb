"""Text tables: .csv .tsv .txt, plain or gzipped, in the ways spreadsheets and programs write them.

- The separator is the one of comma, semicolon, tab and pipe that divides the first lines most evenly.
- The text is UTF-8, with or without a byte-order mark, or UTF-16 with one. GB18030 is read where the text
  is plainly Chinese, and said so. Anything else is refused by line, for a guess could change the labels.
- Quotes are those of RFC 4180; a quote inside an unquoted cell is a plain character.
- Every row must have as many cells as the header. Blank lines are skipped.
- Between semicolons or tabs, columns of numbers with decimal commas are read with points.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.cells import MISSING
from descend.data.sources.csv_structure import Records, find_records, is_well_quoted, sniff_separator
from descend.data.sources.foreign_files import refuse_foreign_bytes, refuse_foreign_text
from descend.data.sources.interruptible import interruptibly
from descend.data.sources.text_encoding import as_utf8
from descend.data.sources.text_file import read_text_file
from descend.data.table import Table, listing
from descend.errors import DataError
from descend.memory import free_memory

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_COMMA_NUMBER = r"^[+-]?\d+(,\d+)?([eE][+-]?\d+)?$"
_SURE_COMMA = r"^[+-]?(0,|\d{4,},|\d+,(\d{1,2}|\d{4,})([eE]|$))"  # no thousands are written so
_PER_BYTE, _PER_CELL = 2, 60  # bytes of memory that reading takes for each byte and each cell of the text


def read_csv(path: Path) -> Table:
    """A text table. Raises DataError naming file, line and what was found."""
    data = read_text_file(path)
    return interruptibly(lambda: parse_csv(data, path.name))


def parse_csv(data: bytes, name: str) -> Table:
    """The table in a text file's bytes; ``name`` is what messages call it. Raises DataError."""
    refuse_foreign_bytes(data, name)
    data, notes = as_utf8(data, name)
    refuse_foreign_text(data, name)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    separator = sniff_separator(data)
    _check_memory(data, separator, name)
    if b'"' in data and not is_well_quoted(data, separator):
        header, frame, lines = _parse_by_hand(data, separator, name)
    else:
        header, frame, lines = _parse_whole(data, separator, name)
    names, named = _column_names(header, name)
    frame.columns = names
    frame, missing_words = _cleaned(frame)
    european = _decimal_commas(frame) if separator in (";", "\t") else []
    if european:
        frame = frame.with_columns(pl.col(european).str.replace(",", ".", literal=True))
        columns = "column" if len(european) == 1 else "columns"
        quoted = listing([repr(each) for each in european], 5)
        named = (*named, f"{columns} {quoted}: commas were read as decimal points, 1,5 as 1.5")
    return Table(frame, name, lines, typed=False, notes=(*notes, *named), missing_words=missing_words)


def _check_memory(data: bytes, separator: str, name: str) -> None:
    cells = data.count(b"\n") + data.count(separator.encode())
    needed, free = _PER_BYTE * len(data) + _PER_CELL * cells, free_memory()
    if needed > free:
        raise DataError(
            f"{name} holds about {cells:,} cells; reading them takes about {needed / 1e6:,.0f} MB and "
            f"{free / 1e6:,.0f} MB are free; use fewer rows or columns"
        )


def _parse_whole(data: bytes, separator: str, name: str) -> tuple[list[str], pl.DataFrame, NDArray[np.int64]]:
    """Header, cells and line of each row, where quotes stand as RFC 4180 wants them."""
    if not data.endswith(b"\n") or data.endswith(b"\n\n"):
        data = data.rstrip(b"\n") + b"\n"
    records = find_records(data, separator)
    header_text = data[records.starts[0] : records.ends[0]].decode()
    header = next(csv.reader([*io.StringIO(header_text, newline="")], delimiter=separator, strict=True))
    width = len(header)
    if width > 1:
        records = records.without_blanks()
    _check_widths(records, width, name)
    if len(records.starts) < 2:
        raise DataError(f"{name} has a header and no rows: add them beneath it, a line each")
    if len(records.starts) == records.total:
        body = data[records.starts[1] :]
    else:
        body = b"".join(
            data[start : end + 1] for start, end in zip(records.starts[1:], records.ends[1:], strict=True)
        )
    try:
        frame = pl.read_csv(body, has_header=False, separator=separator, quote_char='"', infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name} cannot be read: {str(error).splitlines()[0]}") from error
    return header, frame, records.lines[1:]


def _parse_by_hand(
    data: bytes, separator: str, name: str
) -> tuple[list[str], pl.DataFrame, NDArray[np.int64]]:
    """As ``_parse_whole`` for quotes elsewhere, such as inches; about ten times slower."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{name}, line {line}: a quoted cell does not end as it should ({error})") from error
    if len(rows) < 2:
        raise DataError(f"{name} has a header and no rows: add them beneath it, a line each")
    for row, at in zip(rows, lines, strict=True):
        if len(row) != len(rows[0]):
            raise _ragged(name, at, len(row), len(rows[0]))
    frame = pl.DataFrame(
        [
            pl.Series(f"{place}", cells, dtype=pl.String)
            for place, cells in enumerate(zip(*rows[1:], strict=True))
        ]
    )
    return rows[0], frame, np.array(lines[1:], np.int64)


def _check_widths(records: Records, width: int, name: str) -> None:
    odd = np.flatnonzero(records.cells != width)
    if len(odd):
        first = int(odd[0])
        raise _ragged(name, int(records.lines[first]), int(records.cells[first]), width)


def _ragged(name: str, line: int, found: int, width: int) -> DataError:
    cells = "1 cell" if found == 1 else f"{found} cells"
    columns = "1 column" if width == 1 else f"{width} columns"
    return DataError(f"{name}, line {line}: {cells}, but the header has {columns}; mend the line")


def _decimal_commas(frame: pl.DataFrame) -> list[str]:
    """The columns whose cells are all numbers, some with a decimal comma and none with a point.

    1,250 may be a thousand and more: such columns are taken only where another one leaves no doubt.
    """
    cells = pl.all().str
    every = frame.select(cells.contains(_COMMA_NUMBER).all()).row(0)
    some = frame.select(cells.contains(",", literal=True).any()).row(0)
    sure = frame.select(cells.contains(_SURE_COMMA).any()).row(0)
    found = [name for name, *both in zip(frame.columns, every, some, strict=True) if all(both)]
    certain = {name for name, each in zip(frame.columns, sure, strict=True) if each}
    return found if certain.intersection(found) else []


def _column_names(header: list[str], table: str) -> tuple[list[str], tuple[str, ...]]:
    """Stripped names, ``column 3`` for an empty one, and notes. Raises DataError for duplicates."""
    names = [cell.strip() or f"column {place + 1}" for place, cell in enumerate(header)]
    numbers = all(re.fullmatch(_NUMBER, name) for name in names)
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        numeric = all(re.fullmatch(_NUMBER, name) for name in twice)
        remedy = "is the header line missing?" if numeric else "rename them"
        raise DataError(
            f"{table}: duplicate column names {listing([repr(name) for name in twice])}; {remedy}"
        )
    if numbers:
        return names, (
            f"the first line, {listing(names, 5)}, is taken as the header: its cells are numbers; "
            "add a header line if it is data",
        )
    return names, ()


def _cleaned(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, dict[str, int]]]:
    """Cells without surrounding blanks, missing ones as null, and the words that stood for those, counted."""
    stripped = frame.select(pl.all().str.strip_chars())
    cleaned = stripped.select(pl.all().replace(list(MISSING), None))
    empty, missing = stripped.null_count().row(0), cleaned.null_count().row(0)
    return cleaned, {
        name: _words(stripped[name].filter(cleaned[name].is_null()))
        for name, *counts in zip(frame.columns, empty, missing, strict=True)
        if counts[0] < counts[1]
    }


def _words(cells: pl.Series) -> dict[str, int]:
    """The words that are neither null nor empty, the commonest first, and how often each is met."""
    counts = cells.alias("word").drop_nulls().value_counts(name="rows").filter(pl.col("word") != "")
    return dict(counts.sort(["rows", "word"], descending=[True, False]).iter_rows())
