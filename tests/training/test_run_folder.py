"""A run's folder is whole at every moment, and no run costs another one."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import descend
from descend.errors import OutputError
from descend.training.run_folder import check_output, write_run
from descend.writing import renaming

# Writes a run over another one in a child process that kills itself at the k-th call of any function that
# changes the disk, for every k until a child comes through; prints how often each outcome was found.
_KILLED_EVERYWHERE = """
import ctypes, os, shutil, signal, sys, tomllib
from pathlib import Path
import numpy as np
import descend
from descend.writing import renaming
from descend.training.run_folder import write_run

os.fsync = lambda opened: None  # a kill of the process loses nothing that was written; the disk would be slow
one_step = sys.argv[1] == "one step"
if not one_step:
    renaming._renameat2 = lambda: None
network = descend.Network([descend.Dense(1)], descend.SquaredError())
x = np.ones((4, 1), np.float32)
run = descend.train(network, x, x, optimizer=descend.SGD(0.1))
write = lambda number: write_run("t", Path("out"), True, run.model, run.history, {}, {"seed": number})
steps = 0
def counted(call, after):
    def wrapped(*args, **kwargs):
        global steps
        steps += 1
        if steps == last and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        mine = steps
        try:
            return call(*args, **kwargs)
        finally:
            if mine == last and after:
                os.kill(os.getpid(), signal.SIGKILL)
    return wrapped
found = {}
last = 0
finished = False
while not finished:
    last += 1
    for after in (False, True):
        for path in Path().iterdir():
            shutil.rmtree(path)
        write(1)
        child = os.fork()
        if child == 0:
            for name in ("mkdir", "open", "chmod", "fsync", "rename", "replace", "unlink", "rmdir"):
                setattr(os, name, counted(getattr(os, name), after))
            if one_step:
                step = counted(renaming._renameat2(), after)
                renaming._renameat2 = lambda: step
            write(2)
            os._exit(0)
        finished = os.waitpid(child, 0)[1] == 0
        names = [name for name in ("out", "out.old") if Path(name).exists()]
        assert names, [path.name for path in Path().iterdir()]
        for name in names:
            assert descend.load(name).predict(x).shape == (4,)
            assert {path.name for path in Path(name).iterdir()} == {
                "model.safetensors", "history.csv", "metrics.json", "run.toml"}
        seed = tomllib.loads(Path(names[0], "run.toml").read_text())["seed"]
        found[names[0], seed] = found.get((names[0], seed), 0) + 1
        write(3)
        left = sorted(path.name for path in Path().iterdir())
        assert left == ["out", *(["out.old"] if "out.old" in names else [])], left
print(found)
"""


def _kill_everywhere(folder, how):
    done = subprocess.run(
        [sys.executable, "-c", _KILLED_EVERYWHERE, how], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "DESCEND_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return eval(done.stdout)


@pytest.mark.skipif(renaming._renameat2() is None, reason="this system cannot exchange names in one step")
def test_a_kill_at_any_step_of_overwriting_leaves_a_whole_run_under_its_name(tmp_path):
    found = _kill_everywhere(tmp_path, "one step")
    assert set(found) == {("out", 1), ("out", 2)}
    assert sum(found.values()) > 20, found


def test_without_an_exchange_in_one_step_a_whole_run_is_there_too(tmp_path):
    found = _kill_everywhere(tmp_path, "several steps")
    assert set(found) == {("out", 1), ("out.old", 1), ("out", 2)}


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """``trained(out, overwrite, seed=0)`` writes the same small run anywhere, but for what run.toml says."""
    monkeypatch.chdir(tmp_path)
    network = descend.Network([descend.Dense(1)], descend.SquaredError())
    run = descend.train(network, np.ones((4, 1)), np.ones(4), optimizer=descend.SGD(0.1))

    def write(out, overwrite=False, seed=0):
        return write_run("t", out, overwrite, run.model, run.history, {}, {"seed": seed})

    return write


def test_a_name_taken_meanwhile_costs_no_run(trained, tmp_path):
    out = tmp_path / "new"
    check_output(out, False)
    assert [trained(out, seed=seed).name for seed in (1, 2, 3)] == ["new", "new-2", "new-3"]
    assert [(tmp_path / name / "run.toml").read_text() for name in ("new", "new-2")] == [
        "seed = 1\n",
        "seed = 2\n",
    ]


def test_a_folder_that_is_no_longer_a_runs_is_not_replaced(trained, tmp_path):
    (tmp_path / "out").mkdir()
    check_output(tmp_path / "out", True)
    (tmp_path / "out" / "letter.txt").write_text("dear")
    assert trained(tmp_path / "out", overwrite=True).name == "out-2"
    assert (tmp_path / "out" / "letter.txt").read_text() == "dear"


def test_runs_at_once_keep_all_their_work(trained, tmp_path):
    threads = [threading.Thread(target=trained, args=(tmp_path / "new",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"new", *(f"new-{number}" for number in range(2, 9))}


def test_what_a_killed_process_left_is_deleted_and_what_a_living_one_makes_is_not(trained, tmp_path):
    code = (
        "import signal, sys, pathlib\n"
        "from descend.writing.temporary import temporary_file, temporary_folder\n"
        "here = pathlib.Path()\n"
        "with temporary_folder(here) as folder, temporary_file(here) as file:\n"
        "    (folder / 'half').write_text('x')\n"
        "    print(folder.name, file.name, flush=True)\n"
        "    signal.pause()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        made = set(process.stdout.readline().split())
        trained(tmp_path / "first")
        assert {path.name for path in tmp_path.iterdir()} == {"first", *made}
        process.kill()
    (tmp_path / ".descend-notes").mkdir()  # somebody's own
    trained(tmp_path / "second")
    assert {path.name for path in tmp_path.iterdir()} == {"first", "second", ".descend-notes"}


def test_nothing_is_left_of_folders_that_were_made_for_a_run_that_failed(trained, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"c/model\.safetensors: cannot be written \(No space left"):
        trained(tmp_path / "a" / "b" / "c")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_not_put_inside_another(trained, tmp_path):
    trained(tmp_path / "run")
    with pytest.raises(OutputError, match="inside a run's folder"):
        check_output(tmp_path / "run" / "inner", False)
    assert len(list((tmp_path / "run").iterdir())) == 4


def test_equal_runs_give_equal_bytes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "import descend; descend.fit('iris', epochs=2, hidden=(4,), out='run', overwrite=True)"
    kept: list[tuple[object, ...]] = []
    for seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )  # fmt: skip
        metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
        assert metrics.pop("seconds") > 0
        files = [(tmp_path / "run" / name).read_bytes() for name in ("model.safetensors", "run.toml")]
        kept.append((json.dumps(metrics), *files))
    assert kept[0] == kept[1]
