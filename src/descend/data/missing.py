"""What stands for a missing value in text."""

from __future__ import annotations

import polars as pl

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "-", "?")
"""What stands for a missing value in a text file, in any column, spelled exactly so."""

AMONG_NUMBERS = frozenset(
    (
        "na", "n.a.", "n.a", "n/a", "#n/a", "<na>", "#na", "nan", "nat", "<nan>", "null", "<null>", "(null)",
        "none", "(none)", "nil", "missing", "<missing>", "(missing)", "unknown", "unk", "undefined",
        "not available", "not applicable", "no data", "nodata", "n.d.", "n.d", "nd", "n/d", "tbd", "tba",
        "blank", "(blank)", "empty", "\\n", ".", "..", "...", "…", "*", "**", "-", "--", "---", "–", "—",
        "——", "−", "/", "//", "\\", "?", "??", "???", "_", "#", "#div/0!", "#value!", "#ref!", "#name?",
        "#num!", "#null!", "#error!", "0000-00-00", "0000-00-00 00:00:00",
        "k.a.", "unbekannt", "fehlt", "inconnu", "manquant", "desconocido", "faltante", "desconhecido",
        "sconosciuto", "mancante", "onbekend", "nieznane", "brak", "неизвестно", "нет данных",
        "无", "無", "空", "未知", "缺失", "缺省", "不明", "不详", "不詳", "暂无", "无数据", "欠損", "なし",
        "없음", "미상", "결측",
    )
)  # fmt: skip
"""What stands for a missing value among numbers or dates, in lower case: elsewhere it may be a word."""

_NAN = r"(?i)^[+-]?nan$"


def is_missing_word(text: str) -> bool:
    """Whether ``text`` is one of ``AMONG_NUMBERS``, in any case."""
    return text.casefold() in AMONG_NUMBERS


def without(cells: pl.Series, words: tuple[str, ...] = ()) -> pl.Series:
    """Text with null where it is one of ``MISSING`` or ``words``, or NaN in any case."""
    missing = cells.is_in([*MISSING, *words]) | cells.str.contains(_NAN)
    return cells.set(missing.fill_null(False), None) if missing.any() else cells
