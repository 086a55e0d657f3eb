"""The PyTorch program: forward and loss, autograd, torch.optim, one step after the other."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descend.engines.exclusive import Exclusive
from descend.engines.plan import Batches, Plan
from descend.engines.protocol import Array, Chunk, Inputs, Rows, State, Sums
from descend.engines.pytorch.forward import forward
from descend.engines.pytorch.loss import LossTerms, expected_target, loss_terms
from descend.engines.pytorch.update import Updater
from descend.engines.sparse import check_csr, is_sparse, widened
from descend.engines.state import checked_state
from descend.networks import Network
from descend.optimizers import Optimizer

_ROWS_AT_ONCE = 8192  # bounds memory in output and evaluate
_NUMPY: dict[torch.dtype, np.dtype[Any]] = {
    torch.float32: np.dtype(np.float32),
    torch.float64: np.dtype(np.float64),
}


class PytorchProgram:
    """Implements engines.protocol.Program with torch on one device."""

    def __init__(
        self, network: Network, inputs: int, optimizer: Optimizer,
        dtype: str, threads: int, seed: int, device: str,
    ) -> None:  # fmt: skip
        self._network, self._width, self._optimizer = network, inputs, optimizer
        self._numpy_dtype = np.dtype(dtype)
        self._dtype = {"float32": torch.float32, "float64": torch.float64}[dtype]
        self._threads, self._seed, self._device = threads, seed, torch.device(device)
        self._bound: _Rows | None = None
        self._exclusive = Exclusive()
        self.load(network.draw_parameters(inputs, seed))

    def bind(self, inputs: Inputs) -> None:
        """Keeps the rows for ``run`` and ``gradient``: copied to a CUDA device, shared on a CPU."""
        with self._exclusive:
            self._bound = _Rows(inputs, self._device, self._dtype)

    def run(self, plan: Plan, seconds: float) -> Chunk:
        """Makes the plan's steps, or as many as fit into ``seconds``."""
        started = time.perf_counter()
        batches = Batches(plan.batches)
        decay = np.broadcast_to(plan.decay, (plan.steps, len(self._parameters)))
        sums: list[tuple[float, float, float, float]] = []
        stopped: Literal["nonfinite", "time"] | None = None
        with self._exclusive, _settings(self._threads):
            for i in range(plan.steps):
                if sums and time.perf_counter() - started > seconds:
                    stopped = "time"
                    break
                step = plan.first_step + i
                terms = self._losses(batches.rows(step), step)
                total, weight, own, correct = terms.sums.tolist()
                if not np.isfinite(total):
                    stopped = "nonfinite"
                    break
                if weight > 0:
                    self._differentiate(terms, weight)
                    if plan.clip is not None:
                        torch.nn.utils.clip_grad_norm_(self._parameters.values(), plan.clip)
                    self._updater.step(float(plan.rate[i]), decay[i])
                sums.append((total / weight if weight > 0 else 0.0, weight, own, correct))
        loss, weights, rows, right = np.array(sums, np.float64).reshape(len(sums), 4).T
        return Chunk(len(sums), loss, weights, rows, right, time.perf_counter() - started, stopped)

    def gradient(self, rows: NDArray[np.int64], step: int) -> tuple[float, State]:
        """Loss and gradient at the present weights."""
        with self._exclusive, _settings(self._threads):
            terms = self._losses(rows, step)
            total, weight, _, _ = terms.sums.tolist()
            if weight == 0:
                return 0.0, {name: _copy(torch.zeros_like(w)) for name, w in self._parameters.items()}
            self._differentiate(terms, weight)
            return total / weight, {name: _copy(w.grad) for name, w in self._parameters.items()}

    def output(self, x: Rows, scale: float = 1.0, inverse_link: bool = False) -> Array:
        """The network's output without dropout, or its softmax, sigmoid or exponential by the loss."""
        if is_sparse(x):
            check_csr(x, self._numpy_dtype)
        result = np.empty((x.shape[0], self._network.outputs), self._numpy_dtype)
        with self._exclusive, _settings(self._threads), torch.no_grad():
            for i in range(0, x.shape[0], _ROWS_AT_ONCE):
                rows = _tensor(widened(x[i : i + _ROWS_AT_ONCE]))
                z = self._output(rows.to(self._device), scale)
                if inverse_link:
                    z = expected_target(self._network.loss, z)
                result[i : i + _ROWS_AT_ONCE] = z.cpu().numpy()
        return result

    def evaluate(self, inputs: Inputs) -> Sums:
        """Totals of loss and right answers, without dropout."""
        sums = np.zeros(4)
        with self._exclusive, _settings(self._threads), torch.no_grad():
            bound = _Rows(inputs, torch.device("cpu"), self._dtype)
            for i in range(0, inputs.rows, _ROWS_AT_ONCE):
                x, y, weight = (part.to(self._device) for part in bound.take(slice(i, i + _ROWS_AT_ONCE)))
                terms = loss_terms(self._network.loss, self._output(x, inputs.scale), y, weight)
                sums += terms.sums.cpu().numpy()
        loss, weight_sum, rows, correct = map(float, sums)
        return Sums(weight_sum, loss, rows, correct)

    def state(self) -> State:
        """Copies of parameters, optimizer slots and the number of updates."""
        with self._exclusive:
            return {name: _copy(w) for name, w in self._parameters.items()} | self._updater.state()

    def parameters(self) -> State:
        """Copies of the parameters."""
        with self._exclusive:
            return {name: _copy(w) for name, w in self._parameters.items()}

    def load(self, state: Mapping[str, Array]) -> None:
        """Sets all of it; what is not given beside the parameters becomes 0."""
        full = checked_state(self._network, self._width, self._optimizer, self._numpy_dtype, state)
        with self._exclusive, torch.inference_mode(False):
            self._parameters = {
                name: torch.from_numpy(full[name]).to(self._device).requires_grad_()
                for name in self._network.parameter_shapes(self._width)
            }
            self._updater = Updater(self._optimizer, self._parameters, full)

    def _losses(self, rows: NDArray[np.int64], step: int) -> LossTerms:
        assert self._bound is not None, "bind comes before run and gradient"
        x, y, weight = self._bound.take(torch.tensor(rows, device=self._device))
        x = self._widen(x, self._bound.scale)
        z = forward(self._network, self._parameters, x, (self._seed, step))
        return loss_terms(self._network.loss, z, y, weight)

    def _differentiate(self, terms: LossTerms, weight: float) -> None:
        for parameter in self._parameters.values():
            parameter.grad = None
        (terms.weighted.sum() / weight).backward()

    def _output(self, x: Tensor, scale: float) -> Tensor:
        return forward(self._network, self._parameters, self._widen(x, scale), None)

    def _widen(self, x: Tensor, scale: float) -> Tensor:
        return x.to(self._dtype) * scale if x.dtype == torch.uint8 else x


class _Rows:
    """Inputs as tensors; 8-bit inputs stay 8-bit, sparse ones sparse and on the host."""

    def __init__(self, inputs: Inputs, device: torch.device, dtype: torch.dtype) -> None:
        self.sparse: Any = inputs.x if is_sparse(inputs.x) else None
        if self.sparse is None:
            self.x = _tensor(cast(Array, inputs.x)).to(device)
        else:
            check_csr(self.sparse, _NUMPY[dtype])
        self.y = _tensor(inputs.y).to(device)
        own = torch.ones(inputs.rows, dtype=dtype) if inputs.weight is None else _tensor(inputs.weight)
        self.weight = own.to(device)
        self.scale = inputs.scale

    def take(self, rows: Tensor | slice) -> tuple[Tensor, Tensor, Tensor]:
        """x, y and weight of these rows."""
        return self._features(rows), self.y[rows], self.weight[rows]

    def _features(self, rows: Tensor | slice) -> Tensor:
        if self.sparse is None:
            return self.x[rows]
        chosen = rows if isinstance(rows, slice) else rows.cpu().numpy()
        return _tensor(self.sparse[chosen].toarray()).to(self.y.device)


def _tensor(array: Array) -> Tensor:
    """The array's memory as a tensor; a copy only where torch knows no such strides."""
    if any(stride < 0 for stride in array.strides):
        array = array.copy()
    with warnings.catch_warnings():  # of arrays that are read-only: nothing here writes to them
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def _copy(tensor: Tensor) -> Array:
    return np.array(tensor.detach().cpu().numpy())


@contextlib.contextmanager
def _settings(threads: int) -> Iterator[None]:
    """What torch keeps for the whole process, set for a call: threads, full float32 products, autograd."""
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_num_threads(before[0])
        torch.set_float32_matmul_precision(before[1])
