"""NIST's certified problems: correct digits of the coefficients and of their deviations."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from descend.solvers.exact import least_squares

NIST = Path(__file__).with_name("nist")
CERTIFIED = json.loads((NIST / "certified.json").read_text(encoding="utf-8"))
# What the certified values and the rounding of powers and decimals to float64 leave.
DIGITS = {
    "Norris": 13, "Pontius": 13, "Longley": 13, "Wampler1": 13, "Wampler2": 13, "Wampler3": 13,
    "Wampler4": 13, "Wampler5": 13, "NoInt1": 14.5, "NoInt2": 14.5, "Filip": 7.5,
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
    # Rounded once, from the exact solution for these float64 numbers.
    assert correct_digits(coefficients, exact(X, y, intercept=intercept)) >= 15.9
    certified = [Fraction(text) for text in CERTIFIED[name]["certified"]["coef"]]
    assert correct_digits(coefficients, certified) >= DIGITS[name]


@pytest.mark.parametrize("name", ["Norris", "Pontius", "Longley", "Wampler3", "Wampler5", "NoInt1", "Filip"])
def test_residual_sums_and_deviations(way, name):
    certified = CERTIFIED[name]["certified"]
    table = np.loadtxt(NIST / f"{name}.csv", delimiter=",", skiprows=1)
    X, y = table[:, 1:], table[:, 0]
    found = least_squares(X, y, fit_intercept=CERTIFIED[name]["intercept"])
    assert found.residual_sum_of_squares == pytest.approx(float(certified["ss_residual"]), rel=1e-9)
    share = 1 - found.residual_sum_of_squares / found.total_sum_of_squares
    assert share == pytest.approx(float(certified["r_squared"]), rel=1e-9)
    residual_deviation = np.sqrt(found.residual_sum_of_squares / (len(X) - len(found.triangle.R)))
    deviations = [Fraction(text) for text in certified["sd"]]
    assert correct_digits(residual_deviation * found.deviation_factors, deviations) >= DIGITS[name] - 0.5
