"""Text tables, in the ways spreadsheets and programs write them.

- The text is UTF-8, UTF-16, or in an older encoding that can be told; see ``text_encoding``.
- Separator, quotes and titles are found from the first records; see ``csv_dialect``.
- Quotes are those of RFC 4180; a quote inside an unquoted cell is a plain character.
- Every row must have as many cells as the header; see ``csv_header`` for what is understood beyond that.
  Blank lines are skipped.
- Between semicolons, tabs or blanks, columns of numbers with decimal commas are read with points.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from descend.data.missing import MISSING
from descend.data.number_format import NumberFormat
from descend.data.sources.csv_dialect import Dialect, usual_form
from descend.data.sources.csv_header import column_names, fitted_header
from descend.data.sources.csv_structure import find_records, is_well_quoted
from descend.data.sources.decimal_commas import with_decimal_points
from descend.data.sources.foreign_files import refuse_foreign_bytes, refuse_foreign_text
from descend.data.sources.interruptible import interruptibly
from descend.data.sources.text_encoding import as_utf8
from descend.data.sources.text_file import read_text_file
from descend.data.table import Table
from descend.errors import DataError
from descend.memory import free_memory

_PER_BYTE, _PER_CELL = 2, 60  # bytes of memory that reading takes for each byte and each cell of the text


@dataclass(frozen=True, eq=False)
class _Rows:
    """A header and the rows beneath it, as they stand in the text.

    header : its cells. body : text, a column a place. lines : (1 + rows,) of the header and each row, as an
    editor counts. quoted : whether the first cell of the first row is.
    """

    header: list[str]
    body: pl.DataFrame
    lines: NDArray[np.int64]
    quoted: bool = False


def read_csv(path: Path) -> Table:
    """A text table. Raises DataError naming file, line and what was found."""
    data = read_text_file(path)
    return interruptibly(lambda: parse_csv(data, path.name))


def parse_csv(data: bytes, name: str) -> Table:
    """The table in a text file's bytes; ``name`` is what messages call it. Raises DataError."""
    refuse_foreign_bytes(data, name)
    data, read_as = as_utf8(data, name)
    refuse_foreign_text(data, name)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data, dialect = usual_form(data, Path(name).suffix.lower())
    _check_memory(data, dialect.separator, name)
    if dialect.quote.encode() in data and not is_well_quoted(data, dialect.separator, dialect.quote):
        rows = _parse_by_hand(data, dialect, name)
    else:
        rows = _parse_whole(data, dialect, name)
    frame, lines, named = _named(rows, name)
    frame, missing_words = _cleaned(frame)
    commas: tuple[str, ...] = ()
    pointed: dict[str, NumberFormat] = {}
    if dialect.separator in (";", "\t"):
        frame, pointed, commas = with_decimal_points(frame)
    notes = (*read_as, *dialect.notes, *named, *commas)
    return Table(
        frame, name, lines, typed=False, notes=notes, missing_words=missing_words, pointed=pointed
    )  # fmt: skip


def _check_memory(data: bytes, separator: str, name: str) -> None:
    cells = data.count(b"\n") + data.count(separator.encode())
    needed, free = _PER_BYTE * len(data) + _PER_CELL * cells, free_memory()
    if needed > free:
        raise DataError(
            f"{name} holds about {cells:,} cells; reading them takes about {needed / 1e6:,.0f} MB and "
            f"{free / 1e6:,.0f} MB are free; use fewer rows or columns"
        )


def _parse_whole(data: bytes, dialect: Dialect, name: str) -> _Rows:
    """The rows where quotes stand as RFC 4180 wants them."""
    if not data.endswith(b"\n") or data.endswith(b"\n\n"):
        data = data.rstrip(b"\n") + b"\n"
    records = find_records(data, dialect.separator, dialect.quote)
    header_text = data[records.starts[0] : records.ends[0]].decode()
    lines = [*io.StringIO(header_text, newline="")]
    header = next(csv.reader(lines, delimiter=dialect.separator, quotechar=dialect.quote, strict=True))
    if len(header) > 1:
        records = records.without_blanks()
    if len(records.starts) < 2:
        raise DataError(f"{name} has a header and no rows: add them beneath it, a line each")
    _check_widths(records.cells, records.lines, name)
    if len(records.starts) == records.total:
        body = data[records.starts[1] :]
    else:
        body = b"".join(
            data[start : end + 1] for start, end in zip(records.starts[1:], records.ends[1:], strict=True)
        )
    try:
        frame = pl.read_csv(
            body,
            has_header=False,
            separator=dialect.separator,
            quote_char=dialect.quote,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{name} cannot be read: {str(error).splitlines()[0]}") from error
    return _Rows(header, frame, records.lines, body.startswith(dialect.quote.encode()))


def _parse_by_hand(data: bytes, dialect: Dialect, name: str) -> _Rows:
    """As ``_parse_whole`` for quotes elsewhere, such as inches; about ten times slower."""
    text = io.StringIO(data.decode(), newline="")
    reader = csv.reader(text, delimiter=dialect.separator, quotechar=dialect.quote, strict=True)
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
    _check_widths([len(row) for row in rows], lines, name)
    body = pl.DataFrame(
        [
            pl.Series(f"{place}", cells, dtype=pl.String)
            for place, cells in enumerate(zip(*rows[1:], strict=True))
        ]
    )
    return _Rows(rows[0], body, np.array(lines, np.int64))


def _check_widths(
    cells: NDArray[np.int64] | Sequence[int], lines: NDArray[np.int64] | Sequence[int], name: str
) -> None:
    """Raise DataError for a row unlike the header, unless all rows are so by one cell."""
    widths = np.asarray(cells)
    if (widths[1:] == widths[1]).all() and abs(int(widths[1] - widths[0])) <= 1:
        return
    odd = int(np.flatnonzero(widths != widths[0])[0])
    raise _ragged(name, int(lines[odd]), int(widths[odd]), int(widths[0]))


def _ragged(name: str, line: int, found: int, width: int, remedy: str = "mend the line") -> DataError:
    cells = "1 cell" if found == 1 else f"{found} cells"
    columns = "1 column" if width == 1 else f"{width} columns"
    return DataError(f"{name}, line {line}: {cells}, but the header has {columns}; {remedy}")


def _named(rows: _Rows, name: str) -> tuple[pl.DataFrame, NDArray[np.int64], tuple[str, ...]]:
    """The rows under the names of their columns, the line of each, and notes. Raises DataError."""
    header, body, fitted = fitted_header(rows.header, rows.body, rows.quoted)
    if len(header) != body.width:
        remedy = "mend the line" if body.height == 1 else "all rows are so: mend the header"
        raise _ragged(name, int(rows.lines[1]), body.width, len(header), remedy)
    names, is_row, named = column_names(header, body, name)
    if is_row:
        first = pl.DataFrame([header], schema=dict.fromkeys(body.columns, pl.String), orient="row")
        body = pl.concat([first, body])
    body.columns = names
    return body, rows.lines if is_row else rows.lines[1:], (*fitted, *named)


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
