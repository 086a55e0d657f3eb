"""What a LogisticRegression says of a fit that did not end at an optimum."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from descend.solvers.logistic import Fitted

# scikit-learn's, for programs that filter its warnings.
_OPENINGS = {
    "liblinear": "Liblinear failed to converge, increase the number of iterations. Stopped",
    "newton-cholesky": "Newton solver did not converge",
    "sag": "The max_iter was reached which means the coef_ did not converge",
    "saga": "The max_iter was reached which means the coef_ did not converge",
}


def warn_of_ending(found: Fitted, solver: str, tol: float) -> None:
    """Warns where there is no optimum, or where the fit ended before ``tol`` held; silent otherwise."""
    reached = f"the largest gradient entry is {float(found.optimality):.1e}"
    if found.separated:
        _warn(
            "the classes can be told apart without an error, so without a penalty no finite coefficients are "
            f"the best: those returned are large enough that {reached}; set C to a finite number for "
            "coefficients with a meaning"
        )
    elif found.ended in ("iterations", "rounding") and not found.optimality <= tol:
        opening = _OPENINGS.get(solver, f"{solver} failed to converge")
        known = np.isfinite(found.optimality.gap)
        distance = f", and the objective is {found.optimality}" if known else ""
        remedy = "Increase the number of iterations" if found.ended == "iterations" else "Scale the columns"
        _warn(
            f"{opening} after {found.iterations} iterations: {reached}, above tol={tol:g}{distance}. "
            f"{remedy}."
        )


def _warn(message: str) -> None:
    warnings.warn(message, ConvergenceWarning, stacklevel=6)  # the caller of fit
