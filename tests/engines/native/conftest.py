"""Networks, rows and programs the native engine's tests share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pytest

from descend import streams
from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs, Program
from descend.engines.registry import get_engine
from descend.errors import EngineUnavailable
from descend.networks import CrossEntropy, Dense, Dropout, Network
from descend.networks.activations import ACTIVATIONS
from descend.optimizers import Adam, Optimizer


class Cases:
    """What to run: sizes are such that widths, tiles and batches all leave remainders."""

    inputs, classes, rows, seed = 37, 10, 300, 11

    def network(self) -> Network:
        """Every activation in a layer of its own, wide, narrow and in between, with dropouts."""
        layers: list[Dense | Dropout] = [Dropout(0.1)]
        for number, (name, width) in enumerate(zip(ACTIVATIONS, [40, 16, 70, 17, 5, 64, 33], strict=True)):
            layers += [Dense(width, name, bias=number != 2), Dropout(0.05)]
        return Network([*layers, Dense(self.classes)], loss=CrossEntropy(0.1))

    def program(
        self, dtype: str = "float32", threads: int = 1, network: Network | None = None,
        optimizer: Optimizer | None = None, engine: str = "native",
    ) -> Program:  # fmt: skip
        return get_engine(engine).compile(
            network or self.network(),
            (self.inputs,),
            optimizer or Adam(amsgrad=True),
            dtype,
            threads,
            self.seed,
        )

    def data(self, dtype: str = "float32", rows: int = rows) -> Inputs:
        units = streams.uniform(5, streams.SPLIT, 0, 0, rows * (self.inputs + 2))
        x = (2 * units[: rows * self.inputs] - 1).reshape(rows, self.inputs).astype(dtype)
        y = (units[rows * self.inputs : rows * (self.inputs + 1)] * self.classes).astype(np.int64)
        return Inputs(x, y, (0.5 + units[-rows:]).astype(dtype))

    def plan(self, first: int, steps: int, size: int = 128, network: Network | None = None) -> Plan:
        parameters = len((network or self.network()).parameter_shapes(self.inputs))
        batches = Order(3, self.rows, size, "wrap")
        return Plan(first, steps, batches, np.full(steps, 0.01), np.full(parameters, 1e-3))

    def digest(self, arrays: Iterable[np.ndarray]) -> str:
        """One hash of the arrays' bytes."""
        whole = hashlib.sha256()
        for array in arrays:
            whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()


@pytest.fixture
def cases() -> Cases:
    try:
        get_engine("native")
    except EngineUnavailable as error:
        pytest.skip(str(error))
    return Cases()


@pytest.fixture(params=["x86-64-v3", "x86-64-v3-wide", "x86-64-v4", "neon"])
def fused_set(request) -> str:
    """Each instruction set with fused multiply-add; one that this machine lacks is skipped, and says so."""
    _native = pytest.importorskip("descend.engines.native._native", reason="the extension is not built")
    if _native.selected("") == "generic":
        pytest.skip("this machine has no fused multiply-add")
    try:
        _native.selected(request.param)
    except _native.Unavailable as unavailable:
        pytest.skip(str(unavailable))
    return request.param
