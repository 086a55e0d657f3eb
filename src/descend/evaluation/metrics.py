"""Metrics under scikit-learn's names, and the trivial predictor to hold them against."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Metrics = dict[str, float | None]
_LEAST = float(np.finfo(np.float64).eps)  # probabilities are held this far from 0 and 1, as scikit-learn does


def classification_metrics(truth: Array, predicted: Array, probabilities: Array) -> Metrics:
    """accuracy, log_loss (natural logarithm) and f1_macro (mean of F1 over the classes that occur).

    F1 of a class is 2·right / (rows of the class + rows named so). No large copy is made of anything.

    truth, predicted : (n,) class numbers.  probabilities : (n, classes).
    """
    given = np.take_along_axis(probabilities, truth[:, None], axis=1)[:, 0].astype(np.float64)
    given /= probabilities.sum(axis=1, dtype=np.float64)  # float32 rows sum to 1 only nearly
    classes = probabilities.shape[1]
    right = np.bincount(truth[truth == predicted], minlength=classes)
    named = np.bincount(truth, minlength=classes) + np.bincount(predicted, minlength=classes)
    occurs = named > 0
    return {
        "accuracy": float((truth == predicted).mean()),
        "log_loss": float(-np.log(given.clip(_LEAST, 1 - _LEAST)).mean()),
        "f1_macro": float((2 * right[occurs] / named[occurs]).mean()),
    }


def regression_metrics(truth: Array, predicted: Array) -> Metrics:
    """r2 (None for fewer than two rows or a constant truth), mean_absolute_error, root_mean_squared_error.

    What is beyond float64 is None.

    truth, predicted : (n,), in one unit, which is also that of the two errors.
    """
    truth, predicted = truth.astype(np.float64), predicted.astype(np.float64)
    exponent = _exponent(truth, predicted)  # powers of two change no digit, and keep squares within float64
    with np.errstate(invalid="ignore"):  # of infinite predictions, told as None
        scaled = np.ldexp(truth, -exponent)
        residual = scaled - np.ldexp(predicted, -exponent)
        squares, shift = _mean_square(residual)
    spread, span = _mean_square(scaled - scaled.mean())
    varies = truth.min() < truth.max() and spread > 0
    return {
        "r2": _finite(1.0 - _ldexp(squares / spread, 2 * (shift - span))) if varies else None,
        "mean_absolute_error": _finite(_ldexp(float(np.abs(residual).mean()), exponent)),
        "root_mean_squared_error": _finite(_ldexp(math.sqrt(squares), shift + exponent)),
    }


def _exponent(*arrays: Array) -> int:
    """The least e for which no value is beyond 2^e, 0 where all are 0 or one is infinite."""
    return int(np.frexp(max(float(np.abs(array).max()) for array in arrays))[1])


def _mean_square(values: Array) -> tuple[float, int]:
    """Σx²/n of ``values`` · 2^−shift, and the shift."""
    shift = _exponent(values)
    scaled = np.ldexp(values, -shift)
    return float(scaled @ scaled) / len(values), shift


def _ldexp(value: float, exponent: int) -> float:
    """value · 2^exponent, infinite beyond float64."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.inf


def quantile_metrics(truth: Array, predicted: Array, level: float) -> Metrics:
    """mean_pinball_loss and d2_pinball_score before what ``regression_metrics`` gives.

    The pinball loss is in the unit of the target. D² is 1 − loss / loss of the truth's own quantile; None for
    fewer than two rows or a constant truth. What is beyond float64 is None.

    truth, predicted : (n,), in one unit.  level : of the quantile, 0 < level < 1.
    """
    loss = pinball_loss(truth, predicted, level)
    constant = pinball_loss(truth, quantile_guess(truth, level), level)
    return {
        "mean_pinball_loss": _finite(loss),
        "d2_pinball_score": _explained(loss, constant, truth),
        **regression_metrics(truth, predicted),
    }


def count_metrics(truth: Array, predicted: Array) -> Metrics:
    """mean_poisson_deviance and d2_tweedie_score (of power 1) before what ``regression_metrics`` gives.

    D² is 1 − deviance / deviance of the truth's own mean; None for fewer than two rows or a constant truth.
    What is beyond float64 is None, such as the deviance of a count where 0 was expected.

    truth : (n,) counts of at least 0.  predicted : (n,) expected counts of at least 0.
    """
    deviance = poisson_deviance(truth, predicted)
    constant = poisson_deviance(truth, truth.mean(dtype=np.float64))
    return {
        "mean_poisson_deviance": _finite(deviance),
        "d2_tweedie_score": _explained(deviance, constant, truth),
        **regression_metrics(truth, predicted),
    }


def pinball_loss(truth: Array, predicted: Array | float, level: float) -> float:
    """Mean of level · r where r ≥ 0 and (level − 1) · r elsewhere, r = truth − predicted; inf beyond float64.

    Source: R. Koenker, G. Bassett, "Regression quantiles", 1978; sklearn.metrics.mean_pinball_loss.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        residual = truth.astype(np.float64) - predicted
        return float(np.maximum(level * residual, (level - 1) * residual).mean())


def poisson_deviance(truth: Array, predicted: Array | float) -> float:
    """Mean of 2 (y log(y / p) − y + p), 2 p where y is 0; inf where p is 0 and y is not, and beyond float64.

    Source: P. McCullagh, J. Nelder, "Generalized Linear Models", 1989; sklearn.metrics.mean_poisson_deviance.
    """
    counts = truth.astype(np.float64)
    with np.errstate(over="ignore", divide="ignore"):
        ratio = np.divide(counts, predicted, out=np.ones_like(counts), where=counts > 0)
        return float(2 * (counts * np.log(ratio) - counts + predicted).mean())


def quantile_guess(training: Array, level: float) -> float:
    """The constant of the smallest pinball loss on the training rows: their quantile. training : (n,)."""
    with np.errstate(over="ignore", invalid="ignore"):  # of neighbours that are further apart than float64
        return float(np.quantile(training, level, method="averaged_inverted_cdf"))


def _explained(loss: float, constant: float, truth: Array) -> float | None:
    return _finite(1.0 - loss / constant) if truth.min() < truth.max() and constant > 0 else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def majority_accuracy(training: Array, truth: Array) -> float:
    """Accuracy of always naming the commonest training class. Both (n,) class numbers."""
    values, counts = np.unique(training, return_counts=True)
    return float((truth == values[counts.argmax()]).mean())


def median_error(training: Array, truth: Array) -> float:
    """Mean absolute error of always predicting the training median. Both (n,)."""
    return float(np.abs(truth - np.median(training)).mean())
