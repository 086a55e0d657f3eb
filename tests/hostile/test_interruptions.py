"""Ctrl-C, SIGTERM, SIGHUP and kill -9 while fitting: quick answers, nothing half-written."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import descend
from descend.engines.native.program import NativeProgram
from descend.engines.plan import Explicit, Plan
from descend.engines.protocol import Inputs

COMMAND = "import sys; from descend.cli import main; main()"


def _start(folder, *extra):
    """A fit that would take minutes."""
    rng = np.random.default_rng(0)
    lines = ["a,b,y"] + [f"{a:.4f},{b:.4f},{a - b:.4f}" for a, b in rng.normal(size=(2000, 2))]
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    arguments = ["fit", "t.csv", "--target", "y", "--epochs", "2000000", "--hidden", "16", *extra]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("training"):
            break
    time.sleep(1.0)
    assert process.poll() is None
    return process


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("engine", ["native", "reference"])
def test_interrupting_ends_quickly_and_cleanly(tmp_path, signum, engine):
    process = _start(tmp_path, "--engine", engine)
    started = time.perf_counter()
    process.send_signal(signum)
    _, err = process.communicate(timeout=20)
    assert time.perf_counter() - started < 3
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1] == "descend: interrupted; nothing was written"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


def test_kill_leaves_no_run(tmp_path):
    process = _start(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


def test_a_closed_pipe_is_no_error(tmp_path):
    (tmp_path / "t.csv").write_text("a,y\n" + "".join(f"{i},{2 * i}.5\n" for i in range(20000)))
    fit = [sys.executable, "-c", COMMAND, "fit", "t.csv", "--target", "y", "--out", "run", "--epochs", "1"]
    subprocess.run(fit, cwd=tmp_path, check=True, capture_output=True)
    predict = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "predict", "run", "t.csv"], cwd=tmp_path,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert predict.stdout is not None
    assert predict.stdout.readline() == "prediction\n"
    predict.stdout.close()
    assert predict.stderr is not None
    with predict.stderr:
        assert predict.stderr.read() == ""
    assert predict.wait(timeout=60) == 0


class _Interrupted(Exception):
    pass


def _seconds_to_answer(call, after=0.3):
    """How long after a signal the call is given up."""

    def interrupt(*_):
        raise _Interrupted

    before = signal.signal(signal.SIGALRM, interrupt)
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        with pytest.raises(_Interrupted):
            call()
        return time.perf_counter() - started - after
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def wide():
    """A program whose single step over all rows takes seconds, and its rows."""
    layers = [descend.Dense(1500, "relu"), descend.Dense(1500, "relu"), descend.Dense(10)]
    network = descend.Network(layers, loss=descend.CrossEntropy())
    program = NativeProgram(network, 200, descend.SGD(0.1), "float32", 2, 0)
    x = np.random.default_rng(0).normal(size=(20_000, 200)).astype(np.float32)
    program.bind(Inputs(x, np.zeros(len(x), np.int64)))
    return program, x


def test_a_single_long_step_is_interrupted(wide):
    program, x = wide
    before = program.state()
    everything = Explicit(np.arange(len(x)), np.array([0, len(x)]))
    plan = Plan(0, 1, everything, np.array([0.1]), np.zeros(6))
    assert _seconds_to_answer(lambda: program.run(plan, 60.0)) < 1
    program.load(before)  # also where the update itself was interrupted
    assert (
        program.run(Plan(0, 1, Explicit(np.arange(8), np.array([0, 8])), plan.rate, plan.decay), 1.0).done
        == 1
    )
    program.load(before)


def test_a_gradient_and_a_long_prediction_are_interrupted(wide):
    program, x = wide
    before = program.state()
    assert _seconds_to_answer(lambda: program.gradient(np.arange(len(x)), 0)) < 1
    many = np.tile(x, (5, 1))
    assert _seconds_to_answer(lambda: program.output(many)) < 1
    after = program.state()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_weights_left_halfway_through_an_update_are_refused():
    network = descend.Network([descend.Dense(2500, "relu"), descend.Dense(2500)], loss=descend.SquaredError())
    program = NativeProgram(network, 10, descend.Adam(0.1), "float32", 2, 0)
    before = program.state()
    x = np.ones((64, 10), np.float32)
    program.bind(Inputs(x, np.ones((64, 2500), np.float32)))
    steps = 1000
    rows = Explicit(np.tile(np.arange(64), steps), np.arange(steps + 1) * 64)
    plan = Plan(0, steps, rows, np.full(steps, 1e-9), np.zeros(4))
    for attempt in range(50):  # until a signal falls into an update
        _seconds_to_answer(lambda: program.run(plan, 60.0), 0.1 + 0.013 * attempt)
        try:
            program.state()
        except descend.errors.OptionError as error:
            assert "load weights" in str(error)  # noqa: PT017
            break
        program.load(before)
    else:
        raise AssertionError("no signal fell into an update")
    program.load(before)
    assert all(np.array_equal(before[name], value) for name, value in program.state().items())
