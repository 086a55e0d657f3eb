"""A perceptron's fit with all rows at once."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from descend.engines.protocol import Inputs, Program, State
from descend.estimators.shown import print_step
from descend.networks import Network
from descend.solvers.lbfgs import lbfgs
from descend.solvers.solved import Progress, Solved

_FLAT = 2.220446049250313e-09  # ftol of scipy.optimize.minimize(method="L-BFGS-B"), which scikit-learn keeps
_CALLERS = 7  # frames between a warning and the caller of fit


def solve_by_lbfgs(
    program: Program, network: Network, inputs: Inputs, start: State, alpha: float, columns: int,
    loss_scale: float, tol: float, max_iter: int, max_fun: int, verbose: bool,
) -> tuple[Solved, list[float]]:  # fmt: skip
    """Makes mean loss + ½ alpha ‖W‖² / Σ weight small: the end, and each iteration's objective.

    It ends where tol holds, or where an iteration brings next to nothing, as scikit-learn's does.

    columns : output columns whose mean the engine takes; penalty and tol are counted for their sum.
    loss_scale : what objectives are multiplied by to be scikit-learn's.  verbose : a line for each iteration.

    Raises
    ------
    OptionError : a network with Dropout, or a loss without a gradient at its optimum.
    Diverged : the objective is not finite at the start.
    """
    total = float(len(inputs.y) if inputs.weight is None else inputs.weight.sum(dtype=np.float64))
    curve: list[float] = []

    def told(progress: Progress) -> bool:
        curve.append(progress.objective * loss_scale)
        if verbose:
            print_step(progress.iteration, curve[-1])
        return progress.evaluations >= max_fun or _is_flat(curve)

    solved = lbfgs(
        program, network, inputs, l2=alpha / total / columns, tol=tol / columns, max_iter=max_iter,
        start=start, callback=told,
    )  # fmt: skip
    if solved.stopped in ("iterations", "callback") and not _is_flat(curve):
        warnings.warn(f"lbfgs {solved.message}", ConvergenceWarning, stacklevel=_CALLERS)
    return solved, curve


def _is_flat(curve: list[float]) -> bool:
    """Whether the last iteration lowered the objective by at most 2.2e-9 of it, or of 1 if more."""
    if len(curve) < 2:
        return False
    before, after = curve[-2:]
    return before - after <= _FLAT * max(abs(before), abs(after), 1.0)
