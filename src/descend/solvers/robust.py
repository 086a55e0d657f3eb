"""What fits under losses other than the squared error have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RobustFit:
    """c : (q,), the intercept first where there is one.  objective : at c.  iterations : of the solver.

    gap : how far the objective may be above its least value, as a share of the objective with all
        coefficients 0, the intercept being a quantile of y.
    """

    c: NDArray[np.float64]
    objective: float
    gap: float
    iterations: int


def share_of_null(gap: float, null: float) -> float:
    """gap over the objective without coefficients, which is 0 only where nothing is left to fit."""
    return gap / null if null > 0 else 0.0
