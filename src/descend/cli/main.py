"""Entry point: runs a command and turns what happens into an exit status and at most one line.

0 done; 1 a defect of descend's; 2 the user's mistake; 3 the run diverged; 130 interrupted.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import TextIO

import typer

from descend.cli.app import app
from descend.errors import DescendError


def main() -> None:
    """Runs the command line and exits."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs the command line and returns the exit status. ``--debug`` lets errors through as tracebacks."""
    debug = "--debug" in arguments  # for us: everything that goes wrong shows where
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()  # closed by the caller
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a narrow encoding must not stop a run
            stream.reconfigure(errors="replace")
    arguments = [argument for argument in arguments if argument != "--debug"]
    command = typer.main.get_command(app)
    if not arguments:
        arguments = ["--help"]
    try:
        with _terminate_as_interrupt():
            with command.make_context("descend", arguments) as context:
                command.invoke(context)
            sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output went away, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted; nothing was written")
        return 130
    except typer.Exit as ended:  # --help and --version end so
        return ended.exit_code
    except Exception as error:
        if debug:
            raise
        return _report(error)
    return 0


def _report(error: Exception) -> int:
    if isinstance(error, DescendError):
        _say(str(error))
        return error.exit_code
    wrong_words = getattr(error, "format_message", None)  # the command line itself was wrong
    if wrong_words is not None:
        _say(f"{wrong_words()} (--help shows how)")
        return 2
    if isinstance(error, OSError) and error.strerror:
        _say(f"{error.filename or 'output'}: {error.strerror}")
        return 2
    if isinstance(error, MemoryError):
        _say("not enough memory for this table and network: use fewer rows, columns or units")
        return 2
    _say(f"a defect in descend, please report it: {type(error).__name__}: {error} (--debug shows where)")
    return 1


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123


def _say(text: str) -> None:
    line = "descend: " + " ".join(text.split())
    print(line, file=sys.stderr)


@contextlib.contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """SIGTERM ends a command as Ctrl-C does, so that nothing half-written is left."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
