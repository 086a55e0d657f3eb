"""Rows that are mostly zero: the native engine leaves the zeros out, with the bits of the whole sums.

Which way it takes is judged by the whole table, so that rows nobody trains on make it read everything.
"""

import numpy as np
import pytest

import descend
from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.networks import CrossEntropy, Dense, Dropout, Network, SquaredError
from descend.optimizers import SGD, Adam

ROWS = 61
NETWORKS = {
    "three": Network([Dense(3, bias=False)], CrossEntropy()),
    "ten": Network([Dense(10, "tanh"), Dense(3)], CrossEntropy()),
    "sixteen": Network([Dense(16, "relu"), Dense(3)], CrossEntropy()),
    "wide": Network([Dense(70, "relu"), Dense(20, "gelu"), Dense(3)], CrossEntropy()),
    "panels": Network([Dense(128, "relu", bias=False), Dense(3)], CrossEntropy()),
    "dropout": Network([Dropout(0.3), Dense(40, "tanh"), Dropout(0.5), Dense(3)], CrossEntropy()),
    "dropout, ten": Network([Dropout(0.3), Dense(10, "tanh"), Dropout(0.5), Dense(3)], CrossEntropy()),
    "dropouts, three": Network([Dropout(0.3), Dropout(0.2), Dense(3)], CrossEntropy()),
}
OPTIMIZERS = {"sgd": SGD(), "momentum": SGD(momentum=0.9), "adam": Adam()}


def table(columns, dtype, seed=0):
    """Runs of filled columns, as images have them; 0 to 255 where the rows are bytes."""
    rng = np.random.default_rng(seed)
    filled = np.repeat(rng.random((ROWS, columns // 4 + 1)) < 0.15, 4, axis=1)[:, :columns]
    filled[5], filled[9], filled[:, 17] = False, True, False
    drawn = rng.integers(1, 256, filled.shape) if dtype == "uint8" else rng.normal(size=filled.shape)
    return np.where(filled, drawn, 0).astype(dtype)


def crowded(x):
    """The same rows in a table that is not mostly zero."""
    return np.vstack([x, np.ones((8 * len(x), x.shape[1]), x.dtype)])


def everything(network, x, plan, optimizer, dtype="float32", threads=1):
    """All that a program says of the first rows, as bytes."""
    widths = network.widths(x.shape[1])
    program = get_engine("native").compile(network, widths, optimizer, dtype, threads, 3)
    y = np.random.default_rng(1).integers(0, 3, len(x))
    program.bind(Inputs(x, y, None, 1 / 255 if x.dtype == np.uint8 else 1.0))
    found = {"losses": program.run(plan, np.inf).step_loss.tobytes()}
    loss, gradient = program.gradient(np.arange(ROWS)[::-1].copy(), 5)
    found |= {f"gradient {name}": part.tobytes() for name, part in gradient.items()}
    found |= {"again": program.run(plan, np.inf).step_loss.tobytes()}
    found |= {name: array.tobytes() for name, array in program.state().items()}
    return found | {"loss": loss, "output": program.output(x, 1.0, True)[:ROWS].tobytes()}


def plan_of(network, columns, decay=0.0, size=16):
    decays = np.full(len(network.parameter_shapes(columns)), decay)
    order = Order(2, ROWS, size, "wrap", subset=np.arange(ROWS))
    return Plan(0, 12, order, np.full(12, 0.1), decays)


def set_of(monkeypatch, instruction_set):
    monkeypatch.setenv("DESCEND_ISA", instruction_set)
    try:
        get_engine("native").compile(NETWORKS["three"], (2, 3), SGD(), "float32", 1, 0)
    except descend.errors.EngineUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kind", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("instruction_set", ["x86-64-v3", "x86-64-v3-wide"])
def test_left_out_zeros_leave_the_bits(instruction_set, network, optimizer, kind, monkeypatch):
    set_of(monkeypatch, instruction_set)
    dtype = "float64" if kind == "float64" else "float32"
    for columns in (83, 90, 216):  # rests behind blocks, tiles, words and segments
        x = table(columns, kind)
        for decay, size in ((0.0, 16), (0.01, 13), (0.0, 150)):
            plan = plan_of(network, columns, decay, size)
            whole = everything(network, crowded(x), plan, optimizer, dtype)
            assert everything(network, x, plan, optimizer, dtype) == whole


@pytest.mark.parametrize("threads", [2, 3, 4])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_threads_leave_the_bits(network, threads):
    get_engine("native")
    x, plan = table(216, "uint8"), plan_of(network, 216, 0.01)
    assert everything(network, x, plan, Adam(), threads=threads) == everything(network, x, plan, Adam())


@pytest.mark.parametrize("outputs", [3, 40])
def test_a_row_is_predicted_alike_alone_and_among_others(outputs):
    network = Network([Dense(outputs)], SquaredError())
    program = get_engine("native").compile(network, (216, outputs), SGD(), "float32", 1, 3)
    x = table(216, "float32")
    whole = program.output(crowded(x))[:ROWS]
    assert program.output(x).tobytes() == whole.tobytes()
    for row in range(ROWS):
        assert program.output(x[row : row + 1]).tobytes() == whole[row].tobytes()


@pytest.mark.parametrize("columns", [65535, 65536])
@pytest.mark.parametrize("outputs", [3, 20])
def test_the_widest_lists_hold_every_input(outputs, columns):
    """Lists count in 16 bits; two rows of a pair are filled whole."""
    network = Network([Dense(outputs)], SquaredError())
    program = get_engine("native").compile(network, (columns, outputs), SGD(), "float32", 1, 3)
    x = np.zeros((6, columns), np.float32)
    x[:2] = np.random.default_rng(0).normal(size=(2, columns))
    assert program.output(x).tobytes() == program.output(crowded(x))[:6].tobytes()


@pytest.mark.parametrize("start", [-0.0, 1e-40])
@pytest.mark.parametrize("outputs", [3, 40])
def test_signs_of_zero_are_those_of_whole_sums(outputs, start):
    """Sums that are −0 on their way: by a bias of −0, and by products that underflow."""
    network = Network([Dense(outputs)], SquaredError())
    x = np.zeros((ROWS, 83), np.float32)
    x[::2, 5] = -1e-30
    x[1::3, 60] = 1e-30
    weight = np.where(np.arange(83 * outputs).reshape(83, outputs) % 3 == 0, 1e-20, -1e-20)
    found = []
    for rows in (x, crowded(x)):
        program = get_engine("native").compile(network, network.widths(83), SGD(), "float32", 1, 3)
        program.load({"0.weight": weight, "0.bias": np.full(outputs, start)})
        program.bind(Inputs(rows, np.full((len(rows), outputs), 1e-20, np.float32)))
        _, gradient = program.gradient(np.arange(ROWS), 0)
        alone = program.output(rows)[:ROWS]
        program.run(plan_of(network, 83), np.inf)
        parts = [*gradient.values(), alone, *program.state().values(), program.output(rows)[:ROWS]]
        found.append([np.ascontiguousarray(part).tobytes() for part in parts])
    assert found[0] == found[1]


@pytest.mark.parametrize("outputs", [3, 40])
def test_a_weight_that_overflows_stops_the_run_at_the_reference_s_step(outputs):
    """Column 3 is filled in the first row alone, and its weights overflow there."""
    network = Network([Dense(outputs, bias=False), Dense(1)], SquaredError())
    x = np.zeros((4, 83), np.float32)
    x[0, 3], x[1:, 50] = 1e30, 1.0
    y = np.array([[1e8], [0], [0], [0]], np.float32)
    start = {"0.weight": np.full((83, outputs), 1e-31), "1.weight": np.ones((outputs, 1)), "1.bias": [0.0]}
    plan = Plan(0, 4, Order(0, 4, 1, shuffle=False), np.full(4, 1e3), np.zeros(3))
    for engine in ("native", "reference"):
        program = get_engine(engine).compile(network, network.widths(83), SGD(), "float32", 1, 3)
        program.load(start)
        program.bind(Inputs(x, y))
        chunk = program.run(plan, np.inf)
        assert (chunk.done, chunk.stopped) == (1, "nonfinite")


def test_models_trained_together_share_what_is_left_out():
    network = NETWORKS["wide"]
    x, y = table(216, "uint8"), np.random.default_rng(1).integers(0, 3, ROWS)
    options = {"optimizer": SGD(0.1), "batch_size": 16, "epochs": 3, "threads": 1, "input_scale": 1 / 255}
    # The second model diverges; it and the others read the same rows.
    rates = [0.1, 1e38, 0.02]
    runs = descend.train_many(network, x, y, variations=[{"lr": rate} for rate in rates], **options)
    assert runs[1].diverged is not None
    for run, rate in zip(runs, rates, strict=True):
        if run.diverged is None:
            alone = descend.train(network, x, y, **{**options, "optimizer": SGD(rate)})
            for name, value in alone.model.parameters.items():
                assert run.model.parameters[name].tobytes() == value.tobytes()
