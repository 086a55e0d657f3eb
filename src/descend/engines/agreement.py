"""Whether two engines agree: the same network, start, order and masks on both, and how far apart they end.

A difference of a against b is ‖a − b‖ (Euclidean, over a whole tensor), and it is allowed

    tolerance · ‖b‖ + eps · ‖scale‖

with eps of the dtype, and a scale that says how large the terms were that the tensor is summed from:

- gradients and losses: engines.rounding
- weights: |start| + |end − start|, an entry at a time, the larger of both engines' movements. After a
  single step the movement counts 1 + 4 · scale / |gradient| times, decay included: a weight moves by rate
  times a function of its gradient and cannot be known better, in proportion, than the gradient is. An entry
  of a gradient that cancels to nothing is off by up to about three times eps · scale. It counts at most
  2 / eps times: where not even the sign is known, the weights are two movements apart.
  Trajectories have no such allowance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from descend.engines.plan import Batches, LastBatch, Order, Plan
from descend.engines.protocol import Array, Chunk, Inputs, Program, State
from descend.engines.registry import get_engine
from descend.engines.rounding import rounding_scales
from descend.engines.sparse import is_sparse, widened
from descend.networks import CrossEntropy, Network
from descend.optimizers import AdamW, Optimizer, parameter_decay, step_rates
from descend.optimizers.schedules import Span

_OF_ENTRY = 4.0  # times eps · scale: what rounding does to a single entry


@dataclass(frozen=True, slots=True)
class Promise:
    """Tolerances, as fractions of a norm: of the first gradient, and of step losses and final weights."""

    gradient: float
    trajectory: float


def promised(dtype: str, steps: int) -> Promise:
    """What the engines promise each other after one step, and after up to 20 (float64) or 100 (float32)."""
    step = {"float64": 1e-12, "float32": 1e-5}[dtype]
    return Promise(step, step if steps == 1 else {"float64": 1e-10, "float32": 1e-4}[dtype])


@dataclass(frozen=True, slots=True)
class Difference:
    """distance ‖a − b‖, size ‖b‖, and rounding eps · ‖scale‖."""

    distance: float
    size: float
    rounding: float

    @property
    def relative(self) -> float:
        """distance / size; 0 where both are 0."""
        if self.distance == 0.0:
            return 0.0
        return self.distance / self.size if self.size else np.inf

    def excess(self, tolerance: float) -> float:
        """distance over what is allowed: above 1 is a disagreement, as is anything not finite."""
        allowed = tolerance * self.size + self.rounding
        if not np.isfinite(self.distance):
            return np.inf
        return self.distance / allowed if allowed else (0.0 if self.distance == 0.0 else np.inf)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far engine a is from engine b.

    done : steps each made.  losses : of the step losses, as one vector.  gradients : of the first
    batch, by parameter.  weights : after the last step, by parameter.
    """

    engines: tuple[str, str]
    dtype: str
    done: tuple[int, int]
    losses: Difference
    gradients: dict[str, Difference]
    weights: dict[str, Difference]

    def excess(self, promise: Promise) -> tuple[float, str]:
        """The largest difference over what is allowed, and what differs."""
        if self.done[0] != self.done[1]:
            return np.inf, f"steps made: {self.done[0]} and {self.done[1]}"
        found = [(self.losses.excess(promise.trajectory), "step losses")]
        found += [(d.excess(promise.gradient), f"gradient {name}") for name, d in self.gradients.items()]
        found += [(d.excess(promise.trajectory), f"weights {name}") for name, d in self.weights.items()]
        return max(found)

    def within(self, promise: Promise) -> bool:
        """Whether every difference is allowed."""
        return self.excess(promise)[0] <= 1.0

    def report(self) -> str:
        """The largest differences, one kind a line."""
        lines = [f"{self.engines[0]} against {self.engines[1]}, {self.dtype}, {self.done[1]} steps"]
        for kind, differences in (
            ("step losses", {"": self.losses}),
            ("gradients", self.gradients),
            ("weights", self.weights),
        ):
            name, worst = max(differences.items(), key=lambda item: item[1].relative)
            lines.append(
                f"  {kind:<12} ‖a−b‖/‖b‖ ≤ {worst.relative:.1e}"
                f"  (‖b‖ {worst.size:.3g}, rounding {worst.rounding:.1e}) {name}".rstrip()
            )
        return "\n".join(lines)


def compare(
    network: Network, inputs: Inputs, optimizer: Optimizer,
    engines: tuple[str, str] = ("native", "reference"), *, dtype: str = "float64", steps: int = 20,
    batch_size: int = 32, last_batch: LastBatch = "keep", shuffle: bool = True, replacement: bool = False,
    seed: int = 0, threads: int = 1, rejoin: bool = False, clip: float | None = None,
) -> Agreement:  # fmt: skip
    """Runs both engines from one start over the same batches, rates and masks.

    inputs : rows in any float dtype (cast to ``dtype``) or uint8; y and weight likewise.
    steps : updates compared.  batch_size : rows of a batch.  seed : of start, order and masks.
    clip : largest norm of a step's gradient, as Plan has it.
    rejoin : load engine b's state into a before every step, so that differences cannot grow; the
        Agreement then holds the worst single step of each tensor, to be held against
        ``promised(dtype, 1)``. For networks whose path crosses kinks (relu, |r|) or meets gradients
        that are mathematically zero.

    Raises
    ------
    EngineUnavailable : an engine is not there.
    OptionError : unknown engine, a decay of an unknown parameter, rates that do not fit the steps.
    """
    rows = _cast(inputs, network, dtype)
    order = Order(seed, rows.rows, min(batch_size, rows.rows), last_batch, shuffle, replacement)
    names = list(network.parameter_shapes(rows.x.shape[1]))
    span = Span(0, steps, order.per_epoch, steps)
    decay = parameter_decay(optimizer.weight_decay, names)
    plan = Plan(0, steps, order, step_rates(optimizer.lr, span), decay, clip)
    programs = []
    for name in engines:
        program = get_engine(name).compile(
            network, network.widths(rows.x.shape[1]), optimizer, dtype, threads, seed
        )
        program.bind(rows)
        programs.append(program)
    pair = _Pair(
        network, rows, seed, engines, dtype, (programs[0], programs[1]), not isinstance(optimizer, AdamW)
    )
    if not rejoin:
        return pair.run(plan)
    single = [Plan(step, 1, order, plan.rate[step : step + 1], decay, clip) for step in range(steps)]
    return _worst([pair.run(plan) for plan in single])


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two programs with the same rows. coupled : whether decay is part of the gradient (not so in AdamW)."""

    network: Network
    rows: Inputs
    seed: int
    engines: tuple[str, str]
    dtype: str
    programs: tuple[Program, Program]
    coupled: bool

    def run(self, plan: Plan) -> Agreement:
        """Both make the plan's steps from the second program's state."""
        a, b = self.programs
        start = b.state()
        a.load(start)
        first = Batches(plan.batches).rows(plan.first_step)
        gradient_a, gradient_b = (program.gradient(first, plan.first_step)[1] for program in (a, b))
        chunk_a, chunk_b = (program.run(plan, np.inf) for program in (a, b))
        end_a, end_b = a.state(), b.state()

        eps = float(np.finfo(self.dtype).eps)
        loss_scale, scales = self._scales(start, first, plan.first_step)
        moved = {n: np.maximum(np.abs(end_a[n] - start[n]), np.abs(end_b[n] - start[n])) for n in scales}
        if plan.steps == 1:
            for n, decay in zip(gradient_b, np.broadcast_to(plan.decay, len(gradient_b)), strict=True):
                pull = self.coupled * decay * start[n]
                size = np.maximum(np.abs(gradient_a[n] + pull), np.abs(gradient_b[n] + pull))
                moved[n] = moved[n] * (1.0 + _ratio(_OF_ENTRY * (scales[n] + np.abs(pull)), size, 2.0 / eps))
        return Agreement(
            self.engines,
            self.dtype,
            (chunk_a.done, chunk_b.done),
            _losses(chunk_a, chunk_b, eps * loss_scale),
            {n: _difference(gradient_a[n], gradient_b[n], eps * scales[n]) for n in gradient_b},
            {n: _difference(end_a[n], end_b[n], eps * (np.abs(start[n]) + moved[n])) for n in gradient_b},
        )

    def _scales(self, start: State, first: Array, step: int) -> tuple[float, State]:
        rows = self.rows
        x = np.asarray(widened(rows.x[first]), np.float64) * rows.scale
        weight = np.ones(len(first)) if rows.weight is None else rows.weight[first].astype(np.float64)
        wide = {name: w.astype(np.float64) for name, w in start.items()}
        return rounding_scales(self.network, wide, x, rows.y[first], weight, (self.seed, step))


def _worst(steps: list[Agreement]) -> Agreement:
    """Of single steps: the difference of each tensor that comes nearest to what is allowed, or is over it."""
    tolerance = promised(steps[0].dtype, 1).gradient

    def excess(difference: Difference) -> float:
        return difference.excess(tolerance)

    return Agreement(
        steps[0].engines,
        steps[0].dtype,
        (sum(step.done[0] for step in steps), sum(step.done[1] for step in steps)),
        max((step.losses for step in steps), key=excess),
        {name: max((step.gradients[name] for step in steps), key=excess) for name in steps[0].gradients},
        {name: max((step.weights[name] for step in steps), key=excess) for name in steps[0].weights},
    )


def _cast(inputs: Inputs, network: Network, dtype: str) -> Inputs:
    x: Any = inputs.x
    if is_sparse(x):
        x = x.astype(dtype)
    elif x.dtype != np.uint8:
        x = np.ascontiguousarray(x, dtype)
    y = np.ascontiguousarray(inputs.y, np.int64 if isinstance(network.loss, CrossEntropy) else dtype)
    weight = None if inputs.weight is None else np.ascontiguousarray(inputs.weight, dtype)
    return Inputs(x, y, weight, inputs.scale)


def _ratio(scale: Array, size: Array, most: float) -> Array:
    """scale / size, at most ``most``; 0 where size is 0: what has no gradient does not move."""
    floor = np.maximum(size, scale / most)
    return np.divide(scale, floor, out=np.zeros(size.shape), where=size > 0)


def _losses(a: Chunk, b: Chunk, rounding: float) -> Difference:
    done = min(a.done, b.done)
    return _difference(a.step_loss[:done], b.step_loss[:done], np.full(done, rounding))


def _difference(a: Array, b: Array, rounding: Array) -> Difference:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    distance, size, allowed = (float(np.linalg.norm(v.ravel())) for v in (a - b, b, rounding))
    return Difference(distance, size, allowed)
