"""Ctrl-C, SIGTERM and kill -9 while fitting: quick answers, nothing half-written."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

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


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
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
