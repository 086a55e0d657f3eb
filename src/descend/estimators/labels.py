"""Labels of a classifier: the user's own on one side, class numbers and yes/no columns on the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import column_or_1d

from descend.errors import DataError
from descend.estimators.base import Array, encoded_labels
from descend.estimators.named_errors import data_errors


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What was learnt of y.

    classes : labels in sorted order, (classes,), text as NumPy's; of several yes/no columns their numbers.
    columns : whether y has several yes/no columns.
    sparse : whether those came as a sparse matrix, and answers go out as one.
    """

    classes: Array
    columns: bool = False
    sparse: bool = False

    @classmethod
    def learnt(cls, y: Any) -> Labels:
        """Raises DataError where y holds no labels, or several labels a row that are not yes or no."""
        with data_errors(y):
            kind = type_of_target(y, input_name="y")
        if kind == "multilabel-indicator":
            return cls(np.arange(y.shape[1]), True, sparse.issparse(y))
        classes = encoded_labels(one_column(y))[0]
        return cls(classes.astype(np.str_) if classes.dtype == object else classes)  # all text, as checked

    @property
    def outputs(self) -> int:
        """Columns of the network's output: one for up to two classes."""
        return len(self.classes) if self.columns or len(self.classes) > 2 else 1

    @property
    def activation(self) -> str:
        """scikit-learn's name for what turns the output into probabilities."""
        return "logistic" if self.columns or self.outputs == 1 else "softmax"

    def numbers(self, y: Any) -> NDArray[np.int64]:
        """Place of each row's label among the classes, (n,). Raises DataError for one that is not there."""
        labels = one_column(y)
        try:
            places = np.minimum(np.searchsorted(self.classes, labels), len(self.classes) - 1)
            unknown = np.flatnonzero(self.classes[places] != labels)
        except TypeError:
            raise DataError(f"y has labels of {labels.dtype}, the classes are {self.classes.dtype}") from None
        if len(unknown):
            row = unknown[0]
            raise DataError(
                f"y has the label {labels[row]!s} in row {row}, which is not among the classes "
                f"{self.classes[:10].tolist()}"
            )
        return places.astype(np.int64)

    def targets(self, y: Any, dtype: np.dtype[Any]) -> Array:
        """y as the engines take it: class numbers (n,), or yes/no columns (n, outputs) in ``dtype``."""
        if self.columns:
            dense: Array = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            if dense.ndim != 2 or dense.shape[1] != len(self.classes) or not np.isin(dense, (0, 1)).all():
                raise DataError(f"y must have {len(self.classes)} columns of 0 and 1, as in the first fit")
            return np.ascontiguousarray(dense, dtype)
        numbers = self.numbers(y)
        return numbers if self.outputs > 1 else numbers.astype(dtype)[:, None]

    def decoded(self, probabilities: Array) -> Any:
        """Labels (n,), or yes/no columns (n, outputs), of the network's probabilities (n, outputs)."""
        if self.columns:
            yes = (probabilities > 0.5).astype(np.int64)
            return sparse.csr_matrix(yes) if self.sparse else yes
        if self.outputs > 1:
            return self.classes[probabilities.argmax(axis=1)]
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(probabilities))
        return self.classes[(probabilities[:, 0] > 0.5).astype(np.int64)]


def one_column(y: Any) -> Array:
    """y as (n,); a column vector is taken with scikit-learn's warning. Raises DataError for anything else."""
    with data_errors(y):
        if sparse.issparse(y):
            raise DataError("sparse y must be yes/no columns, of 0 and 1")
        return column_or_1d(y, warn=True)
