"""The native program: declarations and arrays translated for the extension, its errors into ours."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from descend.engines.native import _native
from descend.engines.plan import Explicit, Order, Plan
from descend.engines.protocol import Array, Chunk, Inputs, Program, Rows, State, Sums
from descend.engines.sparse import check_csr, is_sparse
from descend.engines.state import checked_state
from descend.errors import DataError, EngineBusy, EngineUnavailable, OptionError
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dropout,
    Huber,
    Loss,
    Network,
    Poisson,
    Quantile,
    SquaredError,
)
from descend.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop

# The extension's numbers are places in these.
_ACTIVATIONS = ("identity", "sigmoid", "hard_sigmoid", "tanh", "relu", "gelu", "gelu_tanh")
_LOSSES = (SquaredError, AbsoluteError, Huber, Quantile, Poisson, CrossEntropy, BinaryCrossEntropy)
_LAST_BATCH = ("keep", "drop", "wrap")
_STOPPED: tuple[Literal["nonfinite", "time"] | None, ...] = (None, "nonfinite", "time")
_VALUE = -1
_BYTES = np.dtype(np.uint8)

_Layer = tuple[int, int, bool, float]
_LossOptions = tuple[int, float, float, list[float]]
_OrderOptions = tuple[int, int, int, int, bool, bool, NDArray[np.int64] | None]
_Doubles = NDArray[np.float64]
_Told = tuple[_Doubles, _Doubles, _Doubles, _Doubles, float, int]
_OptimizerOptions = tuple[int, float, float, bool, float, bool, float, float, float, bool, bool]


class NativeProgram:
    """Implements engines.protocol.Program in C++."""

    def __init__(
        self, network: Network, inputs: int, optimizer: Optimizer, dtype: str, threads: int, seed: int
    ) -> None:
        self._network, self._optimizer = network, optimizer
        self._width, self._outputs = inputs, network.outputs
        self._dtype: np.dtype[Any] = np.dtype(dtype)
        self._shapes = network.parameter_shapes(inputs)
        kind = _native.Float32Program if self._dtype == np.float32 else _native.Float64Program
        with our_errors(OptionError):
            self._program = kind(
                inputs=inputs, layers=_layers(network), loss=_loss(network.loss),
                optimizer=_optimizer(optimizer), instruction_set=os.environ.get("DESCEND_ISA", ""),
                threads=threads, seed=seed,
            )  # fmt: skip
        self.load(network.draw_parameters(inputs, seed))

    @property
    def instruction_set(self) -> str:
        """Name of the instruction set in use."""
        return self._program.instruction_set

    def bind(self, inputs: Inputs) -> None:
        """Training rows for ``run`` and ``gradient``; kept, not copied (class numbers are)."""
        with our_errors(DataError):
            self._program.bind(**self._arrays(inputs))

    def run(self, plan: Plan, seconds: float) -> Chunk:
        """Makes the plan's steps, or as many (at least one) as fit into ``seconds``."""
        rate, decay, clip = _rates(plan)
        batches = plan.batches
        try:  # what ``our_errors`` does, without the half microsecond it takes to enter
            if isinstance(batches, Order):
                return _chunk(
                    self._program.run_order(
                        first_step=plan.first_step, order=_order(batches), rate=rate, decay=decay,
                        clip=clip, seconds=seconds,
                    )
                )  # fmt: skip
            return _chunk(
                self._program.run_listed(
                    first_step=plan.first_step, rows=np.ascontiguousarray(batches.rows, np.int64),
                    offsets=np.ascontiguousarray(batches.offsets_from(plan.first_step), np.int64),
                    rate=rate, decay=decay, clip=clip, seconds=seconds,
                )
            )  # fmt: skip
        except (_native.Busy, ValueError, MemoryError) as error:
            raise _ours(error, OptionError) from None

    def gradient(self, rows: NDArray[np.int64], step: int) -> tuple[float, State]:
        """Loss and gradient at the present weights over bound rows, with the dropout of ``step``."""
        with our_errors(DataError):
            loss, parts = self._program.gradient(rows=np.ascontiguousarray(rows, np.int64), step=step)
        shapes = self._shapes.items()
        return loss, {name: part.reshape(shape) for (name, shape), part in zip(shapes, parts, strict=True)}

    def output(self, x: Rows, scale: float = 1.0, inverse_link: bool = False) -> Array:
        """The last layer's output (n, outputs) without dropout, or what it says of the target."""
        try:  # what ``our_errors`` does, without the half microsecond it takes to enter
            out = np.empty((x.shape[0], self._outputs), self._dtype)
            self._program.output(self._rows(x), scale, inverse_link, out)
            return out
        except (_native.Busy, ValueError, MemoryError) as error:
            raise _ours(error, DataError) from None

    def evaluate(self, inputs: Inputs) -> Sums:
        """Totals of loss and right answers."""
        with our_errors(DataError):
            return Sums(*self._program.evaluate(**self._arrays(inputs)))

    def state(self) -> State:
        """Copies of parameters, optimizer slots and the number of updates."""
        copies = self._part("", _VALUE)
        for number, slot in enumerate(self._optimizer.slots):
            copies |= self._part(f"{slot}.", number)
        return copies | {"updates": np.array(self._program.updates, np.int64)}

    def parameters(self) -> State:
        """Copies of the parameters."""
        return self._part("", _VALUE)

    def load(self, state: Mapping[str, Array]) -> None:
        """Sets all of it; what is not given beside the parameters becomes 0."""
        full = checked_state(self._network, self._width, self._optimizer, self._dtype, state)
        with our_errors(OptionError):
            for i, name in enumerate(self._shapes):
                self._program.write(i, _VALUE, full[name].reshape(-1))
                for number, slot in enumerate(self._optimizer.slots):
                    self._program.write(i, number, full[f"{slot}.{name}"].reshape(-1))
            self._program.updates = int(full["updates"])

    def _part(self, prefix: str, slot: int) -> State:
        read, shapes = self._program.read, self._shapes.items()
        with our_errors(OptionError):
            return {prefix + name: read(i, slot).reshape(shape) for i, (name, shape) in enumerate(shapes)}

    def _rows(self, x: Rows) -> Array | tuple[Array, NDArray[np.int64], NDArray[np.int32]]:
        """x as the extension takes it: uint8 or the program's dtype, C-contiguous; three arrays of CSR."""
        if type(x) is np.ndarray and x.dtype == self._dtype and x.flags.c_contiguous:
            return x
        if is_sparse(x):
            return self._sparse_rows(x)
        x = np.asarray(x)
        return np.ascontiguousarray(x, _BYTES if x.dtype == _BYTES else self._dtype)

    def _sparse_rows(self, x: Any) -> tuple[Array, NDArray[np.int64], NDArray[np.int32]]:
        if x.format != "csr" or x.dtype != self._dtype or x.indices.dtype != np.int32:
            check_csr(x, self._dtype)  # the extension looks at the numbers, once they are of 32 bits
        if x.shape[1] != self._width:
            raise DataError(f"x must have {self._width} columns")
        return (
            np.ascontiguousarray(x.data),
            np.ascontiguousarray(x.indptr, np.int64),
            np.ascontiguousarray(x.indices, np.int32),
        )

    def _arrays(self, inputs: Inputs) -> dict[str, Any]:
        labels = isinstance(self._network.loss, CrossEntropy)
        y = np.asarray(inputs.y)
        if labels and y.dtype.kind not in "iu":
            raise DataError(f"CrossEntropy takes class numbers, whole numbers from 0, not {y.dtype}")
        weight = inputs.weight
        return {
            "x": self._rows(inputs.x),
            "y": np.ascontiguousarray(y, np.int64 if labels else self._dtype),
            "weight": None if weight is None else np.ascontiguousarray(weight, self._dtype),
            "scale": inputs.scale,
        }


def run_together(
    programs: Sequence[Program], plans: Sequence[Plan], seconds: float, threads: int
) -> list[Chunk]:
    """Each program's plan, all of an Order, over the table that all of them are bound to."""
    native = [(plan.first_step, _order(plan.batches), *_rates(plan)) for plan in plans]
    members: list[Any] = [cast(NativeProgram, program)._program for program in programs]
    with our_errors(OptionError):
        return [_chunk(told) for told in type(members[0]).run_together(members, native, seconds, threads)]


def _rates(plan: Plan) -> tuple[_Doubles, _Doubles, float]:
    """Rate and decay as the extension takes them, and the largest norm, infinite for none."""
    if len(plan.rate) != plan.steps:
        raise OptionError(f"the plan has {len(plan.rate)} rates for {plan.steps} steps")
    rate, decay = (np.ascontiguousarray(values, np.float64) for values in (plan.rate, plan.decay))
    return rate, decay, np.inf if plan.clip is None else plan.clip


def _order(order: Order | Explicit) -> _OrderOptions:
    assert isinstance(order, Order)
    subset = None if order.subset is None else np.ascontiguousarray(order.subset, np.int64)
    last = _LAST_BATCH.index(order.last)
    return order.seed, order.rows, order.size, last, order.shuffle, order.replacement, subset


def _chunk(told: _Told) -> Chunk:
    loss, weight, rows, correct, seconds, stopped = told
    return Chunk(len(loss), loss, weight, rows, correct, seconds, _STOPPED[stopped])


@contextmanager
def our_errors(refused: type[OptionError] | type[DataError]) -> Iterator[None]:
    """Turns what the extension raises into errors of descend; a value it refuses into ``refused``."""
    try:
        yield
    except (_native.Busy, _native.Unavailable, ValueError, MemoryError) as error:
        raise _ours(error, refused) from None


def _ours(error: Exception, refused: type[OptionError] | type[DataError]) -> Exception:
    if isinstance(error, _native.Busy):
        return EngineBusy(f"{error}; wait for it, or compile a program per thread")
    if isinstance(error, _native.Unavailable):
        usable = ", ".join(_native.instruction_sets())
        return EngineUnavailable(f"{error}; unset DESCEND_ISA or choose from: {usable}")
    if isinstance(error, ValueError):
        return refused(str(error))
    return refused("there is not enough memory for this network and batch size")


def _layers(network: Network) -> list[_Layer]:
    return [
        (0, 0, False, float(layer.rate))
        if isinstance(layer, Dropout)
        else (layer.units, _ACTIVATIONS.index(layer.activation), layer.bias, 0.0)
        for layer in network.layers
    ]


def _loss(loss: Loss) -> _LossOptions:
    kind = _LOSSES.index(type(loss))
    if isinstance(loss, CrossEntropy | BinaryCrossEntropy):
        return kind, 0.0, loss.label_smoothing, list(loss.class_weight or ())
    if isinstance(loss, Huber):
        return kind, loss.delta, 0.0, []
    return kind, loss.level if isinstance(loss, Quantile) else 0.0, 0.0, []


def _optimizer(optimizer: Optimizer) -> _OptimizerOptions:
    if isinstance(optimizer, SGD):
        momentum, dampening, nesterov = optimizer.momentum, optimizer.dampening, optimizer.nesterov
        return (0, momentum, dampening, nesterov, 0.0, False, 0.0, 0.0, 0.0, False, False)
    if isinstance(optimizer, RMSprop):
        alpha, centered, eps = optimizer.alpha, optimizer.centered, optimizer.eps
        return (1, optimizer.momentum, 0.0, False, alpha, centered, 0.0, 0.0, eps, False, False)
    assert isinstance(optimizer, Adam)
    kind, (beta1, beta2) = 3 if isinstance(optimizer, AdamW) else 2, optimizer.betas
    eps, amsgrad, eps_hat = optimizer.eps, optimizer.amsgrad, optimizer.eps_hat
    return (kind, 0.0, 0.0, False, 0.0, False, beta1, beta2, eps, amsgrad, eps_hat)
