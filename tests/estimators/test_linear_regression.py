"""LinearRegression: scikit-learn's checks of an estimator, its own results beside other solvers', corners."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import linear_model
from sklearn.datasets import load_diabetes
from sklearn.utils.estimator_checks import parametrize_with_checks

from descend import LinearRegression
from descend.errors import DataError, OptionError


@parametrize_with_checks(
    [
        LinearRegression(),
        LinearRegression(positive=True),
        LinearRegression(alpha=1.0),
        LinearRegression(loss="huber"),
        LinearRegression(loss="absolute_error"),
        LinearRegression(loss="quantile", quantile=0.3),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
