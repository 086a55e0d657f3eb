"""Words that a reader takes for one: in other cases or Unicode forms, or with unseen characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import groupby

import polars as pl

from descend.data.table import listing

_MOST_GROUPS = 5


def composed(texts: pl.Series) -> pl.Series:
    """Text in Unicode's form NFC, in which é is one character however it was written."""
    texts = texts.alias("text")
    return texts if texts.str.len_bytes().eq(texts.str.len_chars()).all() else texts.str.normalize("NFC")


def note_on_forms(what: str, texts: pl.Series) -> tuple[str, ...]:
    """A note on different words of which some are one in two Unicode forms; ``what`` are its first words."""
    forms = composed(texts)
    twice = forms.filter(forms.is_duplicated()).unique().sort().to_list()
    if not twice:
        return ()
    shown = listing([repr(text) for text in twice], _MOST_GROUPS)
    return (f"{what} {shown}: written in several Unicode forms, which are read as one",)


def note_on_looks(what: str, texts: Iterable[str]) -> tuple[str, ...]:
    """A note on words that look alike and are learned apart; ``what`` are its first words."""
    groups = _groups({unicodedata.normalize("NFC", text) for text in texts})
    if not groups:
        return ()
    shown = listing([" and ".join(map(repr, group)) for group in groups], _MOST_GROUPS)
    cases = all(len({text.casefold() for text in group}) == 1 for group in groups)
    difference = "case" if cases else "case, width, or characters that are not seen"
    return (
        f"{what} {shown} differ only in {difference} and are learned as different ones; "
        "write them alike if they are one",
    )


def _look(text: str) -> str:
    if not text.isascii():
        wide = unicodedata.normalize("NFKC", text)
        text = "".join(each for each in wide if unicodedata.category(each) != "Cf")
    return " ".join(text.split()).casefold()


def _groups(texts: Iterable[str]) -> list[list[str]]:
    """Texts that look alike, where there are several, in the order of their text."""
    ordered = sorted(texts, key=lambda text: (_look(text), text))
    found = (list(group) for _, group in groupby(ordered, _look))
    return sorted(group for group in found if len(group) > 1)
