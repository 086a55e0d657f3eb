"""How the text of a column's numbers is written, and the numbers that such text stands for.

Python's own spelling (1234.5, -2e3) is read in every column; all else only where the column is declared
so: marks between thousands, a decimal comma, a unit, negative numbers in parentheses, k and 万.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

SCALES = {
    "k": 1e3, "K": 1e3, "M": 1e6, "B": 1e9, "bn": 1e9,
    "千": 1e3, "万": 1e4, "萬": 1e4, "만": 1e4, "亿": 1e8, "億": 1e8, "억": 1e8,
}  # fmt: skip
"""Letters after a number that multiply it."""

CURRENCIES = (
    "USD", "EUR", "GBP", "JPY", "CNY", "RMB", "INR", "KRW", "CHF", "CAD", "AUD", "NZD", "SGD", "HKD",
    "TWD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RUB", "TRY", "BRL", "MXN", "ZAR", "IDR", "THB",
    "VND", "PHP", "MYR", "AED", "SAR", "ILS", "UAH", "RON", "Rs", "Rs.", "kr", "kr.", "Fr", "Fr.", "zł",
    "Kč", "Ft", "元", "圆", "円", "원", "руб", "руб.", "р.",
)  # fmt: skip
"""Currencies that are written with letters; the others are of Unicode's category Sc."""

_ZEROS = (
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x17E0, 0x1810,
)  # fmt: skip
"""Where the digits of other scripts begin, Arabic to Mongolian."""

_LOOSE = {
    **{chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)},  # the wide forms of Chinese keyboards
    **{chr(zero + digit): f"{digit}" for zero in _ZEROS for digit in range(10)},
    **dict.fromkeys("\u00a0\u202f\u2009\u2007\u2008\u3000\t", " "),
    **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", ""),  # not seen
    **dict.fromkeys("\u2212\u2010\u2011\u2013\u2014\ufe63", "-"),
    **dict.fromkeys("\u2019\u02bc", "'"),
    "\u066b": ".", "\u066c": ",",  # Arabic marks
    "￥": "¥", "￡": "£", "￠": "¢", "￦": "₩",
}  # fmt: skip

_QUOTED = r"^(?:=?\"([^\"]*)\"|'([^']*))$"  # how spreadsheets keep numbers as text: ="12" and '12
_CURRENCY = rf"[A-Z]{{0,3}}\p{{Sc}}|(?:{'|'.join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))})"
_CELL = (
    r"^(?<open>\()?(?<sign>[+-])? ?"
    rf"(?<before>{_CURRENCY})? ?(?<inner>[+-])? ?(?<opened>\()?"
    r"(?<body>[0-9]+(?:[.,'_ ][0-9]+)*|\.[0-9]+)"
    r"(?<exponent>[eE][+-]?[0-9]+|[dD][+-][0-9]+)?(?:[.,]--?|/-|\.)? ?"  # 12.- and 12/- are whole amounts
    r"(?<after>[\p{L}%‰°\p{Sc}\p{So}″µ/][^\d()+]{0,14}|\+|[^\d()+]{0,3}m[23])?(?<last>-)?(?<close>\))?$"
)


def plain_numbers(cells: pl.Series) -> pl.Series:
    """Text in Python's own spelling as float64, null where it is no number; correctly rounded."""
    return cells.cast(pl.Float64, strict=False)


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """What a column's numbers may look like beside Python's own spelling.

    decimal : mark before the decimals, ``.`` or ``,``.
    grouping : mark between thousands: one of ``, . ' _`` and the blank, or "" for none.
    unit : what stands with the numbers, such as ``kg``, ``%`` or ``$``; "" for nothing.
    variants : whether −5, 5- and (5) are read as -5, 1.5D+01 as 15, and wide digits as digits.
    scales : whether letters such as k and 万 multiply; see ``SCALES``.
    missing : words for a missing cell, as they are spelled.

    Raises ValueError for marks that are none.
    """

    decimal: str = "."
    grouping: str = ""
    unit: str = ""
    variants: bool = False
    scales: bool = False
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks the marks: a declaration may come from a file."""
        if self.decimal not in (".", ",") or self.grouping not in ("", ",", ".", "'", "_", " "):
            raise ValueError(f"no marks of numbers: {self.decimal!r} and {self.grouping!r}")

    @property
    def dressed(self) -> bool:
        """Whether any number may be written otherwise than Python writes it."""
        return bool(self.grouping or self.unit or self.variants or self.scales or self.decimal == ",")

    def read(self, cells: pl.Series) -> pl.Series:
        """The numbers of text without missing cells, float64, correctly rounded; null where it is none.

        A cell that Python's spelling and the declared one read differently, such as 1.234 where points
        mark thousands, is taken as declared, unless other cells show that points mark decimals: then it
        is null.
        """
        plain = plain_numbers(cells)
        if not self.dressed or (plain.null_count() == cells.null_count() and self.decimal == "."):
            return plain
        declared = self._read_declared(cells)
        unsure = declared.is_not_null() & plain.is_not_null() & (declared != plain)
        if unsure.any() and (declared.is_null() & plain.is_not_null()).any():
            return declared.set(unsure, None).zip_with(declared.is_not_null(), plain.set(unsure, None))
        return declared.zip_with(declared.is_not_null(), plain)

    def _read_declared(self, cells: pl.Series) -> pl.Series:
        parts = decompose(cells)
        unit = pl.col("unit").is_in(["", self.unit])
        readable = unit if self.variants else unit & ~pl.col("variant")
        body = pl.col("body")
        if self.grouping:
            body = body.str.replace_all(self.grouping, "", literal=True)
        if self.decimal == ",":
            body = body.str.replace(",", ".", literal=True)
        exponent = pl.col("exponent").fill_null("").str.replace("[dD]", "e")
        number = (body + exponent).cast(pl.Float64, strict=False) * pl.col("scale")
        signed = pl.when(pl.col("negative")).then(-number).otherwise(number)
        fits = pl.col("body").str.contains(_body(self.decimal, self.grouping))
        both = pl.concat([parts, units_of(parts, self.scales)], how="horizontal")
        return both.select(pl.when(fits & readable).then(signed)).to_series().alias(cells.name)


def decompose(cells: pl.Series) -> pl.DataFrame:
    """The parts of numbers in text, (cells,) each; null in a row that is no number in any dress.

    ``before``, ``body``, ``exponent`` and ``after`` are text; ``negative`` says whether the number is,
    ``variant`` whether it says so otherwise than by a hyphen before it, or has an exponent after D.
    """
    loose = pl.col("cell").str.replace_many(list(_LOOSE), list(_LOOSE.values())).str.strip_chars()
    loose = loose.str.replace_all(" +", " ").str.replace(_QUOTED, "${1}${2}")
    signs = pl.col("sign", "inner", "last")
    opened = pl.col("open").is_not_null() | pl.col("opened").is_not_null()
    negative = opened | pl.any_horizontal((signs == "-").fill_null(False))
    several = pl.sum_horizontal(pl.col("sign", "inner", "last", "open", "opened").is_not_null()) > 1
    broken = several | (opened != pl.col("close").is_not_null()) | pl.col("loose").str.contains("^[+-]?0[xX]")
    hyphen = pl.col("cell").str.contains(r"^\s*[^\d(\x{2212}\x{2010}\x{2011}\x{fe63}\x{ff0d}]*-")
    variant = (negative & ~hyphen) | pl.col("exponent").str.contains("^[dD]").fill_null(False)
    parts = (
        cells.alias("cell").to_frame().lazy()
        .with_columns(loose.alias("loose"))
        .with_columns(pl.col("loose").str.extract_groups(_CELL).alias("parts"))
        .unnest("parts")
        .with_columns(negative.alias("negative"), variant.alias("variant"))
        .with_columns((broken | pl.col("body").is_null()).alias("none"))
    )  # fmt: skip
    kept = pl.col("before", "body", "exponent", "after", "negative", "variant")
    return parts.select(pl.when(~pl.col("none")).then(kept)).collect()


def units_of(parts: pl.DataFrame, scales: bool) -> pl.DataFrame:
    """``unit`` and ``scale`` of each number, (cells,): what stands with it, without what multiplies it.

    A scale alone, or after a currency, is no unit; neither is a Chinese one before a unit (万元).
    """
    pairs = pl.DataFrame([parts["before"].fill_null(""), parts["after"].fill_null("").str.strip_chars()])
    known = pairs.unique()
    found = [_unit_and_scale(before, after, scales) for before, after in known.rows()]
    unit = pl.Series("unit", [each[0] for each in found], dtype=pl.String)
    scale = pl.Series("scale", [each[1] for each in found], dtype=pl.Float64)
    known = known.with_columns(unit, scale)
    return pairs.join(known, on=["before", "after"], how="left", maintain_order="left").select(
        "unit", "scale"
    )


def _unit_and_scale(before: str, after: str, scales: bool) -> tuple[str, float]:
    scale, rest = 1.0, after
    if scales and after in SCALES:
        scale, rest = SCALES[after], ""
    elif scales and after and not after[0].isascii() and after[0] in SCALES:
        scale, rest = SCALES[after[0]], after[1:].strip()
    return " ".join(filter(None, (before, rest if rest != before else ""))), scale


def fitting(bodies: pl.Series, marks: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """Which texts are digits with marks, (texts, pairs of marks) yes/no, null where there is no text."""
    return (
        bodies.alias("body")
        .to_frame()
        .select(
            pl.col("body").str.contains(_body(*pair)).alias(f"{place}") for place, pair in enumerate(marks)
        )
    )


def _body(decimal: str, grouping: str) -> str:
    mark, point = re.escape(grouping), re.escape(decimal)
    whole = r"\d+"
    if grouping:
        whole = rf"(?:[1-9]\d{{0,2}}(?:{mark}\d{{3}})+|\d+)"
    if grouping == ",":  # lakh and crore: 12,34,567
        whole = rf"(?:{whole}|[1-9]\d?(?:,\d\d)+,\d{{3}})"
    return rf"^(?:{whole}(?:{point}\d*)?|{point}\d+)$"
