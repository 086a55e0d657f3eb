"""Names of columns: text in Unicode's composed form, so that é is one name however it is written."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from descend.data.table import listing
from descend.errors import DataError


def column_name(name: object) -> str:
    """A column's name as text in Unicode's form NFC: ``2`` of a frame's own label 2.

    Raises DataError for what names no column, such as an array or a column itself.
    """
    if not isinstance(name, str):
        try:
            hash(name)
        except TypeError:
            raise DataError(
                f"a column is given by its name, not by {type(name).__name__} values; "
                "put them into the table as a column, or give a pair (X, y)"
            ) from None
    return unicodedata.normalize("NFC", str(name))


def column_names(names: Iterable[object], table: str) -> list[str]:
    """The names of the columns of ``table`` as text. Raises DataError where two of them are the same."""
    texts = [column_name(name) for name in names]
    if len(set(texts)) < len(texts):
        twice = [repr(text) for text in dict.fromkeys(texts) if texts.count(text) > 1]
        raise DataError(f"{table}: duplicate column names {listing(twice)}; rename them")
    return texts
