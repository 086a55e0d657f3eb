"""Whether encoders from a model file are ones that a fit can leave."""

from __future__ import annotations

from collections.abc import Sequence

from descend.data.column_encoders import (
    MOST_CATEGORIES,
    CategoryEncoder,
    ColumnEncoder,
    DateEncoder,
    NumberEncoder,
    YesNoEncoder,
)


def check_columns(columns: Sequence[ColumnEncoder], left_out: Sequence[str]) -> None:
    """Raises ValueError for columns that no fit leaves so: named twice, without features, or out of range."""
    names = [encoder.name for encoder in columns]
    if not names:
        raise ValueError("no column is used")
    if len({*names, *left_out}) != len(names) + len(left_out):
        raise ValueError("a column is named twice")
    for encoder in columns:
        if not encoder.feature_names:
            raise ValueError(f"column {encoder.name!r} gives no feature")
        if reason := _reason(encoder):
            raise ValueError(f"column {encoder.name!r}: {reason}")


def _reason(encoder: ColumnEncoder) -> str:
    """Why no fit leaves the encoder so, or nothing."""
    match encoder:
        case NumberEncoder():
            return "" if encoder.deviation >= 0 else "the deviation is below 0"
        case YesNoEncoder():
            if encoder.worded and encoder.number_format is not None:
                return "words are not written as numbers are"
            return "" if 0 <= encoder.share <= 1 else "the share of yes is none"
        case CategoryEncoder():
            return _reason_of_categories(encoder)
        case DateEncoder():
            return _reason_of_dates(encoder)


def _reason_of_categories(encoder: CategoryEncoder) -> str:
    if len(set(encoder.categories)) != len(encoder.categories):
        return "a category comes twice"
    if len(encoder.categories) > MOST_CATEGORIES:
        return f"there are more than {MOST_CATEGORIES} categories"
    return "" if encoder.rare >= 0 else "the number of rare categories is below 0"


def _reason_of_dates(encoder: DateEncoder) -> str:
    if encoder.deviation < 0 or encoder.time_deviation < 0:
        return "a deviation is below 0"
    for values, most, what in ((encoder.weekdays, 7, "weekday"), (encoder.months, 12, "month")):
        if list(values) != sorted(set(values)) or not all(1 <= value <= most for value in values):
            return f"{what}s are 1 to {most}, each once"
    return ""
