"""What the estimators share: parameters, rows, targets and weights, checked by scikit-learn's own means.

What they refuse is a ``ValueError`` as scikit-learn's users expect, and an error of descend at the same time.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils._param_validation import Interval, InvalidParameterError, Options, StrOptions
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from descend.engines.registry import ENGINE_CHOICES
from descend.engines.sparse import check_sparse, is_sparse
from descend.errors import DataError, Diverged, OptionError
from descend.estimators.beyond import check_finite, check_summable, named_later
from descend.estimators.named_errors import data_errors, first_bad, numeric_target, weight_errors

Array = NDArray[Any]
ClassWeight = Mapping[Any, float] | Literal["balanced"] | None
DType = Literal["float32", "float64"] | type[np.float32] | type[np.float64] | None

DTYPES: list[Any] = [StrOptions({"float32", "float64"}), Options(type, {np.float32, np.float64}), None]


class ParameterError(OptionError, InvalidParameterError):  # type: ignore[misc]
    """A constructor's parameter is out of range or of another type."""


class FitDiverged(Diverged, ValueError):
    """A fit's loss stopped being finite: Diverged, and a ValueError with the words of scikit-learn's."""

    @classmethod
    def of(cls, error: Diverged) -> FitDiverged:
        """The same divergence, said to users of an estimator."""
        found = "Solver produced non-finite parameter weights. " if "finite" in str(error) else ""
        return cls(
            f"{error}. {found}The input data may contain large values and need to be preprocessed.",
            error.step, error.parameters,
        )  # fmt: skip


class Estimator(BaseEstimator):  # type: ignore[misc]
    """Base of all estimators; subclasses put scikit-learn's mixin before it.

    A subclass has the parameters ``engine``, ``threads`` and ``dtype``, adds its own ranges to
    ``_parameter_constraints`` and decorates ``fit`` with ``sklearn.base._fit_context``.

    _refused : parameters that mean nothing here, and why: fit accepts them only at their default.
    _sparse : whether CSR rows are taken.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "engine": [StrOptions(set(ENGINE_CHOICES))],
        "threads": [Interval(Integral, 1, 1024, closed="both"), None],
        "dtype": DTYPES,
    }
    _refused: ClassVar[Mapping[str, str]] = {}
    _sparse: ClassVar[bool] = False
    dtype: DType

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._sparse
        return tags

    def _validate_params(self) -> None:
        """Raises ParameterError for a value out of its range, or changed where that means nothing."""
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            raise ParameterError(str(error)) from None
        for callback in getattr(self, "callbacks", None) or ():
            if not callable(callback):
                raise ParameterError(f"callbacks holds {callback!r}, which cannot be called; give functions")
        declared = inspect.signature(type(self)).parameters if self._refused else {}
        for name, reason in self._refused.items():
            value, default = getattr(self, name), declared[name].default
            if value is not default and value != default:
                raise ParameterError(
                    f"{name}={value!r} has no meaning in {type(self).__name__}: {reason}; "
                    f"leave it at its default, {default!r}"
                )

    def _training_rows(
        self, X: Any, y: Any, *, multi_output: bool, reset: bool = True, order: Literal["C"] | None = "C",
        accept_large_sparse: bool = True,
    ) -> tuple[Any, Array]:  # fmt: skip
        """X (n, inputs) in the dtype asked for, or its own, and y as it came, (n,) or (n, outputs).

        order : ``"C"`` lays the rows one after the other; None leaves them as they lie.
        accept_large_sparse : whether sparse rows may have 64-bit indices.

        Raises
        ------
        DataError : shapes that do not fit, values that are not finite, named by row and column.
        TypeError : sparse rows where none are taken, or what is no table at all.
        """
        X = _numeric(X)
        with data_errors(y, X):
            x, target = validate_data(
                self, X, y, accept_sparse=self._accepted_sparse, dtype=self._accepted_dtypes, order=order,
                accept_large_sparse=accept_large_sparse, ensure_all_finite=False, multi_output=multi_output,
                y_numeric=is_regressor(self), reset=reset,
            )  # fmt: skip
            if is_regressor(self):
                target = numeric_target(target)
        check_finite(x, getattr(self, "feature_names_in_", None))
        return _canonical(x), target

    def _in(self, dtype: np.dtype[Any], x: Any) -> Any:
        """Checked rows in the type of an earlier fit. Raises DataError for a value that it cannot hold."""
        if x.dtype == dtype:
            return x
        with named_later():
            x = x.astype(dtype)
        check_finite(x, getattr(self, "feature_names_in_", None))
        return x

    def _rows(self, X: Any, dtype: np.dtype[Any] | None = None) -> Any:
        """X (n, inputs) to predict, in ``dtype`` or as ``_training_rows`` chooses it. Raises as it does."""
        wanted = self._accepted_dtypes if dtype is None else dtype
        if type(X) is np.ndarray and self._needs_no_conversion(X, wanted):
            check_finite(X, None)
            return X
        X = _numeric(X)
        with data_errors(X=X):
            x = validate_data(
                self, X, accept_sparse=self._accepted_sparse, dtype=wanted, order="C",
                ensure_all_finite=False, reset=False,
            )  # fmt: skip
        check_finite(x, getattr(self, "feature_names_in_", None))
        return _canonical(x)

    def _needs_no_conversion(self, X: Array, wanted: list[type] | np.dtype[Any]) -> bool:
        """Whether an array is as ``validate_data`` gives it back: its checks take longer than a row."""
        return (
            X.ndim == 2
            and len(X) > 0
            and X.shape[1] == getattr(self, "n_features_in_", None)
            and X.dtype in (wanted if isinstance(wanted, list) else (wanted,))
            and X.flags.c_contiguous
            and not hasattr(self, "feature_names_in_")
        )

    @property
    def _accepted_dtypes(self) -> list[type] | np.dtype[Any]:
        """float32 stays what it is and anything else becomes float64, where nothing is asked for."""
        return [np.float64, np.float32] if self.dtype is None else np.dtype(self.dtype)

    @property
    def _accepted_sparse(self) -> str | bool:
        return "csr" if self._sparse else False


def row_weights(sample_weight: ArrayLike | None, x: Any) -> Array | None:
    """(n,) in the dtype of x, or None.

    Raises
    ------
    DataError : another shape, a value below 0 or not finite, none above 0, or a sum beyond float64.
    """
    if sample_weight is None:
        return None
    with weight_errors(sample_weight):
        weight: Array = _check_sample_weight(sample_weight, x, dtype=x.dtype.type, ensure_non_negative=True)
    check_summable(weight)
    return weight


def class_row_weights(
    class_weight: ClassWeight, weight: Array | None, classes: Array, numbers: NDArray[np.int64], dtype: Any
) -> Array | None:
    """``weight`` times the weight of each row's class, (n,); None where there is neither.

    class_weight : a weight for each label, 1 where it is missing; ``"balanced"`` for
        Σ weight / (classes · Σ weight of the class).
    classes : labels, (classes,).  numbers : place of each row's label among them, (n,).

    Raises
    ------
    DataError : class_weight names no class of y, or has a value below 0.
    """
    if class_weight is None:
        return weight
    own = np.ones(len(classes))
    present = np.unique(numbers) if isinstance(class_weight, str) else np.arange(len(classes))
    with data_errors(), np.errstate(divide="ignore"):
        own[present] = compute_class_weight(
            class_weight, classes=classes[present], y=classes[numbers], sample_weight=weight
        )
    own = np.where(np.isfinite(own), own, 0.0)  # a class none of whose rows counts
    if (own < 0).any():
        raise DataError(f"class_weight must be at least 0, not {own.min():g}")
    with named_later():
        found = (own[numbers] if weight is None else own[numbers] * weight).astype(dtype)
    if not found.any():
        raise DataError("class_weight times sample_weight is zero in every row")
    beyond = np.flatnonzero(~np.isfinite(found))
    if len(beyond):
        raise DataError(
            f"class_weight times sample_weight is beyond {found.dtype} in row {beyond[0]}: scale the weights"
        )
    return found


def column_weights(
    class_weight: ClassWeight | Sequence[ClassWeight], weight: Array | None, y: Any, dtype: Any
) -> Array | None:
    """``weight`` times the product over yes/no columns of the weight of a row's value there, (n,).

    class_weight : ``"balanced"``, or for each column a mapping from 0 and 1 to weights.

    Raises
    ------
    DataError : one mapping for all columns, or too many or few.
    """
    if class_weight is None:
        return weight
    with data_errors():
        own = compute_sample_weight(class_weight, y)
    return (own if weight is None else own * weight).astype(dtype)


def encoded_labels(y: Array) -> tuple[Array, NDArray[np.int64]]:
    """The labels in sorted order, in the user's own type, and the place of each row's, (n,).

    Raises
    ------
    DataError : y holds numbers that are no labels, or labels of kinds that cannot be sorted.
    """
    try:
        classes, numbers = np.unique(y, return_inverse=True)
    except TypeError:
        if missing := first_bad(y):
            raise DataError(f"Input y contains NaN{missing}: leave the row out") from None
        kinds = sorted({type(value).__name__ for value in y.tolist()})
        raise DataError(f"y must hold labels of one kind, not {' and '.join(kinds)}") from None
    with data_errors():
        check_classification_targets(y)
    return classes, numbers.astype(np.int64)


def _numeric(X: Any) -> Any:
    """X, lists as an array.

    Raises DataError for text and complex numbers, which NumPy would convert, and for damaged sparse tables,
    which SciPy would read out of bounds.
    """
    if is_sparse(X):
        if X.ndim == 2:
            check_sparse(X, "X")
        return X
    if isinstance(X, (list, tuple)):
        try:
            X = np.asarray(X)
        except ValueError:  # rows that differ in length: scikit-learn's check says so
            return X
    kind = X.dtype.kind if isinstance(X, np.ndarray) else ""
    if kind == "c":
        raise DataError(f"Complex data not supported: X holds {X.dtype}")
    if kind in tuple("SU"):
        raise DataError(f"X must hold numbers, not text ({X.dtype}): convert it, as with X.astype(float)")
    return X


def _canonical(x: Any) -> Any:
    """Rows with ascending columns, each once, as the engines take sparse ones; the caller's stay as they are.

    x : dense or CSR.
    """
    if not hasattr(x, "has_canonical_format") or x.has_canonical_format:
        return x
    ordered = x.copy()
    ordered.sum_duplicates()
    return ordered
