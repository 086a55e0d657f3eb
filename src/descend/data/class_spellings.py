"""Which texts of a target are one class."""

from __future__ import annotations

import polars as pl

from descend.data.spellings import composed, note_on_forms, note_on_looks
from descend.data.yes_no import are_yes_and_no


def class_spellings(labels: pl.Series) -> dict[str, list[str]]:
    """The classes of text labels, each with the other spellings that are met of it."""
    counts = labels.alias("text").value_counts(name="rows").sort(["rows", "text"], descending=[True, False])
    texts = counts["text"].to_list()
    worded = are_yes_and_no(texts)
    keys = [text.lower() for text in texts] if worded else composed(counts["text"]).to_list()
    classes: dict[str, list[str]] = {}
    named: dict[str, str] = {}
    for key, text in zip(keys, texts, strict=True):  # the commonest spelling comes first
        if key in named:
            classes[named[key]].append(text)
        else:
            named[key] = text
            classes[text] = []
    return classes


def note_on_classes(classes: dict[str, list[str]]) -> tuple[str, ...]:
    """What was done with the spellings that ``class_spellings`` found, and which classes look alike."""
    if are_yes_and_no(classes):
        read = [
            f"{' and '.join(map(repr, sorted(others)))} {'are' if len(others) > 1 else 'is'} read as {text!r}"
            for text, others in sorted(classes.items())
            if others
        ]
        return (f"classes: {'; '.join(read)}",) if read else ()
    spelled = [each for text, others in classes.items() for each in (text, *others)]
    return note_on_forms("classes", pl.Series(spelled, dtype=pl.String)) + note_on_looks("classes", classes)
