"""The reference program: forward, loss, backward, update, one step after the other."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from descend.engines.exclusive import Exclusive
from descend.engines.plan import Batches, Plan
from descend.engines.protocol import Array, Chunk, Inputs, Rows, State, Sums
from descend.engines.reference.backward import backward
from descend.engines.reference.forward import Trace, forward
from descend.engines.reference.loss import LossTerms, expected_target, loss_terms
from descend.engines.reference.update import clipped, update
from descend.engines.sparse import check_csr, is_sparse, widened
from descend.engines.state import checked_state
from descend.networks import Network
from descend.optimizers import Optimizer

_ROWS_AT_ONCE = 4096  # bounds memory in output and evaluate


class ReferenceProgram:
    """Implements engines.protocol.Program in NumPy."""

    def __init__(self, network: Network, inputs: int, optimizer: Optimizer, dtype: str, seed: int) -> None:
        self._network, self._width, self._optimizer = network, inputs, optimizer
        self._dtype = np.dtype(dtype)
        self._seed = seed
        self._inputs: Inputs | None = None
        self._exclusive = Exclusive()
        self.load(network.draw_parameters(inputs, seed))

    def bind(self, inputs: Inputs) -> None:
        """Keeps the rows for ``run`` and ``gradient``."""
        if is_sparse(inputs.x):
            check_csr(inputs.x, self._dtype)
        with self._exclusive:
            self._inputs = inputs

    def run(self, plan: Plan, seconds: float) -> Chunk:
        """Makes the plan's steps, or as many as fit into ``seconds``."""
        started = time.perf_counter()
        batches = Batches(plan.batches)
        decay = np.broadcast_to(plan.decay, (plan.steps, len(self._parameters)))
        sums: list[tuple[float, float, float, float]] = []
        stopped: Literal["nonfinite", "time"] | None = None
        with self._exclusive, np.errstate(all="ignore"):  # a diverging run is told by its loss
            for i in range(plan.steps):
                if sums and time.perf_counter() - started > seconds:
                    stopped = "time"
                    break
                step = plan.first_step + i
                rows = batches.rows(step)
                terms, traces = self._losses(rows, step)
                if not np.isfinite(terms.total):
                    stopped = "nonfinite"
                    break
                if terms.weight > 0:
                    self._update(terms, traces, float(plan.rate[i]), decay[i], plan.clip)
                sums.append(
                    (terms.mean, terms.weight, float(self._weight(rows).sum(dtype=np.float64)), terms.correct)
                )
        loss, weight, own, correct = np.array(sums, np.float64).reshape(len(sums), 4).T
        return Chunk(len(sums), loss, weight, own, correct, time.perf_counter() - started, stopped)

    def gradient(self, rows: NDArray[np.int64], step: int) -> tuple[float, State]:
        """Loss and gradient at the present weights."""
        with self._exclusive, np.errstate(all="ignore"):
            terms, traces = self._losses(rows, step)
            if terms.weight == 0:
                return 0.0, {name: np.zeros_like(w) for name, w in self._parameters.items()}
            return terms.mean, self._gradient(terms, traces)

    def output(self, x: Rows, scale: float = 1.0, inverse_link: bool = False) -> Array:
        """The network's output without dropout, or its softmax, sigmoid or exponential by the loss."""
        if is_sparse(x):
            check_csr(x, self._dtype)
        with self._exclusive, np.errstate(all="ignore"):
            z = self._output(x, scale)
            return expected_target(self._network.loss, z) if inverse_link else z

    def evaluate(self, inputs: Inputs) -> Sums:
        """Totals of loss and right answers, without dropout."""
        sums = np.zeros(4)
        if is_sparse(inputs.x):
            check_csr(inputs.x, self._dtype)
        with self._exclusive, np.errstate(all="ignore"):
            for i in range(0, inputs.rows, _ROWS_AT_ONCE):
                part = slice(i, i + _ROWS_AT_ONCE)
                z = self._output(inputs.x[part], inputs.scale)
                weight = np.ones(len(z), self._dtype) if inputs.weight is None else inputs.weight[part]
                terms = loss_terms(self._network.loss, z, inputs.y[part], weight)
                sums += (terms.weight, terms.total, float(weight.sum(dtype=np.float64)), terms.correct)
        return Sums(*map(float, sums))

    def state(self) -> State:
        """Copies of parameters, optimizer slots and the number of updates."""
        with self._exclusive:
            copies = {name: w.copy() for name, w in self._parameters.items()}
            for name, slots in self._slots.items():
                copies |= {f"{slot}.{name}": array.copy() for slot, array in slots.items()}
            return copies | {"updates": np.array(self._updates, np.int64)}

    def parameters(self) -> State:
        """Copies of the parameters."""
        with self._exclusive:
            return {name: w.copy() for name, w in self._parameters.items()}

    def load(self, state: Mapping[str, Array]) -> None:
        """Sets all of it; what is not given beside the parameters becomes 0."""
        full = checked_state(self._network, self._width, self._optimizer, self._dtype, state)
        shapes = self._network.parameter_shapes(self._width)
        with self._exclusive:
            self._parameters = {name: full[name] for name in shapes}
            self._slots = {
                name: {slot: full[f"{slot}.{name}"] for slot in self._optimizer.slots} for name in shapes
            }
            self._updates = int(full["updates"])

    def _losses(self, rows: NDArray[np.int64], step: int) -> tuple[LossTerms, list[Trace]]:
        assert self._inputs is not None, "bind comes before run and gradient"
        x = self._widen(self._inputs.x[rows], self._inputs.scale)
        z, traces = forward(self._network, self._parameters, x, (self._seed, step))
        return loss_terms(self._network.loss, z, self._inputs.y[rows], self._weight(rows)), traces

    def _output(self, x: Rows, scale: float) -> Array:
        parts = [
            forward(self._network, self._parameters, self._widen(x[i : i + _ROWS_AT_ONCE], scale), None)[0]
            for i in range(0, x.shape[0], _ROWS_AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty((0, self._network.outputs), self._dtype)

    def _gradient(self, terms: LossTerms, traces: list[Trace]) -> dict[str, Array]:
        delta = terms.derivative / self._dtype.type(terms.weight)
        return backward(self._parameters, traces, delta)

    def _update(
        self, terms: LossTerms, traces: list[Trace], rate: float, decay: NDArray[np.float64],
        clip: float | None,
    ) -> None:  # fmt: skip
        gradient = self._gradient(terms, traces)
        if clip is not None:
            gradient = clipped(gradient, clip)
        self._updates += 1
        for (name, w), own_decay in zip(self._parameters.items(), decay, strict=True):
            update(
                self._optimizer, w, gradient[name], self._slots[name], rate, float(own_decay), self._updates
            )

    def _weight(self, rows: NDArray[np.int64]) -> Array:
        weight = self._inputs.weight if self._inputs else None
        return np.ones(len(rows), self._dtype) if weight is None else weight[rows]

    def _widen(self, x: Rows, scale: float) -> Array:
        x = widened(x)
        return x.astype(self._dtype) * self._dtype.type(scale) if x.dtype == np.uint8 else x
