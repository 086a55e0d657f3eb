"""What a type of number cannot hold: found, and named by row and column, in place of NumPy's warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.metrics import r2_score

from descend.engines.finite import all_finite
from descend.errors import DataError

Array = NDArray[Any]


def named_later() -> np.errstate:
    """A context without NumPy's warnings of overflow, for what is checked and named after it."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def check_finite(x: Any, names: Array | None) -> None:
    """Raises DataError naming row and column of the first value that is NaN or infinite.

    x : dense or CSR (n, inputs).  names : of its columns, or None.
    """
    compressed = sparse.issparse(x)
    values = x.data if compressed else x
    if get_config()["assume_finite"] or all_finite(_contiguous(values)):
        return
    if compressed:
        place = int(np.flatnonzero(~np.isfinite(values))[0])
        row, column, bad = int(np.searchsorted(x.indptr, place, "right")) - 1, x.indices[place], values[place]
    else:
        row, column = np.argwhere(~np.isfinite(values))[0]
        bad = values[row, column]
    called = column if names is None else repr(str(names[column]))
    found, remedy = "NaN", "leave the row out or fill the value in"
    if not np.isnan(bad):
        found = f"infinity or a value too large for {values.dtype}"
        if values.dtype == np.float32:
            remedy = "leave the row out, fill the value in, or use dtype='float64'"
    raise DataError(f"Input X contains {found} in row {row}, column {called}: {remedy}")


def check_answers(answers: Array, what: str) -> None:
    """Raises DataError naming the first row of (n,) or (n, outputs) whose answer is no finite number."""
    if not all_finite(_contiguous(answers)):
        row = np.flatnonzero(~np.isfinite(answers.reshape(len(answers), -1)).all(axis=1))[0]
        raise no_answer(int(row), what, answers.dtype)


def no_answer(row: int, what: str, dtype: np.dtype[Any]) -> DataError:
    """The error about a row whose answer is no finite number of ``dtype``; ``what`` names the answer."""
    return DataError(
        f"row {row} of X holds values too large: its {what} is beyond {dtype}; leave the row out"
    )


def check_solved(coef: Array) -> None:
    """Raises DataError where a solution's coefficients are no finite numbers."""
    if not np.isfinite(coef).all():
        raise DataError(
            f"values of X, y or sample_weight are too large for {coef.dtype}: the coefficients are not "
            "finite; scale them, such as to mean 0 and deviation 1"
        )


def check_summable(weight: Array) -> None:
    """Raises DataError where means over rows of these weights, (n,), leave float64."""
    with named_later():
        total = weight.sum(dtype=np.float64)
    if not (total == 0 or np.finfo(np.float64).tiny <= total < np.inf):
        raise DataError(
            f"sample_weight sums to {total:g}, beyond what float64 can divide by: scale the weights"
        )


def r_squared(truth: Any, predicted: Array, weight: Any) -> float:
    """scikit-learn's r2_score. Raises DataError naming the row that takes it beyond float64."""
    with named_later():
        score = float(r2_score(truth, predicted, sample_weight=weight))
        if np.isfinite(score) or len(predicted) < 2:
            return score
        shape = (len(predicted), -1)
        numbers, answers = (np.asarray(part, np.float64).reshape(shape) for part in (truth, predicted))
        row, column = np.unravel_index(np.abs(numbers - answers).argmax(), numbers.shape)
    raise DataError(
        f"the score is beyond float64: in row {row} y is {numbers[row, column]:g} and "
        f"{answers[row, column]:g} is predicted; leave the row out"
    )


def _contiguous(values: Array) -> Array:
    flat = values if values.flags.c_contiguous else values.T
    return np.require(flat, requirements=["C", "A"])
