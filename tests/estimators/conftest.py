"""Standardised built-in tables, and small perceptrons to fit on them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from descend import MLPClassifier, MLPRegressor

_SMALL = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}


def _standardised(name: str) -> tuple[np.ndarray, np.ndarray]:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="session")
def standardised() -> Callable[[str], tuple[np.ndarray, np.ndarray]]:
    """Columns of mean 0 and deviation 1, constant ones 0, and labels of scikit-learn's table of that name."""
    return _standardised


@pytest.fixture
def flowers() -> tuple[np.ndarray, np.ndarray]:
    """Iris: 150 rows, three classes."""
    return _standardised("iris")


@pytest.fixture
def patients() -> tuple[np.ndarray, np.ndarray]:
    """Diabetes: 442 rows and a number, standardised too."""
    X, y = _standardised("diabetes")
    return X, (y - y.mean()) / y.std()


@pytest.fixture(scope="session")
def classifier() -> Callable[..., MLPClassifier]:
    """A function that makes one of 8 units and 5 epochs, with the options given."""
    return lambda **options: MLPClassifier(**{**_SMALL, **options})


@pytest.fixture(scope="session")
def regressor() -> Callable[..., MLPRegressor]:
    """As ``classifier``, for numbers."""
    return lambda **options: MLPRegressor(**{**_SMALL, **options})


@pytest.fixture(scope="session")
def assert_same() -> Callable[..., None]:
    """A function that holds two perceptrons' weights within a tolerance of each other, 0 by default."""

    def compare(one, other, tolerance=0.0):
        for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)

    return compare
