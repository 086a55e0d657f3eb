"""What fits under losses other than the squared error have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class RobustFit:
    """c : (q,), the intercept first where there is one.  objective : at c.  iterations : of the solver.

    gap : how far the objective may be above its least value, as a share of it.
    """

    c: NDArray[np.float64]
    objective: float
    gap: float
    iterations: int
