"""Yes and no, in whatever way they are written: words, true and false, 1 and 0."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from descend.data.cells import YES_NO


def meanings(cells: pl.Series) -> pl.Series:
    """1.0 for yes and 0.0 for no, null for what is neither.

    Words count in any case; numbers, also those written as text, are 1 for yes and 0 for no.
    """
    cells = cells.alias("cell")
    values = cells.cast(pl.Float64, strict=False)
    if cells.dtype == pl.String:
        words = cells.str.to_lowercase().replace_strict(
            list(YES_NO),
            [float(meaning) for meaning in YES_NO.values()],
            default=None,
            return_dtype=pl.Float64,
        )
        values = words.zip_with(words.is_not_null(), values)
    return values.set(~values.is_in([0.0, 1.0]), None)


def are_yes_and_no(texts: Iterable[str]) -> bool:
    """Whether texts are two words, in any case, of which one means yes and the other one no."""
    words = {text.lower() for text in texts}
    return len(words) == 2 and {YES_NO.get(word) for word in words} == {True, False}
