"""Programs drawn at random agree on both engines; ``faults(draw(number))`` runs one alone.

A program's number draws all of it: table, network, loss, optimizer, batches, threads. Layers' widths lie
around the edges of lanes, tiles and panels; rows are mostly zero in many. Kinks are drawn in float64 only,
where no sum comes so near to one that rounding decides on which side it lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.sparse import csr_array

from descend.engines.agreement import compare, promised
from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.engines.rounding import output_scale, rounding_scales
from descend.engines.sparse import widened
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Huber,
    Network,
    Poisson,
    Quantile,
    SquaredError,
)
from descend.optimizers import SGD, Adam, AdamW, RMSprop

INPUTS = (1, 2, 3, 5, 8, 15, 16, 17, 33, 64, 83, 100, 216, 300)
UNITS = (1, 2, 3, 4, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 100, 130)
SMOOTH = ("identity", "tanh", "sigmoid", "gelu", "gelu_tanh")
BENT = ("relu", "hard_sigmoid")
OPTIMIZERS = (
    SGD(0.05),
    SGD(0.05, weight_decay=0.01),
    SGD(0.02, momentum=0.9, dampening=0.1),
    SGD(0.02, momentum=0.8, nesterov=True),
    RMSprop(1e-3),
    RMSprop(1e-3, momentum=0.5, weight_decay=0.01),
    Adam(1e-3),
    Adam(1e-3, amsgrad=True, weight_decay=0.01),
    Adam(1e-3, eps_hat=True),
    AdamW(1e-3),
)


@dataclass(frozen=True)
class Case:
    """One program and its rows."""

    number: int
    network: Network
    inputs: Inputs
    optimizer: SGD | RMSprop | Adam
    dtype: str
    batch_size: int
    last: str
    clip: float | None
    threads: int

    def compiled(self, engine):
        widths = self.network.widths(self.inputs.x.shape[1])
        program = get_engine(engine).compile(
            self.network, widths, self.optimizer, self.dtype, self.threads, self.number
        )
        program.bind(self.inputs)
        return program

    def plan(self, first, steps, rate):
        order = Order(self.number, self.inputs.rows, self.batch_size, self.last)
        count = len(self.network.parameter_shapes(self.inputs.x.shape[1]))
        return Plan(first, steps, order, np.full(steps, rate), np.zeros(count), self.clip)


def draw(number: int) -> Case:
    """The program of this number."""
    rng = np.random.default_rng([number, 20261130])
    dtype = str(rng.choice(["float32", "float64"]))
    rows, columns = int(rng.integers(1, 91)), int(rng.choice(INPUTS))
    bends = dtype == "float64" and rng.random() < 0.5
    loss = _loss(rng, bends)
    rates = (0.1, 0.2) if isinstance(loss, Poisson) else (0.1, 0.5, 0.9)  # its exp(output) must not overflow
    layers, outputs = _layers(rng, bends, rates), int(rng.choice([1, 2, 3, 5, 10, 17]))
    if isinstance(loss, CrossEntropy):
        outputs = max(outputs, 2)
        weight = tuple(rng.random(outputs) + 0.1) if rng.random() < 0.3 else None
        loss = CrossEntropy(label_smoothing=loss.label_smoothing, class_weight=weight)
    network = Network([*layers, Dense(outputs, bias=bool(rng.random() < 0.8))], loss)
    batch_size = min(rows, int(rng.choice([1, 2, 5, 12, 13, 32, 64, 90])))
    return Case(
        number, network, _inputs(rng, network, rows, columns, dtype),
        OPTIMIZERS[rng.integers(len(OPTIMIZERS))], dtype, batch_size,
        str(rng.choice(["keep", "drop", "wrap"])),
        float(rng.choice([0.01, 1.0])) if rng.random() < 0.2 else None, int(rng.integers(1, 4)),
    )  # fmt: skip


def _layers(rng, bends, rates):
    layers = []
    for _ in range(rng.integers(0, 3)):
        layers += _dropouts(rng, rates)
        activation = str(rng.choice(SMOOTH + BENT * 2 if bends else SMOOTH))
        layers.append(Dense(int(rng.choice(UNITS)), activation, bias=bool(rng.random() < 0.8)))
    return layers + _dropouts(rng, rates)


def _dropouts(rng, rates):
    count = rng.choice([0, 1, 2], p=[0.65, 0.3, 0.05])
    return [Dropout(float(rng.choice(rates))) for _ in range(count)]


def _loss(rng, bends):
    smooth = [SquaredError(), Poisson(), CrossEntropy(), CrossEntropy(label_smoothing=0.1)]
    smooth += [BinaryCrossEntropy(), BinaryCrossEntropy(class_weight=(1.0, 3.0))]
    bent = [AbsoluteError(), Huber(0.5), Quantile(0.3)]
    known = smooth + bent * 2 if bends else smooth
    return known[rng.integers(len(known))]


def _inputs(rng, network, rows, columns, dtype):
    share = rng.choice([0.0, 0.3, 0.62, 0.81, 0.95, 1.0])
    kept = rng.random((rows, columns)) >= share
    if rng.random() < 0.2:  # a column, and a row, of nothing
        kept[:, rng.integers(columns)], kept[rng.integers(rows)] = False, False
    kind = rng.choice(["dense", "uint8", "sparse"], p=[0.5, 0.3, 0.2])
    scale = 1.0
    if kind == "uint8":
        x, scale = np.where(kept, rng.integers(1, 256, kept.shape), 0).astype(np.uint8), 1 / 255
    else:
        x = np.where(kept, rng.normal(size=kept.shape), 0).astype(dtype)
    if isinstance(network.loss, Poisson) and kind != "uint8":
        x = x * x.dtype.type(0.3)
    if kind == "sparse":
        x = csr_array(x)
    outputs = network.outputs
    if isinstance(network.loss, CrossEntropy):
        y = rng.integers(0, outputs, rows)
    elif isinstance(network.loss, BinaryCrossEntropy):
        y = rng.integers(0, 2, (rows, outputs)).astype(dtype)
    else:
        y = rng.normal(size=(rows, outputs)).astype(dtype)
        y = np.abs(y).round() if isinstance(network.loss, Poisson) else y
    weight = rng.choice([0.0, 0.5, 1.0, 2.0], rows).astype(dtype) if rng.random() < 0.3 else None
    return Inputs(x, y, weight, scale)


def faults(case: Case) -> list[str]:
    """What the native engine does otherwise than the reference, a line each."""
    return [f"program {case.number}: {fault}" for fault in (*_trained(case), *_judged(case), *_loaded(case))]


def _trained(case):
    """Single steps, and the gradients before them."""
    found = compare(
        case.network, case.inputs, case.optimizer, dtype=case.dtype, steps=3, batch_size=case.batch_size,
        last_batch=case.last, seed=case.number, threads=case.threads, rejoin=True, clip=case.clip,
    )  # fmt: skip
    excess, what = found.excess(promised(case.dtype, 1))
    if excess > 1:
        yield f"{what} are {excess:.3g} times what is allowed apart"


def _judged(case):
    """Outputs and losses without dropout, of the seed's weights."""
    native, reference = case.compiled("native"), case.compiled("reference")
    state = reference.state()
    tolerance, eps = promised(case.dtype, 1).gradient, float(np.finfo(case.dtype).eps)
    inputs = case.inputs
    x = np.asarray(widened(inputs.x), np.float64) * inputs.scale
    wide = {name: state[name].astype(np.float64) for name in native.parameters()}
    size = output_scale(case.network, wide, x)
    pairs = [(program.output(inputs.x, inputs.scale).astype(np.float64)) for program in (native, reference)]
    apart, allowed = np.abs(pairs[0] - pairs[1]), tolerance * np.abs(pairs[1]) + 4 * eps * size
    if not (apart <= allowed).all():
        row = int(np.argmax((~(apart <= allowed)).any(axis=1)))
        yield f"outputs of row {row} are {pairs[0][row][:3]} and {pairs[1][row][:3]}"
    sums = [program.evaluate(inputs) for program in (native, reference)]
    weight = np.ones(inputs.rows) if inputs.weight is None else inputs.weight.astype(np.float64)
    scale = rounding_scales(case.network, wide, x, inputs.y, weight, None)[0] * max(weight.sum(), 1)
    allowed = tolerance * abs(sums[1].loss) + 4 * eps * scale * max(
        1.0, sums[1].weight / max(weight.sum(), 1)
    )
    if not abs(sums[0].loss - sums[1].loss) <= allowed:
        yield f"losses of all rows are {sums[0].loss} and {sums[1].loss}"


def _loaded(case):
    """After weights that overflowed, good ones give the bits they give in a new program."""
    used = case.compiled("native")
    good = used.state()
    used.run(case.plan(0, 4, 1e30), np.inf)
    used.run(case.plan(0, 4, 1e300), np.inf)
    used.load(good)
    if _answers(case, used) != _answers(case, case.compiled("native")):
        yield "what an overflow left is still there after loading good weights"


def _answers(case, program):
    chunk = program.run(case.plan(0, 3, 0.01), np.inf)
    rows = np.arange(case.inputs.rows)
    loss, gradient = program.gradient(rows, 7)
    arrays = [chunk.step_loss, program.output(case.inputs.x, case.inputs.scale), *gradient.values()]
    arrays += program.state().values()
    return [chunk.stopped, loss, *(np.ascontiguousarray(array).tobytes() for array in arrays)]


AT_ONCE = 25


def _check(first):
    get_engine("native")
    found = [fault for number in range(first, first + AT_ONCE) for fault in faults(draw(number))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("first", range(0, 500, AT_ONCE))
def test_five_hundred_programs_agree(first):
    _check(first)


@pytest.mark.full
@pytest.mark.parametrize("first", range(500, 20_000, AT_ONCE))
def test_many_thousand_programs_agree(first):
    _check(first)
