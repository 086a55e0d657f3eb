"""Logistic and softmax regression, solved: which method takes which table, and what came of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import sparse
from threadpoolctl import ThreadpoolController

from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine, resolve_engine
from descend.networks import BinaryCrossEntropy, CrossEntropy, Dense, Network
from descend.optimizers import SGD
from descend.solvers.cross_entropy import CrossEntropyObjective, Integers, Point
from descend.solvers.design import Design, Doubles
from descend.solvers.lbfgs import lbfgs
from descend.solvers.newton import Ended, newton
from descend.solvers.optimality import Optimality, judged
from descend.solvers.proximal_newton import proximal_newton
from descend.solvers.separation import separated
from descend.solvers.solved import Progress, Solved

Callback = Callable[[Progress], bool | None]
Method = Literal["auto", "newton-cholesky", "newton-cg"]

# Multiplications of a pass over the rows beyond which the optimum is approached to the tolerance, and then as
# far as max_iter passes lead.
_LARGE = 20_000_000
_CHOLESKY = 2048  # the most coefficients whose Hessian is factored on request
_UNLIMITED = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """Mean cross-entropy + ½ l2 ‖W‖² + l1 ‖W‖₁ over rows, the intercept free of penalties.

    x : (n, p) float64 or float32, dense or CSR, finite.  numbers : (n,) class numbers.
    classes : how many, at least 2; two have one column of coefficients.
    weight : (n,) of at least 0, or None.
    l2, l1 : per unit of the weighted mean loss; 1 / (C Σ weight) in scikit-learn's terms.
    """

    x: Any
    numbers: Integers
    classes: int
    weight: Doubles | None
    l2: float
    l1: float
    intercept: bool

    @property
    def outputs(self) -> int:
        """Columns of coefficients."""
        return 1 if self.classes == 2 else self.classes

    @property
    def large(self) -> bool:
        """Whether a pass over the rows takes long."""
        return bool(self.x.size * self.outputs > _LARGE)  # of CSR, the values it stores


@dataclass(frozen=True, slots=True)
class Fitted:
    """weight (p, k) and bias (k,) in x's own units, and how they were reached.

    objective : at them.  optimality : how near the best.  iterations : steps of all methods.
    ended : ``"optimum"`` as float64 tells it, ``"iterations"`` where they were used up, ``"rounding"`` where
        that hid all further descent, or ``"callback"``.
    separated : the classes are, and without a penalty no finite coefficients are the best.
    """

    weight: Doubles
    bias: Doubles
    objective: float
    optimality: Optimality
    iterations: int
    ended: Ended
    separated: bool


def solve_logistic(
    problem: Problem, *, start: tuple[Doubles, Doubles] | None = None, method: Method = "auto",
    tol: float = 1e-4, max_iter: int = 100, callback: Callback | None = None,
    engine: str = "auto", threads: int = 1,
) -> Fitted:  # fmt: skip
    """Solves the problem: to the optimum where a pass over the rows is cheap, else at least to the tolerance.

    With an L1 penalty by proximal_newton, else by newton. Large dense tables are first brought to the
    tolerance by lbfgs on the engine, whose passes are the cheapest; on large tables newton's products are
    limited to max_iter.

    Parameters
    ----------
    start : weight and bias to start from, by default 0.
    method : how newton solves its systems.
    tol : largest entry of the gradient by x's own coefficients that counts as converged.
    max_iter : of all steps.
    callback : called after each step; True ends the run there.
    """
    weight, bias = start or (np.zeros((problem.x.shape[1], problem.outputs)), np.zeros(problem.outputs))
    before = None
    if problem.large and method == "auto" and not problem.l1 and not sparse.issparse(problem.x):
        before = _approached(problem, weight, bias, tol, max_iter, callback, engine, threads)
        weight = before.parameters["0.weight"].astype(np.float64)
        bias = before.parameters.get("0.bias", bias).astype(np.float64)
    # Small products lose far more by waking BLAS's threads than they gain, on a busy machine most of all.
    with _blas().limit(limits=threads if problem.large else 1, user_api="blas"):
        return _finished(problem, weight, bias, before, method, tol, max_iter, callback)


@functools.cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def _finished(
    problem: Problem, weight: Doubles, bias: Doubles, before: Solved | None, method: Method,
    tol: float, max_iter: int, callback: Callback | None,
) -> Fitted:  # fmt: skip
    """The fit, from where ``before`` left it, by a Newton method."""
    used = 0 if before is None else before.iterations
    told_to_stop = before is not None and before.stopped == "callback"
    design = Design(problem.x, problem.intercept)
    objective = CrossEntropyObjective(
        design, problem.numbers, problem.classes, problem.weight, problem.l2, problem.l1
    )
    run = _Run(objective, tol, before, callback)
    point = objective.at(design.scaled(weight, bias))
    left = 0 if told_to_stop else max_iter - used
    if problem.l1:
        point, steps, ended = proximal_newton(objective, point, max_iter=left, watch=run)
    else:
        factored = {"auto": None, "newton-cg": False, "newton-cholesky": point.coefficients.size <= _CHOLESKY}
        point, steps, ended = newton(
            objective, point, max_iter=left, factored=factored[method],
            most_products=max_iter if problem.large else _UNLIMITED, watch=run,
        )  # fmt: skip
    if told_to_stop:
        ended = "callback"
    elif run.separated:
        ended = "optimum"
    weight, bias = _centred(problem, *design.original(point.coefficients))
    return Fitted(
        weight, bias, point.value, judged(objective, point), used + steps, ended, run.separated
    )  # fmt: skip


class _Run:
    """What happens after each step: the callback, and a look whether there is an optimum at all."""

    def __init__(
        self, objective: CrossEntropyObjective, tol: float, before: Solved | None, callback: Callback | None
    ) -> None:
        self._objective, self._tol, self._callback = objective, tol, callback
        self._iterations, self._evaluations = (before.iterations, before.evaluations) if before else (0, 0)
        self._penalised = bool((objective.l2 + objective.l1)[objective.penalised].any())
        self.separated = False

    def __call__(self, step: int, point: Point, direction: Doubles) -> bool:
        if self._callback is None and self._penalised:
            return False
        optimality = self._objective.optimality(point)
        if self._callback is not None:
            evaluations = self._evaluations + self._objective.evaluations
            told = Progress(self._iterations + step, point.value, optimality, evaluations)
            if self._callback(told):
                return True
        if not self._penalised and optimality <= self._tol:
            self.separated = separated(self._objective, point, direction)
        return self.separated


def _approached(
    problem: Problem, weight: Doubles, bias: Doubles, tol: float, max_iter: int,
    callback: Callback | None, engine: str, threads: int,
) -> Solved:  # fmt: skip
    """Where lbfgs on the engine gets, in x's own dtype."""
    single, dtype = problem.outputs == 1, problem.x.dtype
    network = Network(
        [Dense(problem.outputs, init="zeros", bias=problem.intercept)],
        BinaryCrossEntropy() if single else CrossEntropy(),
    )
    widths = network.widths(problem.x.shape[1])
    program = get_engine(resolve_engine(engine, stacklevel=7)).compile(
        network, widths, SGD(), dtype.name, threads, 0
    )
    targets = problem.numbers[:, None].astype(dtype) if single else problem.numbers
    row_weight = None if problem.weight is None else problem.weight.astype(dtype)
    start = {"0.weight": weight.astype(dtype)}
    if problem.intercept:
        start["0.bias"] = bias.astype(dtype)
    return lbfgs(
        program, network, Inputs(problem.x, targets, row_weight), l2=problem.l2, tol=tol, max_iter=max_iter,
        start=start, callback=callback,
    )  # fmt: skip


def _centred(problem: Problem, weight: Doubles, bias: Doubles) -> tuple[Doubles, Doubles]:
    """The one to report of all that differ by what moves the classes alike, which changes no probability.

    The class means are 0, but for weights with an L1 penalty. An L1 penalty alone leaves a choice for an even
    number of classes, anywhere between the two middle weights of a column: the one of these nearer to the
    mean becomes 0.
    """
    if problem.outputs == 1:
        return weight, bias
    if not problem.l1:
        weight = weight - weight.mean(axis=1, keepdims=True)
    elif not problem.l2 and problem.outputs % 2 == 0:
        half = problem.outputs // 2
        low, high = np.sort(weight, axis=1)[:, half - 1 : half + 1].T
        mean = weight.mean(axis=1)
        nearer = np.where(mean - low <= high - mean, low, high)
        weight = weight - np.where((low <= 0) & (high >= 0), nearer, 0.0)[:, None]
    return weight, bias - bias.mean()
