"""Whether a column of text holds dates, and how they are written: one reading for the whole column."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from descend.data.date_format import PIVOT, DateFormat, orders_of, read_dates
from descend.data.missing import is_missing_word
from descend.data.number_understanding import MOSTLY, OddCell

_LOOKED_AT = 200  # different texts that tell whether a column may hold dates at all
_MAYBE = r"^\D{0,12}\d{1,4}\.?[-/.年년, ].*\d"
_PAST = 1000


@dataclass(frozen=True)
class Dates:
    """Dates that were understood.

    declared : how they are written.
    moments : each different one, a datetime without a zone.
    doubt : what was guessed, in a line for the user; "" for nothing.
    """

    declared: DateFormat
    moments: pl.Series
    doubt: str


def understand_dates(cells: pl.Series) -> Dates | OddCell | None:
    """How the dates of a column are written, the cell that is in the way, or None where it holds words.

    cells : text without missing cells. Years of two digits are taken for dates only where all cells are.
    """
    if not cells.str.contains(_MAYBE).any():
        return None
    counted = cells.alias("text").to_frame().group_by("text", maintain_order=True).len("cells")
    texts, counts = counted["text"], counted["cells"]
    sample = texts.head(_LOOKED_AT)
    if 2 * int(sample.str.contains(_MAYBE).sum()) < len(sample):
        return None
    read = {order: read_dates(texts, order) for order in orders_of(sample)}
    known = {order: dates.is_not_null() for order, (dates, _) in read.items() if dates.is_not_null().any()}
    if not known:
        return None
    best = max(known, key=lambda order: int(counts.filter(known[order]).sum()))
    missing = _missing_words(texts, counts, ~known[best])
    unread = texts.filter(~known[best] & ~texts.is_in(missing))
    if len(unread):
        among = pl.DataFrame(known).select(pl.any_horizontal(pl.all())).to_series()
        whole_years = any("%Y" in order for order in known)
        dated = int(counts.filter(among).sum()) / int(counts.filter(~texts.is_in(missing)).sum())
        if whole_years and dated >= MOSTLY:
            fault = f"is not a date written as {best}, as the others are; mend the cell, or leave it empty"
            return OddCell(str(unread[0]), fault)
        return None
    zones = read[best][1].filter(known[best]).unique()
    zone = str(zones[0]) if len(zones) == 1 and zones[0] is not None else ""
    rivals = [order for order in known if order != best and bool((known[order] | ~known[best]).all())]
    doubts = [*_doubts_of_order(texts, best, rivals, read), *_doubts_of_years(best, read[best][0])]
    if len(zones) > 1:
        doubts.append("the offsets from UTC differ, and every clock is read as it is written")
    return Dates(DateFormat(best, zone, missing), read[best][0].drop_nulls(), "; ".join(doubts))


def _missing_words(texts: pl.Series, counts: pl.Series, unread: pl.Series) -> tuple[str, ...]:
    """The texts that stand for a missing date: known words, or one text in several cells without a digit."""
    others, cells = texts.filter(unread), counts.filter(unread)
    known = [text for text in others if is_missing_word(text)]
    rest = [(text, count) for text, count in zip(others, cells, strict=True) if text not in known]
    if len(rest) == 1 and rest[0][1] > 1 and not any(letter.isdigit() for letter in rest[0][0]):
        known.append(rest[0][0])
    return tuple(known)


def _doubts_of_order(
    texts: pl.Series, best: str, rivals: list[str], read: dict[str, tuple[pl.Series, pl.Series]]
) -> list[str]:
    for rival in rivals:
        other = read[rival][0] != read[best][0]
        if other.any():
            at = int(other.arg_max() or 0)
            return [
                "the order of day and month cannot be told from these cells: "
                f"{texts[at]!r} is read as {read[best][0].dt.date()[at]} ({best}), a guess"
            ]
    return []


def _doubts_of_years(best: str, moments: pl.Series) -> list[str]:
    if "%y" in best:
        return [f"years of two digits are read as 19{PIVOT + 1} to 20{PIVOT}"]
    years = moments.dt.year().drop_nulls()
    earliest, latest = years.min(), years.max()
    if isinstance(earliest, int) and isinstance(latest, int) and earliest < _PAST <= latest:
        return [f"the year {earliest} may be a slip"]
    return []
