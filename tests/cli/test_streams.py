"""Standard output and error that are closed, full or narrow: no run is lost, and no output without a word."""

import io
import os
import signal
import subprocess
import sys

import pytest

from descend.cli.console import line, output, table
from descend.training.display import Display, progress_console

_FIT = ("fit", "iris", "--epochs", "1", "--out", "m")
_PYTHON = [sys.executable, "-m", "descend"]


def _shell(folder, redirected, *arguments, **environment):
    command = " ".join((*_PYTHON, *arguments, redirected))
    environment["PYTHONUNBUFFERED"] = ""  # as a shell's: what cannot be written waits in a buffer
    return subprocess.run(
        ["sh", "-c", command], cwd=folder, capture_output=True, text=True,
        env={**os.environ, **environment}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110


@pytest.mark.parametrize("redirected", [pytest.param("2>/dev/full >/dev/full", marks=_full), "0<&- >&- 2>&-"])
def test_a_fit_that_can_show_nothing_is_kept(tmp_path, redirected):
    done = _shell(tmp_path, redirected, *_FIT)
    assert done.returncode == 0, done
    assert len(list((tmp_path / "m").iterdir())) == 4


@_full
def test_a_fit_whose_report_is_lost_says_where_the_run_is(tmp_path):
    done = _shell(tmp_path, ">/dev/full", *_FIT)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == (
        "note: standard output cannot be written to (No space left on device); the run is in m"
    )


class _Failing(io.StringIO):
    def __init__(self, error):
        super().__init__()
        self._error = error

    def write(self, text):
        raise self._error


@pytest.mark.parametrize(
    "arguments",
    [("predict", "m", "iris"), ("evaluate", "m", "iris"), ("evaluate", "m", "iris", "--json"),
     ("doctor", "--json"), ("--version",), ("--help",)],
)  # fmt: skip
@pytest.mark.parametrize("state", ["closed", "full"])
def test_an_answer_that_is_lost_is_an_error(command, monkeypatch, capsys, arguments, state):
    assert command(*_FIT).status == 0
    from descend.cli.main import run

    stdout = None
    if state == "full":
        # Made here: an error that outlives the test would keep the frames it went through, and their models.
        stream = _Failing(OSError(28, "No space left on device"))
        stdout = type("Full", (), {"buffer": stream, "write": stream.write, "flush": lambda self: None,
                                   "fileno": lambda self: -1, "isatty": lambda self: False,
                                   "encoding": "utf-8"})()  # fmt: skip
    monkeypatch.setattr(sys, "stdout", stdout)
    assert run(list(arguments)) == 2
    said = capsys.readouterr().err
    assert said.startswith("descend: standard output")
    assert ("No space left" if state == "full" else "closed") in said


@pytest.mark.parametrize("error", [OSError(28, "full"), BrokenPipeError(), ValueError("closed file")])
def test_a_display_ends_no_run(error):
    display = Display(_Failing(error))
    assert display.write("text") == 4
    display.write("more")
    display.flush()
    assert display.failure is error


@pytest.mark.parametrize("columns", ["0", "1", "-3", "x", ""])
def test_any_width_shows_every_word(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", columns)
    output().print(table(("column", "kind"), [("length", "number")]))
    progress_console().print("epoch")
    shown = capsys.readouterr()
    assert all(word in shown.out for word in ("column", "kind", "length", "number"))
    assert "epoch" in shown.err


def test_names_are_shown_as_they_are(capsys):
    console = output()
    line(console, ": 3 rows [/] :smile:", bold="[b] data.csv")
    console.print(table(("[i]", ""), [("[red]", "a\x1b[31m\tb")]))
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "[b] data.csv: 3 rows [/] :smile:"
    assert out.splitlines()[1].strip() == "[i]"
    assert "[red]" in out
    assert r"a\x1b[31m\tb" in out


def test_brackets_in_every_name_of_a_fit(command, tmp_path):
    rows = "".join(f"{i % 7},[{'/x' if i % 2 else 'b'}]\n" for i in range(60))
    (tmp_path / "[b] data.csv").write_text("[bold],[i]\n" + rows)
    fitted = command("fit", "[b] data.csv", "--target", "[i]", "--out", "[m]", "--epochs", "1")
    assert fitted.status == 0, fitted.err
    assert fitted.out.startswith("[b] data.csv: 60 rows\n")
    assert "[bold]" in fitted.out
    assert "Saved in [m]: " in fitted.out


@pytest.mark.parametrize("delay", [0.01, 0.05, 0.15])
def test_ctrl_c_at_the_start_leaves_no_traceback(tmp_path, delay):
    code = (
        "import os, signal, threading, time, sys\n"
        "from descend.cli import main\n"
        "interrupt = lambda: os.kill(os.getpid(), signal.SIGINT)\n"
        f"threading.Timer({delay}, interrupt).start()\n"
        "sys.argv = ['descend', 'fit', 'houses', '--epochs', '100000']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("descend: interrupted")
    assert list(tmp_path.iterdir()) == []


def test_an_interruption_after_the_run_was_written_says_so(command, monkeypatch, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("descend.cli.fit._show_metrics", interrupted)
    result = command(*_FIT)
    assert result.status == 130
    assert result.err.splitlines()[-1] == "descend: interrupted; already written: m"
    assert len(list((tmp_path / "m").iterdir())) == 4


def test_an_interruption_where_no_thread_can_start_is_the_systems(command, monkeypatch):
    def interrupted(*_):  # as OpenBLAS does when it is imported
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("descend.cli.fit.prepare", interrupted)
    monkeypatch.setattr("descend.cli.signals.threads_are_refused", lambda: True)
    result = command(*_FIT)
    assert result.status == 2
    assert "no more threads (ulimit -u)" in result.err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError("Unable to allocate 3.0 GiB"), "not enough memory (Unable to allocate 3.0 GiB)"),
        (MemoryError(), "not enough memory: end other programs"),
        (
            ImportError("x.so: failed to map segment from shared object"),
            "not enough memory to load a library",
        ),
    ],
)
def test_what_is_said_where_memory_ends(command, monkeypatch, error, message):
    def fails(*_):
        raise error

    monkeypatch.setattr("descend.cli.fit.prepare", fails)
    result = command(*_FIT)
    assert result.status == 2
    assert message in result.err


def test_nothing_is_imported_after_the_training(tmp_path):
    code = (
        "import sys, descend\n"
        "from descend import workflow\n"
        "judge, trained = workflow.judge, []\n"
        "def watched(*arguments):\n"
        "    trained.append(set(sys.modules))\n"
        "    return judge(*arguments)\n"
        "workflow.judge = watched\n"
        "descend.fit('houses', epochs=1, out='m')\n"
        "print(sorted(set(sys.modules) - trained[0]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done
