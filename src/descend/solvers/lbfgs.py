"""L-BFGS on the loss of all rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from descend.engines.protocol import Array, Inputs, Program
from descend.errors import Diverged, OptionError
from descend.networks import Network
from descend.solvers.coordinates import Coordinates, coordinates_for
from descend.solvers.line_search import Point, line_search
from descend.solvers.memory import Memory
from descend.solvers.objective import Objective, Vector
from descend.solvers.solved import Callback, Progress, Solved, Stopped

_PAIRS = 10
_PATIENCE = 10  # steps without a smaller objective or gradient
_COARSE_TOL = 1e-5  # what float32 sums over many rows resolve


def lbfgs(
    program: Program,
    network: Network,
    inputs: Inputs,
    *,
    l2: float = 0.0,
    tol: float = 1e-4,
    max_iter: int = 100,
    start: Mapping[str, Array] | None = None,
    callback: Callback | None = None,
    coarse: tuple[Program, Inputs] | None = None,
) -> Solved:
    """Makes mean loss + ½ l2 Σ‖W‖² small (biases are not penalised) by L-BFGS with 10 pairs.

    A network of one dense layer is solved in coordinates whitened by its inputs' covariance (coordinates.py),
    which needs several times fewer evaluations. Two runs on one machine give the same numbers; another number
    of threads or another BLAS may round otherwise.

    Parameters
    ----------
    program : ``network`` compiled by any engine; ``inputs`` are bound to it.
    l2 : penalty per unit of the mean loss, at least 0; 1 / (C Σ weight) in scikit-learn's terms.
    tol : stop once no entry of the gradient is larger than this, at least 0.
    max_iter : stop after as many steps, at least 0.
    start : parameters to start from; the program's own by default.
    callback : called after each step; True ends the run there.
    coarse : a float32 program of the same network, and the same rows as it takes them: makes the steps down
        to an optimality of 1e-5 (or tol), where it is faster; ``program`` then goes on until tol holds.

    Raises
    ------
    OptionError : an option out of range, a network with Dropout, an AbsoluteError or Quantile loss, a start
        that does not fit.
    DataError : rows that the engine refuses.
    Diverged : objective or gradient are not finite at the start.
    """
    if not tol >= 0 or max_iter < 0:
        raise OptionError(f"tol and max_iter must be at least 0, not {tol!r} and {max_iter!r}")
    if start is not None:
        program.load(start)
    objective = Objective(program, network, inputs, l2)
    run = _Run(objective, lambda: coordinates_for(network, inputs, l2))
    stopped: Stopped | None = None
    if coarse is not None:
        stopped = run.coarsely(Objective(coarse[0], network, coarse[1], l2), tol, max_iter, callback)
    if stopped != "callback":
        stopped = run.until(tol, max_iter, callback)
    parameters = objective.rounded(run.parameters)
    program.load(parameters)
    return Solved(
        parameters, run.point.value, run.point.optimality, run.iterations, run.evaluations, stopped,
        _message(stopped, run, tol, objective.dtype.name),
    )  # fmt: skip


class _Run:
    """The walk from the objective's start, in coordinates that suit the network."""

    def __init__(self, objective: Objective, choose: Callable[[], Coordinates]) -> None:
        self._objective, self._origin = objective, objective.start
        value, gradient = objective(objective.start)
        if not math.isfinite(value):
            raise Diverged(
                "the objective or its gradient is not finite at the start; look for very large values in the "
                "rows, and start from smaller weights",
                0, objective.rounded(objective.start),
            )  # fmt: skip
        self._coordinates = choose()
        self._memory = Memory(_PAIRS)
        self.point = self._point(np.zeros(sum(part.size for part in gradient.values())), value, gradient)
        self.iterations = 0
        self._coarse_evaluations = 0

    @property
    def parameters(self) -> dict[str, Vector]:
        """Where the walk is."""
        return self._at(self.point.x)

    @property
    def _rounding(self) -> float:
        return float(np.finfo(self._objective.dtype).eps)

    @property
    def evaluations(self) -> int:
        """Gradients of all rows asked for, of either precision."""
        return self._coarse_evaluations + self._objective.evaluations

    def coarsely(self, objective: Objective, tol: float, max_iter: int, callback: Callback | None) -> Stopped:
        """Steps with a cheaper ``objective`` as far as it can be trusted."""
        own, self._objective = self._objective, objective
        stopped = self.until(max(tol, _COARSE_TOL), max_iter, callback)
        self._coarse_evaluations, self._objective = objective.evaluations, own
        self.point = self._evaluate(self.point.x)
        return stopped

    def until(self, tol: float, max_iter: int, callback: Callback | None) -> Stopped:
        """Steps until one of the reasons to stop holds."""
        best, idle = math.inf, 0
        while self.point.optimality > tol:
            if self.iterations == max_iter:
                return "iterations"
            before = self.point
            if not self._step():
                return "rounding"
            self.iterations += 1
            better = before.value - self.point.value > self._rounding * abs(before.value)
            idle = 0 if better or self.point.optimality < best else idle + 1
            best = min(best, self.point.optimality)
            if idle == _PATIENCE:
                return "rounding"
            progress = Progress(self.iterations, self.point.value, self.point.optimality, self.evaluations)
            if callback is not None and callback(progress):
                return "callback"
        return "tolerance"

    def _step(self) -> bool:
        """One step; without the memory where it leads nowhere. False where no step makes F smaller."""
        found = self._search()
        if found is None and len(self._memory):
            self._memory.clear()
            found = self._search()
        if found is None:
            return False
        self._memory.add(found.x - self.point.x, found.gradient - self.point.gradient)
        self.point = found
        return True

    def _search(self) -> Point | None:
        direction = self._memory.direction(self.point.gradient)
        if not self.point.gradient @ direction < 0:
            return None
        step = 1.0
        if not len(self._memory) and not self._coordinates.unit_step:
            step = min(1.0, 1.0 / float(np.linalg.norm(direction)))
        return line_search(self._evaluate, self.point, direction, step, self._rounding)

    def _evaluate(self, x: Vector) -> Point:
        return self._point(x, *self._objective(self._at(x)))

    def _at(self, x: Vector) -> dict[str, Vector]:
        """Parameters at x, which is counted from the start so that the start is kept to the last bit."""
        moved = self._coordinates.parameters(x)
        return {name: origin + moved[name] for name, origin in self._origin.items()}

    def _point(self, x: Vector, value: float, gradient: Mapping[str, Vector]) -> Point:
        largest = max(float(np.abs(part).max()) for part in gradient.values())
        return Point(x, value, self._coordinates.gradient(gradient), largest)


def _message(stopped: Stopped, run: _Run, tol: float, dtype: str) -> str:
    reached = f"the largest gradient entry is {run.point.optimality:.1e}"
    above = f"{reached}, above tol={tol:g}"
    return {
        "tolerance": f"converged: {reached}, within tol={tol:g}",
        "iterations": f"stopped after {run.iterations} iterations: {above}; raise max_iter",
        "rounding": f"stopped where rounding in {dtype} hides any further descent: {above}",
        "callback": f"stopped by the callback: {reached}",
    }[stopped]
