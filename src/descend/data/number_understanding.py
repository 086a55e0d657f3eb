"""Whether a column of text holds numbers, and how they are written: one reading for the whole column."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from descend.data.missing import is_missing_word
from descend.data.number_format import (
    CURRENCIES,
    SCALES,
    NumberFormat,
    decompose,
    fitting,
    plain_numbers,
    units_of,
)

MOSTLY = 0.9
"""Share of a column's cells that shows what the column holds, so that any other cell is a mistake."""

_MANY = 20  # different whole numbers: beyond them they are no names of classes
_MOST_UNITS = 5
_SEVERAL = 10  # different numbers that show that the one word beside them is no class, whatever its share
_MOST_WORDS = 5  # different ones among numbers that are notes on what is missing, and no classes
_LOOKED_AT = 1000  # different texts that tell whether a column may hold numbers at all
_CONVENTIONS = (
    (".", ""), (".", ","), (".", "'"), (".", " "), (".", "_"),
    (",", ""), (",", "."), (",", " "), (",", "'"),
)  # fmt: skip
_SYMBOL = r"[%‰°\p{Sc}]"
_DOUBTFUL_SCALES = ("M", "B", "bn")
_BEGINNING = r"^\D{0,6}\d"  # of a number with at most a currency before it
_BOUND = r"^[<>≤≥~≈]=? ?[+-]?\d[\d.,]*$"
_NEARLY = rf"{_BOUND}|^\d+ \d+/\d+$|^0[xX][0-9a-fA-F]{{1,8}}$"
_ONE_NUMBER = r"^(?:\D*[^\d\p{L}_#.-])?(?:\d{1,3}(?:[.,' ]\d{3})+|\d+)(?:[.,]\d+)?(?:[^\d\p{L}_-]\D*)?$"
_TRUTH = ("true", "false", "yes", "no")
_PLAINLY = "write plain digits with a point before the decimals, as in 1234.5"


@dataclass(frozen=True, slots=True)
class OddCell:
    """A cell because of which a column of numbers cannot be read, and what is wrong with it."""

    text: str
    fault: str = "is not a number; write it as a number, or leave the cell empty"


@dataclass(frozen=True)
class _Texts:
    """Different texts of a column, in the order of the rows.

    counts : cells of each. number : whether each is one, in any dress. parts : see ``decompose``.
    """

    texts: pl.Series
    counts: pl.Series
    number: pl.Series
    parts: pl.DataFrame

    @classmethod
    def of(cls, cells: pl.Series) -> _Texts:
        counted = cells.alias("text").to_frame().group_by("text", maintain_order=True).len("cells")
        texts = counted["text"]
        parts = decompose(texts)
        number = parts["body"].is_not_null() | plain_numbers(texts).is_not_null()
        return cls(texts, counted["cells"], number, parts)

    def only(self, chosen: pl.Series) -> _Texts:
        """The chosen ones; ``chosen`` (texts,) yes/no."""
        texts, counts, number = (each.filter(chosen) for each in (self.texts, self.counts, self.number))
        return _Texts(texts, counts, number, self.parts.filter(chosen))

    def share(self, chosen: pl.Series) -> float:
        """Share of the cells whose text is chosen."""
        return int(self.counts.filter(chosen).sum()) / int(self.counts.sum())

    def many(self) -> bool:
        """Whether these numbers are more than the names of a few classes, as 36 months and 60 months are."""
        marks = self.parts["body"].str.contains(r"[.,'_ ]") | self.parts["exponent"].is_not_null()
        return bool(marks.any()) or len(self.texts) > _MANY

    def decimals(self) -> pl.Series:
        """Which numbers have decimals, (texts,) yes/no."""
        return self.parts["body"].str.contains(r"[.,]\d").fill_null(False)

    def measured(self) -> bool:
        """Whether numbers with a word behind them are measurements: many, or decimals that seldom repeat."""
        seldom = 3 * len(self.texts) > int(self.counts.sum())
        return len(self.texts) > _MANY or (bool(self.decimals().any()) and seldom)


def understand_numbers(cells: pl.Series) -> NumberFormat | OddCell | None:
    """How the numbers of a column are written, the cell that is in the way, or None where it holds words.

    cells : text without missing cells, some of which is no number in Python's spelling.
    """
    if not cells.str.contains(_BEGINNING).any():
        return None
    if cells.n_unique() > _LOOKED_AT:
        sample = _Texts.of(cells.unique(maintain_order=True).head(_LOOKED_AT))
        if sample.share(sample.number | sample.texts.str.contains(_NEARLY)) < 1 - MOSTLY:
            return None
    found = _Texts.of(cells)
    numbers = found.only(found.number)
    if not len(numbers.texts):
        return _nearly_numbers(found)
    written = _written(numbers)
    if isinstance(written, OddCell):
        known = pl.Series([is_missing_word(text) for text in found.texts], dtype=pl.Boolean)
        return written if found.share(found.number | known) >= MOSTLY else None
    if isinstance(written, NumberFormat) and len(numbers.texts) < len(found.texts):
        return _with_missing_words(found, numbers, written)
    return written


def unread_number(cells: pl.Series) -> str | None:
    """A text of a column whose texts nearly all hold one number in a form that is not read; else None.

    cells : text without missing cells. Numbers that follow letters, as in A12 and no-7, are codes.
    """
    texts = cells.unique(maintain_order=True).head(_LOOKED_AT)
    alike = texts.str.contains(_ONE_NUMBER)
    if len(texts) <= _MANY or not alike.any() or float(alike.mean() or 0) < MOSTLY:  # type: ignore[arg-type]
        return None
    return str(texts.filter(alike)[0])


def _with_missing_words(
    found: _Texts, numbers: _Texts, written: NumberFormat
) -> NumberFormat | OddCell | None:
    """The format with those texts that are no numbers as words for missing, where they can be."""
    others = found.only(~found.number)
    known = pl.Series([is_missing_word(text) for text in others.texts], dtype=pl.Boolean)
    words, rest = others.texts.filter(known).to_list(), others.only(~known)
    if not len(rest.texts):
        return replace(written, missing=tuple(words)) if len(numbers.texts) > 1 else None
    first, cells = str(rest.texts[0]), int(numbers.counts.sum())
    mistakes = cells >= MOSTLY * (cells + int(rest.counts.sum()))
    alone = (
        len(rest.texts) == 1 and len(numbers.texts) >= _SEVERAL and numbers.share(numbers.decimals()) >= 0.5
    )
    likely = numbers.many() and (alone or 2 * cells > int(found.counts.sum()))
    truth = all(text.lower() in _TRUTH for text in rest.texts)
    if len(rest.texts) == 1 and likely and rest.counts[0] > 1 and not truth and not _has_digit(first):
        return replace(written, missing=(*words, first))
    few = len(rest.texts) <= _MOST_WORDS and not any(map(_has_digit, rest.texts))
    if mistakes or (likely and (truth or few or len(rest.texts) == 1)):
        return OddCell(first)
    return _nearly_numbers(found)


def _nearly_numbers(found: _Texts) -> OddCell | None:
    """The first bound (<5), fraction (3 1/2) or hexadecimal number of a column of such and of numbers."""
    nearly = found.texts.str.contains(_NEARLY)
    both = nearly | found.number
    if not nearly.any() or found.share(both) < MOSTLY:
        return None
    same_length = found.texts.filter(nearly).str.len_chars().n_unique() == 1
    classes = found.texts.str.contains(_BOUND).any() and int(both.sum()) <= _MANY
    if classes or (same_length and not found.number.any()):  # or codes
        return None
    return OddCell(str(found.texts.filter(nearly)[0]), f"is not a plain number; {_PLAINLY}")


def _written(numbers: _Texts) -> NumberFormat | OddCell | None:
    """How texts that are all numbers in some dress are written."""
    if plain_numbers(numbers.texts).null_count() == 0:
        padded = numbers.texts.str.contains(r"^[+-]?0\d+$").any()
        codes = padded and numbers.texts.str.len_chars().n_unique() == 1
        return None if codes else NumberFormat()
    scales = _has_scales(numbers)
    units = units_of(numbers.parts, scales)["unit"]
    unit = _common_unit(numbers, units)
    if not isinstance(unit, str):
        return unit
    marks = _marks(numbers, unit)
    if not isinstance(marks, tuple):
        return marks
    declared = NumberFormat(*marks, unit=unit, scales=scales)
    variants = bool(numbers.parts["variant"].any()) or not declared.dressed
    if variants and numbers.parts["negative"].all():
        if not declared.dressed and not numbers.many():
            return None  # (1), (2), (3) number the lines of a list
        if unit and not _is_symbol(unit) and numbers.texts.str.starts_with("(").all():
            return None  # (12 people) is a remark
    return replace(declared, variants=variants)


def _has_scales(numbers: _Texts) -> bool:
    """Whether k, M, 万 and the like after the numbers multiply them."""
    after = numbers.parts["after"].fill_null("").str.strip_chars()
    chinese = [letter for letter in SCALES if not letter.isascii()]
    if after.str.slice(0, 1).is_in(chinese).any():
        return True
    scaled = after.is_in(list(SCALES))
    if not scaled.any():
        return False
    sure = numbers.parts["before"].is_not_null() | numbers.parts["body"].str.contains(r"[.,]")
    if after.is_in(_DOUBTFUL_SCALES).any():  # 12B may be a house
        return bool((sure & scaled).any())
    return bool((sure & scaled).any()) or numbers.many()


def _common_unit(numbers: _Texts, units: pl.Series) -> str | OddCell | None:
    """The unit of all the numbers, "" for none."""
    cells = (
        pl.DataFrame([units, numbers.counts]).group_by("unit", maintain_order=True).agg(pl.col("cells").sum())
    )
    cells = cells.sort("cells", descending=True, maintain_order=True)
    common = str(cells["unit"][0])
    words = [unit for unit in cells["unit"] if unit and not _is_symbol(unit)]
    if len(cells) == 1:
        return common if not words or numbers.measured() else None
    decimals = numbers.share(numbers.decimals())
    if not words or (decimals >= 0.5 and len(cells) <= _MOST_UNITS and numbers.measured()):
        sure = True
    else:
        usual = units == common
        sure = numbers.share(usual) >= MOSTLY and (common == "" or numbers.only(usual).measured())
    if not sure:
        return None
    odd = numbers.texts.filter(units != common)[0]
    usual = numbers.texts.filter(units == common)[0]
    return OddCell(
        str(odd),
        f"is not a number as the others are, such as {usual!r}; write all in one unit, or as plain numbers",
    )


def _is_symbol(unit: str) -> bool:
    """Whether a unit is a currency, a percentage or a degree, which no name of a class has."""
    return bool(pl.Series([unit]).str.contains(_SYMBOL)[0]) or unit in CURRENCIES


def _marks(numbers: _Texts, unit: str) -> tuple[str, str] | OddCell | None:
    """The mark before decimals and the one between thousands."""
    bodies = numbers.parts["body"].drop_nulls()
    whole = fitting(bodies, _CONVENTIONS).select(pl.all().all()).row(0)
    fit = [marks for marks, all_fit in zip(_CONVENTIONS, whole, strict=True) if all_fit]
    if not fit:
        return _odd_marks(numbers)
    decimal, grouping = fit[0]
    point = bodies.str.contains(".", literal=True)
    in_doubt = ""
    if (decimal, grouping) == (".", "") and (",", ".") in fit and point.any() and not point.all():
        in_doubt = "."
    if (decimal, grouping) == (".", ",") and (",", "") in fit:
        wide = numbers.texts.str.contains("，", literal=True).any()
        in_doubt = "" if wide or _is_symbol(unit) else ","  # amounts of money have no three decimals
    if (
        (decimal, grouping) == (",", "")
        and not unit
        and 2 * int(bodies.str.contains(",").sum()) < len(bodies)
    ):
        in_doubt = ","  # 4,6 among whole numbers may be a list
    if in_doubt:
        body = bodies.str.contains(in_doubt, literal=True)
        text = numbers.texts.filter(numbers.parts["body"].is_not_null()).filter(body)[0]
        shown = bodies.filter(body)[0]
        thousands = fitting(pl.Series([shown]), [(".", in_doubt)])["0"][0]
        whole = shown.replace(in_doubt, "" if thousands else " and ")
        readings = f"{whole} or {shown.replace(in_doubt, '.')}"
        return OddCell(str(text), f"is not a number that reads in one way only, but {readings}; {_PLAINLY}")
    if grouping in (" ", "_") and not bodies.str.contains(decimal, literal=True).any():
        digits = bodies.str.count_matches(r"\d")
        if digits.n_unique() == 1 and (grouping == "_" or digits[0] > 6):  # 732 829 320 is a code
            return None
    return decimal, grouping


def _odd_marks(numbers: _Texts) -> OddCell | None:
    """The first number whose marks are not those of most."""
    within = fitting(numbers.parts["body"], _CONVENTIONS).fill_null(True)
    best = max(within, key=numbers.share)
    marked = within.select(pl.any_horizontal(pl.all())).to_series()
    if numbers.share(marked) < MOSTLY or not numbers.many():
        return None
    return OddCell(str(numbers.texts.filter(~best)[0]), f"is not a number as the others are; {_PLAINLY}")


def _has_digit(text: str) -> bool:
    return any(letter.isdigit() for letter in text)
