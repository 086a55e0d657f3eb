"""Every loss: the same bits for every number of threads and every instruction set, and refused targets."""

import numpy as np
import pytest

from descend.engines.protocol import Inputs
from descend.errors import DataError, EngineUnavailable
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    Dense,
    Huber,
    Network,
    Poisson,
    Quantile,
    SquaredError,
)

LOSSES = {
    "squared": SquaredError(),
    "absolute": AbsoluteError(),
    "huber": Huber(0.7),
    "quantile": Quantile(0.8),
    "poisson": Poisson(),
    "binary": BinaryCrossEntropy(0.1, (0.5, 2.0)),
}


def _targets(loss, data, outputs):
    y = np.outer(data.x[:, 0] * 3, np.linspace(-1, 1, outputs)).astype(data.x.dtype)
    if isinstance(loss, BinaryCrossEntropy):
        return (y > 0).astype(y.dtype)
    return np.floor(np.abs(y)) if isinstance(loss, Poisson) else y


def _digest(cases, loss, outputs, dtype, threads):
    network = Network([Dense(40, "tanh"), Dense(outputs)], loss)
    program = cases.program(dtype, threads, network)
    data = cases.data(dtype)
    program.bind(Inputs(data.x, _targets(loss, data, outputs), data.weight))
    chunk = program.run(cases.plan(0, 9, network=network), 100.0)
    assert chunk.stopped is None
    output = program.output(data.x, 1.0, inverse_link=True)
    return cases.digest([*program.state().values(), chunk.step_loss, output])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("outputs", [1, 19])
@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_one_hash_over_threads_and_instruction_sets(cases, monkeypatch, loss, outputs, dtype):
    monkeypatch.delenv("DESCEND_ISA", raising=False)
    if cases.program().instruction_set == "generic":
        pytest.skip("this machine has no fused multiply-add")
    found = {_digest(cases, loss, outputs, dtype, threads) for threads in (1, 2, 3)}
    for instruction_set in ("x86-64-v3", "x86-64-v3-wide", "x86-64-v4", "neon"):
        monkeypatch.setenv("DESCEND_ISA", instruction_set)
        try:
            found.add(_digest(cases, loss, outputs, dtype, 2))
        except EngineUnavailable:
            continue  # this machine lacks it
    assert len(found) == 1


def test_counts_below_zero_are_refused(cases):
    program = cases.program(network=Network([Dense(2)], Poisson()))
    x = np.ones((3, cases.inputs), np.float32)
    for bad in (-1.0, np.nan):
        y = np.array([[1, 0], [2, bad], [0, 0]], np.float32)
        with pytest.raises(DataError, match=r"y\[1, 1\] is not a number of at least 0"):
            program.bind(Inputs(x, y))
