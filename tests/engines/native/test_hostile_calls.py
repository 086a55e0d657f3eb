"""No call of the extension crashes the process: wrong arguments raise, through the engine and directly."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time

import numpy as np
import pytest

from descend.engines.native import kernel_report
from descend.engines.plan import Explicit, Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import DataError, EngineBusy, EngineUnavailable, OptionError
from descend.networks import BinaryCrossEntropy, CrossEntropy, Dense, Network, SquaredError
from descend.optimizers import SGD

_native = pytest.importorskip("descend.engines.native._native", reason="the extension is not built")

LAYERS = [(4, 0, True, 0.0)]
SQUARED, CLASSES = (0, 0.0, 0.0, []), (5, 0.0, 0.0, [])
PLAIN = (0, 0.0, 0.0, False, 0.0, False, 0.0, 0.0, 0.0, False, False)
NAN = float("nan")


def direct(**changes):
    arguments = {
        "inputs": 3, "layers": LAYERS, "loss": CLASSES, "optimizer": PLAIN, "instruction_set": "",
        "threads": 1, "seed": 0,
    }  # fmt: skip
    return _native.Float32Program(**(arguments | changes))


def bound():
    program = direct()
    program.bind(np.ones((6, 3), np.float32), np.arange(6) % 4, None, 1.0)
    return program


@pytest.mark.parametrize(
    "changes",
    [
        {"inputs": 0}, {"inputs": -1}, {"inputs": 2**40}, {"layers": []}, {"layers": [(0, 0, True, 0.5)]},
        {"layers": [(-3, 0, True, 0.0)]}, {"layers": [(2**24, 0, True, 0.0)] * 3},
        {"layers": [(4, 7, True, 0.0)]},
        {"layers": [(0, 0, True, 1.0), *LAYERS]}, {"layers": [(0, 0, True, NAN), *LAYERS]},
        {"layers": [(1, 0, True, 0.0)]}, {"loss": (7, 0.0, 0.0, [])}, {"loss": (-1, 1.0, 0.0, [])},
        {"loss": (5, 0.0, 2.0, [])}, {"loss": (5, 0.0, 0.0, [1.0])}, {"loss": (5, 0.0, 0.0, [NAN] * 4)},
        {"loss": (3, 0.0, 0.0, [])}, {"loss": (3, 1.0, 0.0, [])}, {"loss": (3, NAN, 0.0, [])},
        {"loss": (2, 0.0, 0.0, [])}, {"optimizer": (9, *PLAIN[1:])}, {"optimizer": (0, NAN, *PLAIN[2:])},
        {"optimizer": (2, *PLAIN[1:6], 1.0, *PLAIN[7:])}, {"threads": 0}, {"threads": 10**6},
        {"instruction_set": "sse9"}, {"seed": -1}, {"layers": None}, {"loss": ()},
    ],
)  # fmt: skip
def test_descriptions_are_refused(changes):
    with pytest.raises((ValueError, TypeError)):
        direct(**changes)


X, Y = np.ones((6, 3), np.float32), np.arange(6) % 4


@pytest.mark.parametrize(
    ("x", "y", "weight", "scale"),
    [
        (X[:, :2], Y, None, 1.0), (X[0], Y, None, 1.0), (X.astype(np.float64), Y, None, 1.0),
        (np.asfortranarray(X), Y, None, 1.0), (np.ones((12, 3), np.float32)[::2], Y, None, 1.0),
        (X, Y[:5], None, 1.0), (X, Y[:, None], None, 1.0), (X, Y.astype(np.int32), None, 1.0),
        (X, Y + 1, None, 1.0),
        (X, Y - 1, None, 1.0), (X, Y * 2**40, None, 1.0), (X, Y.astype(np.float32), None, 1.0),
        (X, Y, np.ones(5, np.float32), 1.0), (X, Y, np.ones(6), 1.0), (X, Y, -np.ones(6, np.float32), 1.0),
        (X, Y, np.full(6, np.nan, np.float32), 1.0), (X, Y, None, NAN), (X.astype(object), Y, None, 1.0),
        (X.astype(">f4"), Y, None, 1.0), (None, Y, None, 1.0), (X, None, None, 1.0),
        (X.tolist(), Y, None, 1.0),
        (np.frombuffer(b"\0" * 73, np.uint8)[1:].view(np.float32).reshape(6, 3), Y, None, 1.0),
    ],
)  # fmt: skip
def test_rows_are_refused(x, y, weight, scale):
    program = direct()
    for call in (program.bind, program.evaluate):
        with pytest.raises((ValueError, TypeError)):
            call(x, y, weight, scale)


VALUES, STARTS = np.ones(3, np.float32), np.array([0, 1, 1, 1, 2, 2, 3])
COLUMNS = np.array([0, 2, 1], np.int32)


@pytest.mark.parametrize(
    "table",
    [
        (VALUES.astype(np.float64), STARTS, COLUMNS), (VALUES[:2], STARTS, COLUMNS),
        (VALUES, STARTS, COLUMNS[:2]),
        (VALUES, STARTS.astype(np.int32), COLUMNS), (VALUES, STARTS, COLUMNS.astype(np.int64)),
        (VALUES, STARTS[:0], COLUMNS), (VALUES, STARTS + 1, COLUMNS), (VALUES, STARTS * 2, COLUMNS),
        (VALUES, STARTS[::-1].copy(), COLUMNS), (VALUES, STARTS, COLUMNS + 1), (VALUES, STARTS, COLUMNS - 1),
        (VALUES, np.array([0, 3, 3, 3, 3, 3, 3]), COLUMNS), (VALUES, STARTS), (VALUES[None], STARTS, COLUMNS),
        (VALUES, np.array([0, 2**62, 3, 3, 3, 3, 3]), COLUMNS), (VALUES, STARTS[:-1], COLUMNS),
    ],
)  # fmt: skip
def test_sparse_rows_are_refused(table):
    program = direct()
    for call in (program.bind, program.evaluate):
        with pytest.raises((ValueError, TypeError)):
            call(table, Y, None, 1.0)
    program.bind((VALUES, STARTS, COLUMNS), Y, None, 1.0)


RATES, DECAY = np.full(3, 0.1), np.zeros(2)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 7}, {"rows": 0}, {"rows": -1}, {"size": 0}, {"size": -5}, {"size": 7, "last": 1},
        {"size": 2**40, "last": 2}, {"last": 3}, {"last": -1}, {"first_step": -1}, {"first_step": 2**32 - 2},
        {"first_step": 2**62}, {"rate": np.array([0.1, NAN])}, {"rate": np.array([-1.0])},
        {"rate": np.zeros((2, 2))},
        {"rate": np.zeros(2, np.float32)}, {"rate": np.array(0.1)}, {"decay": np.zeros(3)},
        {"decay": np.zeros((2, 2))},
        {"decay": np.array([np.inf, 0.0])}, {"clip": 0.0}, {"clip": -1.0}, {"clip": NAN},
        {"seconds": NAN}, {"seed": 2**64},
        {"subset": np.array([0, 1, 6])}, {"subset": np.array([-1, 1, 2])}, {"subset": np.array([0, 1])},
        {"subset": np.zeros((6, 1), np.int64)}, {"subset": np.zeros(6)},
    ],
)  # fmt: skip
def test_orders_are_refused(changes):
    order = {
        "seed": 0, "rows": 6, "size": 4, "last": 0, "shuffle": True, "replacement": False, "subset": None,
    }  # fmt: skip
    rest = {"first_step": 0, "rate": RATES, "decay": DECAY, "clip": np.inf, "seconds": 1.0}
    order |= {name: value for name, value in changes.items() if name in order}
    rest |= {name: value for name, value in changes.items() if name in rest}
    if "subset" in changes:
        order["rows"] = 3
    with pytest.raises((ValueError, TypeError)):
        bound().run_order(order=tuple(order.values()), **rest)
    if "seconds" not in changes:
        plan = (rest["first_step"], tuple(order.values()), rest["rate"], rest["decay"], rest["clip"])
        with pytest.raises((ValueError, TypeError)):
            type(bound()).run_together([bound()], [plan], 1.0, 1)


def test_programs_that_do_not_fit_together_are_refused():
    kind, plan = type(bound()), (0, (0, 6, 4, 0, True, False, None), RATES, DECAY, np.inf)
    program = bound()
    with pytest.raises(ValueError, match="plan"):
        kind.run_together([], [], 1.0, 1)
    with pytest.raises(ValueError, match="plan"):
        kind.run_together([program], [], 1.0, 1)
    with pytest.raises(RuntimeError, match="another call"):
        kind.run_together([program, program], [plan, plan], 1.0, 1)
    with pytest.raises(ValueError, match="same rows"):
        kind.run_together([program, bound()], [plan, plan], 1.0, 1)
    rows, labels = np.ones((6, 3), np.float32), np.arange(6) % 4
    scaled, other = direct(), direct()
    scaled.bind(rows, labels, None, 1.0)
    other.bind(rows, labels, None, 0.5)
    with pytest.raises(ValueError, match="same rows"):
        kind.run_together([scaled, other], [plan, plan], 1.0, 1)
    with pytest.raises(ValueError, match="threads"):
        kind.run_together([program], [plan], 1.0, 0)
    assert len(kind.run_together([program], [plan], 1.0, 4)) == 1


@pytest.mark.parametrize(
    ("rows", "offsets"),
    [
        ([0, 1, 6], [0, 1, 2, 3]), ([0, 1, -1], [0, 1, 2, 3]), ([0, 1, 2], [0, 1, 2]),
        ([0, 1, 2], [0, 2, 1, 3]),
        ([0, 1, 2], [0, 1, 2, 4]), ([0, 1, 2], [-1, 1, 2, 3]), ([0, 1, 2**40], [0, 1, 2, 3]), ([0, 1, 2], []),
    ],
)  # fmt: skip
def test_listed_batches_are_refused(rows, offsets):
    with pytest.raises(ValueError, match=r"rows|offsets"):
        bound().run_listed(
            0, np.array(rows, np.int64), np.array(offsets, np.int64), RATES, DECAY, np.inf, 1.0
        )


def test_calls_out_of_order_and_out_of_range_are_refused():
    with pytest.raises(ValueError, match="bind comes before"):
        direct().gradient(np.zeros(1, np.int64), 0)
    program = bound()
    for rows in ([6], [-1], [2**40]):
        with pytest.raises(ValueError, match="rows"):
            program.gradient(np.array(rows, np.int64), 0)
    for parameter, slot in ((2, -1), (-1, -1), (0, 0), (0, -2)):
        with pytest.raises(ValueError, match="number"):
            program.read(parameter, slot)
        with pytest.raises(ValueError, match="number"):
            program.write(parameter, slot, np.zeros(12, np.float32))
    with pytest.raises(ValueError, match="shape"):
        program.write(0, -1, np.zeros(11, np.float32))
    with pytest.raises(ValueError, match="updates"):
        program.updates = -1


def test_labels_changed_after_bind_are_not_read_again():
    program = direct()
    labels = Y.copy()
    program.bind(X, labels, None, 1.0)
    before = program.gradient(np.arange(6), 0)[0]
    labels[:] = 2**40
    assert program.gradient(np.arange(6), 0)[0] == before


def test_no_rows_at_all():
    program = direct()
    program.bind(X[:0], Y[:0], None, 1.0)
    loss, parts = program.gradient(np.zeros(0, np.int64), 0)
    assert loss == 0.0
    assert not any(part.any() for part in parts)
    program.output(X[:0], 1.0, True, np.empty((0, 4), np.float32))
    assert program.evaluate(X[:0], Y[:0], None, 1.0) == (0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    "out",
    [np.empty((5, 4), np.float32), np.empty((6, 3), np.float32), np.empty(24, np.float32)],
    ids=["rows", "columns", "flat"],
)
def test_an_output_goes_into_an_array_of_its_shape(out):
    with pytest.raises(ValueError, match="out has shape"):
        direct().output(X, 1.0, False, out)


def read_only():
    out = np.empty((6, 4), np.float32)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    "out",
    [np.empty((6, 4)), read_only(), np.empty((4, 6), np.float32).T, np.empty((12, 4), np.float32)[::2]],
    ids=["float64", "read-only", "Fortran", "every second row"],
)
def test_an_output_is_not_written_to_a_copy(out):
    with pytest.raises(TypeError):
        direct().output(X, 1.0, False, out)


def test_errors_are_ours(cases):
    network = Network([Dense(4)], loss=CrossEntropy())
    program = get_engine("native").compile(network, (3,), SGD(), "float32", 1, 0)
    with pytest.raises(DataError, match=r"y\[2\] is 9, classes are 0 to 3"):
        program.bind(Inputs(X, np.array([0, 1, 9, 0, 0, 0])))
    with pytest.raises(DataError, match="class numbers"):
        program.bind(Inputs(X, Y.astype(np.float32)))
    program.bind(Inputs(X, Y))
    with pytest.raises(OptionError, match="rates"):
        program.run(Plan(0, 2, Order(0, 6, 3), RATES, DECAY), 1.0)
    with pytest.raises(OptionError, match="finite"):
        program.run(Plan(0, 3, Order(0, 6, 3), RATES * np.nan, DECAY), 1.0)
    binary = Network([Dense(1)], loss=BinaryCrossEntropy())
    with pytest.raises(DataError, match="neither 0 nor 1"):
        get_engine("native").compile(binary, (3,), SGD(), "float32", 1, 0).bind(Inputs(X, X[:, :1] * 2))


@pytest.mark.parametrize(
    ("wished", "error", "message"),
    [("sse9", OptionError, "choices"), ("", None, ""), ("GENERIC", OptionError, "choices")],
)
def test_instruction_sets_by_name(cases, monkeypatch, wished, error, message):
    monkeypatch.setenv("DESCEND_ISA", wished)
    if error is None:
        assert cases.program().instruction_set in _native.instruction_sets()
    else:
        with pytest.raises(error, match=message):
            cases.program()


@pytest.mark.parametrize("name", ["x86-64-v3", "x86-64-v4", "neon"])
def test_an_instruction_set_the_machine_lacks_is_an_error(cases, monkeypatch, name):
    monkeypatch.setenv("DESCEND_ISA", name)
    if name in _native.instruction_sets():
        assert cases.program().instruction_set == name
    else:
        with pytest.raises(EngineUnavailable, match=name):
            cases.program()


def test_a_second_caller_is_told(cases):
    program = cases.program()
    program.bind(cases.data())
    thread = threading.Thread(target=program.run, args=(cases.plan(0, 10**6), 1.0))
    thread.start()
    time.sleep(0.3)
    for call in (program.state, lambda: program.output(cases.data().x), lambda: program.bind(cases.data())):
        with pytest.raises(EngineBusy, match="still running"):
            call()
    thread.join()
    program.output(cases.data().x)


def test_a_step_that_is_not_finite_stops_the_run():
    network = Network([Dense(1)], loss=SquaredError())
    program = get_engine("native").compile(network, (1,), SGD(), "float64", 1, 0)
    x = np.ones((5, 1))
    y = np.array([[1.0], [2.0], [np.inf], [1.0], [1.0]])
    program.bind(Inputs(x, y))
    batches = Explicit(np.arange(5), np.arange(6))
    chunk = program.run(Plan(0, 5, batches, np.full(5, 0.1), np.zeros(2)), 10.0)
    assert (chunk.done, chunk.stopped, len(chunk.step_loss)) == (2, "nonfinite", 2)
    state = program.state()
    assert state["updates"] == 2
    assert all(np.isfinite(part).all() for part in state.values())


def test_a_batch_without_weight_is_a_step_without_update(cases):
    network = Network([Dense(1)], loss=SquaredError())
    program = get_engine("native").compile(network, (1,), SGD(), "float64", 1, 0)
    program.bind(Inputs(np.ones((2, 1)), np.ones((2, 1)), np.zeros(2)))
    before = program.state()
    chunk = program.run(Plan(0, 2, Order(0, 2, 1), np.full(2, 0.1), np.ones(2)), 10.0)
    np.testing.assert_array_equal(chunk.step_loss, np.zeros(2))
    assert cases.digest(before.values()) == cases.digest(program.state().values())


def _forked(program, cases, queue):
    program.run(cases.plan(0, 6), 100.0)
    queue.put(cases.digest(program.state().values()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons warn of fork beside threads
def test_a_forked_child_makes_threads_of_its_own(cases):
    program = cases.program(threads=3)
    program.bind(cases.data())
    start = program.state()
    program.run(cases.plan(0, 6), 100.0)  # its threads exist now
    expected = cases.digest(program.state().values())
    program.load(start)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_forked, args=(program, cases, queue))
    child.start()
    assert queue.get(timeout=60) == expected
    child.join(timeout=60)
    assert child.exitcode == 0
    program.run(cases.plan(0, 6), 100.0)
    assert cases.digest(program.state().values()) == expected


def test_the_report_names_what_is_used(monkeypatch):
    monkeypatch.delenv("DESCEND_ISA", raising=False)
    report = kernel_report(2)
    assert report["used"] == report["available"][0]
    assert (report["threads"], "generic" in report["available"]) == (2, True)
    assert 0.1 < report["peak_gflops"] < 1e5
    monkeypatch.setenv("DESCEND_ISA", "sse9")
    with pytest.raises(OptionError, match="sse9"):
        kernel_report(1)
