"""scikit-learn's refusals as errors of descend, with the row and the column that they leave out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import sparse

from descend.errors import DataError
from descend.estimators.beyond import named_later


@contextmanager
def data_errors(y: Any = None, X: Any = None) -> Iterator[None]:
    """Turns scikit-learn's errors into DataErrors that name a bad y's row, and text and dates in X."""
    try:
        with named_later():
            yield
    except DataError:
        raise
    except TypeError:  # of comparisons with pandas' NA, or of dates beside numbers
        if dates := _first_dates(X):
            raise DataError(dates) from None
        if y is None or not first_bad(y):
            raise
        raise DataError(f"Input y contains NaN{first_bad(y)}: leave the row out") from None
    except ValueError as error:
        message = str(error)
        if message.startswith("Input y contains") or (y is not None and message.startswith("Input contains")):
            found = message.splitlines()[0].rstrip(".").removeprefix("Input y ").removeprefix("Input ")
            message = f"Input y {found}{first_bad(y)}: leave the row out"
        elif message.startswith("could not convert string") and X is not None:
            message = _first_text(X) or _first_text_of_target(y) or message
        raise DataError(message) from None


@contextmanager
def weight_errors(sample_weight: Any) -> Iterator[None]:
    """As ``data_errors``, and names the first row whose weight is below 0 or not finite."""
    try:
        with data_errors():
            yield
    except DataError as error:
        values = np.asarray(sample_weight, np.float64)
        bad = np.flatnonzero(~((values >= 0) & (values < np.inf)))
        if values.ndim != 1 or not len(bad):
            raise
        raise DataError(f"{str(error).splitlines()[0].rstrip('.')} in row {bad[0]}") from None


def numeric_target(y: Any) -> Any:
    """A regressor's y, text of numbers and missing values as numbers, checked.

    Raises
    ------
    DataError : sparse, or missing where None stood for it.  ValueError : text that is no number.
    """
    if sparse.issparse(y):
        raise DataError("y is sparse: give it dense, as y.toarray() does")
    if y.dtype.kind in "SU":
        y = y.astype(np.float64)
    if y.dtype.kind == "f" and np.isnan(y).any():
        raise DataError(f"Input y contains NaN{first_bad(y)}: leave the row out")
    return y


def first_bad(y: Any) -> str:
    """`` in row 3`` for the first target that is missing or not finite, empty where there is none."""
    try:
        bad = np.flatnonzero(~np.isfinite(np.asarray(y, np.float64).reshape(len(y), -1)).all(axis=1))
    except (TypeError, ValueError):  # labels
        bad = np.flatnonzero([_is_missing(value) for value in np.asarray(y, object).ravel()])
    return f" in row {bad[0]}" if len(bad) else ""


def _is_missing(label: Any) -> bool:
    """None, NaN, or pandas' NA, which compares as neither true nor false."""
    return label is None or type(label).__name__ == "NAType" or bool(label != label)


def _first_text(X: Any) -> str:
    """What to do about the first cell that is no number, of the first column with one; empty without one."""
    names = getattr(X, "columns", None)
    cells = np.asarray(X, object)
    for column, values in enumerate(cells.T if cells.ndim == 2 else ()):
        for row, value in enumerate(values):
            if isinstance(value, str) and not _reads_as_number(value):
                called = column if names is None else repr(str(names[column]))
                return (
                    f"column {called} of X holds text, {value!r} in row {row}: leave it out or encode it, "
                    "as OneHotEncoder does"
                )
    return ""


def _first_text_of_target(y: Any) -> str:
    for row, value in enumerate(() if y is None else np.asarray(y, object).ravel()):
        if isinstance(value, str) and not _reads_as_number(value):
            return f"y holds text, {value!r} in row {row}: a regressor needs numbers"
    return ""


def _first_dates(X: Any) -> str:
    """What to do about the first column of dates or durations in a frame; empty without one."""
    for name, dtype in zip(getattr(X, "columns", ()), getattr(X, "dtypes", ()), strict=False):
        if getattr(dtype, "kind", "") in ("M", "m"):
            return (
                f"column {str(name)!r} of X holds dates or times: leave it out, or make numbers of it, "
                "such as days since the first"
            )
    return ""


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
