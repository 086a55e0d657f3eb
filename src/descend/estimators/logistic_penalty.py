"""What scikit-learn's ``penalty``, ``C``, ``l1_ratio``, ``solver`` and ``dual`` ask for together.

What scikit-learn's solver of a name refuses is refused, too, though every solver here could do it: code then
runs with both.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from descend.errors import DataError
from descend.estimators.base import ParameterError

_L1_SOLVERS = ("liblinear", "saga")
ALL_SIZES = (
    "lbfgs",
    "newton-cg",
    "newton-cholesky",
)  # of sparse rows: scikit-learn's others want 32-bit indices


@dataclass(frozen=True, slots=True)
class Penalty:
    """C · Σ losses + (1 − l1_ratio)/2 ‖W‖² + l1_ratio ‖W‖₁; C is infinite without a penalty."""

    C: float
    l1_ratio: float

    def per_mean_loss(self, total: float) -> tuple[float, float]:
        """l2 and l1 for a unit of the mean loss; total: sum of the rows' weights."""
        unit = 1.0 / self.C / total
        return (1.0 - self.l1_ratio) * unit, self.l1_ratio * unit


def resolved_penalty(model: Any) -> Penalty:
    """The penalty of a LogisticRegression's parameters.

    ``penalty`` is scikit-learn's deprecated name for the kind that ``l1_ratio`` and ``C`` tell.

    Raises
    ------
    ParameterError : a solver that scikit-learn does not let solve this, or a missing l1_ratio.

    Warns
    -----
    FutureWarning, UserWarning : names that scikit-learn is about to drop, parameters without effect.
    """
    kind = _kind(model)
    _refuse(model.solver, kind, model.dual)
    if kind == "elasticnet" and model.l1_ratio is None:
        raise ParameterError("l1_ratio must be given with penalty='elasticnet': a number from 0 to 1")
    if model.penalty != "deprecated":
        _warn_of_conflicts(model)
    ratio = {"l1": 1.0, "elasticnet": model.l1_ratio}.get(str(kind), 0.0)
    return Penalty(np.inf if kind is None else float(model.C), float(ratio))


def _kind(model: Any) -> str | None:
    if model.l1_ratio is None and model.penalty == "deprecated":
        _warn("'l1_ratio=None' was deprecated in scikit-learn 1.8; use l1_ratio=0", FutureWarning)
    if model.penalty != "deprecated":
        _warn(
            "'penalty' was deprecated in scikit-learn 1.8; leave it out and use l1_ratio=0 for 'l2', "
            "l1_ratio=1 for 'l1', a number between for 'elasticnet', and C=np.inf for None",
            FutureWarning,
        )
        return model.penalty
    if np.inf == model.C:
        return None
    return {0: "l2", None: "l2", 1: "l1"}.get(model.l1_ratio, "elasticnet")


def _refuse(solver: str, kind: str | None, dual: bool) -> None:
    if kind not in ("l2", None) and solver not in _L1_SOLVERS:
        raise ParameterError(
            f"Solver {solver} supports only 'l2' or None penalties, got {kind}; use solver='saga'"
        )
    if dual and solver != "liblinear":
        raise ParameterError(f"Solver {solver} supports only dual=False, got dual={dual}")
    if kind == "elasticnet" and solver == "liblinear":
        raise ParameterError(f"Only 'saga' solver supports elasticnet penalty, got solver={solver}.")
    if dual and kind == "l1":
        raise ParameterError("dual=True is for the L2 penalty; use dual=False with L1")
    if kind is None and solver == "liblinear":
        raise ParameterError(
            "C=np.inf or penalty=None is not supported for the liblinear solver; use solver='lbfgs'"
        )


def refuse_huge(solver: str, x: Any) -> None:
    """Raises DataError for what scikit-learn's liblinear cannot read. x : dense or CSR (n, inputs)."""
    if solver == "liblinear" and x.max() > 1e30:
        raise DataError(
            "Using the 'liblinear' solver while X contains a maximum value > 1e30 results in a frozen fit. "
            "Please choose another solver or rescale the input X."
        )


def _warn_of_conflicts(model: Any) -> None:
    kind, ratio = model.penalty, model.l1_ratio
    if kind != "elasticnet" and ratio is not None and 0 < ratio < 1:
        _warn(f"l1_ratio parameter is only used when penalty is 'elasticnet'. Got (penalty={kind})")
    if (kind == "l2" and ratio != 0) or (kind == "l1" and ratio != 1):
        _warn(f"Inconsistent values: penalty={kind} with l1_ratio={ratio}; l1_ratio alone is enough")
    if kind is None and model.C != 1.0:
        _warn("Setting penalty=None will ignore the C and l1_ratio parameters")


def _warn(message: str, category: type[Warning] = UserWarning) -> None:
    warnings.warn(message, category, stacklevel=6)
