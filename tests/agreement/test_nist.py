"""NIST's certified regressions (Statistical Reference Datasets) through LinearRegression, columns as given.

``pytest -s tests/agreement/test_nist.py`` prints the correct digits.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from descend import LinearRegression

NIST = Path(__file__).parents[1] / "solvers" / "nist"
CERTIFIED = json.loads((NIST / "certified.json").read_text(encoding="utf-8"))
GOALS = {
    "Norris": 13, "Pontius": 13, "Longley": 13, "Wampler1": 13, "Wampler2": 13, "Wampler3": 13,
    "Wampler4": 10, "Wampler5": 9, "NoInt1": 14.5, "NoInt2": 14.5, "Filip": 7.5,
}  # fmt: skip


def digits(found, certified):
    """Log relative error: correct digits of the worst, at most 16."""
    errors = [abs(Fraction(float(f)) / Fraction(c) - 1) for f, c in zip(found, certified, strict=True)]
    return -np.log10(max(float(max(errors)), 1e-16))


@pytest.mark.parametrize("name", GOALS)
def test_certified_values(name):
    known = CERTIFIED[name]
    table = np.loadtxt(NIST / f"{name}.csv", delimiter=",", skiprows=1)
    X, y = table[:, 1:], table[:, 0]
    summary = LinearRegression(fit_intercept=known["intercept"]).fit(X, y).summary()
    coefficients = digits(summary.coef, known["certified"]["coef"])
    residual = summary.fit.residual_standard_error
    if float(known["certified"]["residual_sd"]) == 0:
        print(f"{name:9} coefficients {coefficients:5.2f}   residual deviation {residual:.1e}")
        assert residual <= 1e-13 * np.abs(y).max()
    else:
        deviations = digits(summary.standard_errors, known["certified"]["sd"])
        scale = digits([residual], [known["certified"]["residual_sd"]])
        share = digits([summary.fit.r_squared], [known["certified"]["r_squared"]])
        print(
            f"{name:9} coefficients {coefficients:5.2f}   deviations {deviations:5.2f}   "
            f"residual deviation {scale:5.2f}   R² {share:5.2f}"
        )
        assert deviations >= GOALS[name] - 1
        assert scale >= GOALS[name] - 1
        assert share >= min(GOALS[name], 12)
    assert coefficients >= GOALS[name]
