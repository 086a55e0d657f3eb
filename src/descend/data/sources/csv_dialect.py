"""How a text table is written: what separates its cells, what quotes them, and which lines stand above it.

What is unusual is written anew in the usual way, line for line, so that one reader is enough for all.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from descend.data.sources.csv_structure import is_well_quoted

_USUAL = ("\t", ";", "|", ",")  # where two fit alike, the one that is rarer within cells
_UNUSUAL = ("^", "~", ":")  # only where the whole table is of one width
_BLANKS = " "
_OWN = {".tsv": "\t", ".tab": "\t", ".psv": "|"}  # the separators of endings
_SAMPLE, _RECORDS = 65_536, 200  # bytes and records at the beginning that are looked at
_TITLES = 10  # records at most that stand above a header
_NUMBER = re.compile(r"[+-]?[$€£¥]?(\d[\d.,]*)?\d([eE][+-]?\d+)?%?")
_SEPARATOR_LINE = re.compile(rb'\s*"?sep=(.)"?[^\n\w]*\n', re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """The characters between cells and around them, and notes on what was found."""

    separator: str
    quote: str = '"'
    notes: tuple[str, ...] = ()


def usual_form(data: bytes, ending: str) -> tuple[bytes, Dialect]:
    """The text in a form that one reader understands, line for line, and its dialect.

    data : UTF-8 whose lines end in \\n. ending : of the file's name, which decides where separators tie.
    """
    notes: list[str] = []
    named = _SEPARATOR_LINE.match(data)
    if named:
        separator = named[1].decode("latin-1")
        notes.append(f"the first line, sep={separator}, names the separator and is no header")
        data = b"\n" * named[0].count(b"\n") + data[named.end() :]
    else:
        separator = find_separator(data, ending)
    if separator == _BLANKS:
        data, separator = _blanks_as_tabs(data), "\t"
        notes.append("columns are separated by blanks")
    elif separator in _UNUSUAL:
        notes.append(f"columns are separated by {separator!r}")
    data, quote, quoting = _usual_quotes(data, separator)
    notes += quoting
    data, titles = _without_titles(data, separator, quote)
    notes += titles
    return data, Dialect(separator, quote, tuple(notes))


def find_separator(data: bytes, ending: str = "") -> str:
    """The separator that divides the first records most evenly into the plainest cells."""
    sample = _sample(data)
    own = _OWN.get(ending)
    order = sorted(_USUAL, key=lambda separator: separator != own)
    scores = {separator: _evenness(_records(sample, separator)) for separator in order}
    blanks = _records(_blanks_as_tabs(sample.encode()).decode(), "\t")
    widths = {len(cells) for cells in blanks[1:]}
    if len(widths) == 1 and len(blanks[0]) >= 2 and len(blanks[0]) in (*widths, *(n - 1 for n in widths)):
        cells = [cell for row in blanks[1:] for cell in row]
        if sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) >= len(cells) / 2:
            scores[_BLANKS] = 0.9 * _evenness(blanks)
    best = max(scores, key=lambda separator: scores[separator])
    if scores[best] > 0:
        return best
    for separator in _UNUSUAL:
        records = _records(sample, separator)
        if len(records[0]) > 1 and len({len(record) for record in records}) == 1:
            return separator
    return ","


def _sample(data: bytes) -> str:
    sample = data[:_SAMPLE]
    cut = sample.rfind(b"\n")
    if len(data) > _SAMPLE and cut > 0:
        sample = sample[:cut]
    return sample.decode("utf-8", "ignore")


def _records(sample: str, separator: str, quote: str = '"') -> list[list[str]]:
    """The first records that are not blank."""
    reader = csv.reader(sample.split("\n"), delimiter=separator, quotechar=quote, skipinitialspace=True)
    found = []
    for record in reader:
        if record:
            found.append(record)
        if len(found) == _RECORDS:
            break
    return found or [[""]]


def _evenness(records: list[list[str]]) -> float:
    """From 0 to 1: the share of records of one width, times how plain their cells are.

    It counts a quarter where the header is of another width or beneath a title, and nothing where the
    header is not divided.
    """
    titles = _titles(records)
    records = records[titles:]
    widths = [len(record) for record in records]
    counts = Counter(widths)
    common = max(counts, key=lambda width: (counts[width], width == widths[0]))
    if common < 2 or widths[0] < 2:
        return 0.0
    body = [record for record in records[1:] if len(record) == common] or records[:1]
    plain = [_plainness(cell) for record in body for cell in record]
    fits = 1.0 if widths[0] == common and not titles else 0.25
    return fits * counts[common] / len(widths) * sum(plain) / len(plain)


def _plainness(cell: str) -> float:
    """How likely a cell ends where it does: numbers most, text with other separators least."""
    cell = cell.strip()
    if _is_plain_number(cell):
        return 1.0
    if not re.search(r"[\t;|,]", cell):
        return 0.9
    return 0.6 if re.search(r", ", cell) and not re.search(r"[\t;|]|,\S", cell) else 0.3


def _blanks_as_tabs(data: bytes) -> bytes:
    """Runs of blanks as one tab each, but for those in quotes and at the ends of lines."""
    if b'"' not in data:
        data = re.sub(rb"[ \t]+", b"\t", data)
    else:
        data = re.sub(rb'("[^"]*")|[ \t]+', lambda found: found[1] or b"\t", data)
    return re.sub(rb"(?m)^\t|\t$", b"", data)


def _usual_quotes(data: bytes, separator: str) -> tuple[bytes, str, list[str]]:
    """The text with quotes as RFC 4180 has them, where they can be brought to that; the quote; notes."""
    if b'"' not in data:
        lines = data.count(b"\n")
        if data.count(b"'") >= max(2, lines) and is_well_quoted(data, separator, "'"):
            return data, "'", ["cells stand in single quotes, which were left out"]
        return data, '"', []
    if is_well_quoted(data, separator):
        return data, '"', []
    mark = re.escape(separator.encode())
    beside = rb'(?m)(^|%b)[ ]*("(?:[^"]|"")*")[ ]*(?=%b|$)' % (mark, mark)
    stripped = re.sub(beside, rb"\1\2", data)
    if is_well_quoted(stripped, separator):
        return stripped, '"', []
    if b'\\"' in data:
        doubled = re.sub(rb'\\(["\\])', lambda found: b'""' if found[1] == b'"' else b"\\", data)
        if is_well_quoted(doubled, separator):
            return doubled, '"', ["a quote after a backslash was read as a part of its cell"]
    return data, '"', []


def _without_titles(data: bytes, separator: str, quote: str) -> tuple[bytes, list[str]]:
    """The text with blank lines where titles stood above the header, and notes."""
    sample = _sample(data).split("\n")
    reader = csv.reader(sample, delimiter=separator, quotechar=quote, skipinitialspace=True)
    records = []
    for record in reader:
        if record:
            records.append((record, reader.line_num))
        if len(records) == _RECORDS:
            break
    titles = _titles([record for record, _ in records])
    if not titles:
        return data, []
    end = records[titles - 1][1]
    rest = data.split(b"\n", end)[end]
    above = [next(cell for cell in record if cell.strip()).strip() for record, _ in records[:titles]]
    shown = ", ".join(repr(title[:40]) for title in above[:2])
    return b"\n" * end + rest, [f"{shown} above the header was passed over as a title"]


def _titles(records: Sequence[list[str]]) -> int:
    """How many of the first records are titles: of one filled cell each, above a table of one width."""
    single = (sum(bool(cell.strip()) for cell in record) == 1 for record in records[:_TITLES])
    most = len(list(itertools.takewhile(bool, single)))
    return next((n for n in range(1, most + 1) if _are_titles(records[:n], records[n:])), 0)


def _are_titles(above: Sequence[list[str]], table: Sequence[list[str]]) -> bool:
    """Whether the records ``above`` stand over a header of names and rows with a column of numbers."""
    if len(table) < 2:
        return False
    width = len(table[0])
    names = not any(_is_plain_number(cell) for cell in table[0])
    even = width > 1 and all(len(record) == width for record in table)
    # A record as wide as the header may be one with unnamed columns, as a table's index has.
    apart = all(len(record) == 1 or len(record) == width > 2 for record in above)
    numbers = (all(map(_is_plain_number, cells)) and any(cells) for cells in zip(*table[1:], strict=True))
    return names and even and apart and any(numbers)


def _is_plain_number(cell: str) -> bool:
    """Whether a cell is a number or empty."""
    return not cell.strip() or bool(_NUMBER.fullmatch(cell.strip()))
