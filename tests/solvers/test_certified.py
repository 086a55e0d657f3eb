"""NIST's certified problems: correct digits of the coefficients, before any refinement."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from descend.solvers.exact import least_squares

NIST = Path(__file__).with_name("nist")
CERTIFIED = json.loads((NIST / "certified.json").read_text(encoding="utf-8"))
# Digits that a factorization in float64 can be held to; what is missing is the condition's.
DIGITS = {
    "Norris": 11, "Pontius": 11, "Longley": 12, "Wampler1": 8, "Wampler2": 11, "Wampler3": 8,
    "Wampler4": 6.5, "Wampler5": 4.5, "NoInt1": 14, "NoInt2": 14, "Filip": 7,
}  # fmt: skip


def correct_digits(found, right):
    """Log relative error, the smallest over the coefficients."""
    errors = [abs(Fraction(float(f)) / r - 1) for f, r in zip(found, right, strict=True)]
    return -np.log10(max(float(max(errors)), 1e-17))


@pytest.mark.parametrize("name", CERTIFIED)
def test_correct_digits(way, exact, name):
    intercept = CERTIFIED[name]["intercept"]
    table = np.loadtxt(NIST / f"{name}.csv", delimiter=",", skiprows=1)
    X, y = table[:, 1:], table[:, 0]
    found = least_squares(X, y, fit_intercept=intercept)
    coefficients = [found.intercept, *found.coef] if intercept else found.coef
    assert found.rank == X.shape[1]
    assert correct_digits(coefficients, exact(X, y, intercept=intercept)) >= DIGITS[name]
    certified = [Fraction(text) for text in CERTIFIED[name]["certified"]["coef"]]
    assert correct_digits(coefficients, certified) >= DIGITS[name]


@pytest.mark.parametrize("name", ["Norris", "Pontius", "Longley", "Wampler3", "Wampler5", "NoInt1", "Filip"])
def test_residual_sums_and_deviations(way, name):
    """The factor carries what standard errors are made of."""
    certified = CERTIFIED[name]["certified"]
    table = np.loadtxt(NIST / f"{name}.csv", delimiter=",", skiprows=1)
    X, y = table[:, 1:], table[:, 0]
    found = least_squares(X, y, fit_intercept=CERTIFIED[name]["intercept"])
    assert found.residual_sum_of_squares == pytest.approx(float(certified["ss_residual"]), rel=1e-7)
    share = 1 - found.residual_sum_of_squares / found.total_sum_of_squares
    assert share == pytest.approx(float(certified["r_squared"]), rel=1e-8)
    slopes = slice(int(CERTIFIED[name]["intercept"]), None)
    inverse = np.linalg.inv(found.triangle.R[slopes, slopes])
    freedom = len(X) - len(found.triangle.R)
    deviation = np.sqrt((inverse**2).sum(axis=1) * found.residual_sum_of_squares / freedom)
    np.testing.assert_allclose(
        deviation / found.triangle.scale, np.array(certified["sd"], float)[slopes], rtol=1e-6
    )
