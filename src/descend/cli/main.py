"""Entry point: runs a command and turns what happens into an exit status and at most one line.

0 done; 1 a defect of descend's; 2 the user's mistake; 3 the run diverged; 130 interrupted.

All but what Python has loaded anyway is imported inside the functions, where Ctrl-C is answered already.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command line and exits."""
    status = run(sys.argv[1:])
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is leaving already
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Runs the command line and returns the exit status. ``--debug`` lets errors through as tracebacks."""
    debug = "--debug" in arguments  # for us: everything that goes wrong shows where
    if not debug:
        os.environ["RUST_BACKTRACE"] = "0"  # polars looks at it when it panics
    try:
        from descend.cli.address_space import keep_within_limit
        from descend.data.panics import panics_named

        keep_within_limit()
        with panics_named():  # the last resort, and the only one while polars is imported
            return _run([argument for argument in arguments if argument != "--debug"] or ["--help"], debug)
    except KeyboardInterrupt:  # while modules were imported, or again while the first one was answered
        os.write(2, b"descend: interrupted\n")
        return 130
    except Exception as error:
        if debug:
            raise
        return _report(error, arguments)


def _run(arguments: list[str], debug: bool) -> int:
    _open_streams()
    import typer

    from descend.cli.app import app
    from descend.cli.lines import drop_unwritten
    from descend.cli.signals import ends_as_interrupts
    from descend.writing.renaming import names_given

    command = typer.main.get_command(app)
    with names_given() as written:
        try:
            with ends_as_interrupts():
                if "_DESCEND_COMPLETE" in os.environ:  # the shell asks what may follow
                    command.main([], prog_name="descend", standalone_mode=False)
                with command.make_context("descend", arguments) as context:
                    command.invoke(context)
                sys.stdout.flush()
        except BrokenPipeError:  # the reader of our output went away, as head does
            return 0
        except (KeyboardInterrupt, typer.Abort) as interrupt:
            return _interrupted(interrupt, [str(path) for path in written()])
        except typer.Exit as ended:  # --help and --version end so
            return ended.exit_code
        except SystemExit as ended:  # so do the options of completion
            return ended.code if isinstance(ended.code, int) else 0
        except Exception as error:
            if debug:
                raise
            return _report(error, arguments)
        finally:
            drop_unwritten()
    return 0


def _interrupted(interrupt: BaseException, written: list[str]) -> int:
    from descend.cli.signals import threads_are_refused

    if threads_are_refused():
        _say("the system lets this user start no more threads (ulimit -u): end other programs or raise it")
        return 2
    done = f"already written: {', '.join(written)}" if written else "nothing was written"
    _say(f"interrupted; {str(interrupt) or done}")
    return 130


def _report(error: Exception, arguments: list[str]) -> int:
    from descend.errors import DescendError

    if isinstance(error, DescendError):
        _say(str(error))
        return error.exit_code
    if hasattr(error, "format_message"):  # the command line itself was wrong
        from descend.cli.hints import explained

        _say(explained(error, arguments))
        return 2
    if isinstance(error, OSError) and error.strerror:
        _say(f"{error.filename or 'standard output'}: {error.strerror}")
        return 2
    if isinstance(error, MemoryError):
        detail = f" ({error})" if str(error) else ""
        _say(f"not enough memory{detail}: end other programs, or use fewer rows, columns or units")
        return 2
    if isinstance(error, ImportError) and "failed to map segment" in str(error):  # the loader's words
        _say(f"not enough memory to load a library ({error}): end other programs or raise ulimit -v")
        return 2
    _say(f"a defect in descend, please report it: {type(error).__name__}: {error} (--debug shows where)")
    return 1


def _open_streams() -> None:
    """Has something stand in for streams that the caller closed, and narrow encodings stop no run."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # else the next file that is opened would be standard output
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None or sys.stderr is None:
        from descend.cli.lines import Closed

        if sys.stdout is None:
            sys.stdout = Closed()
        if sys.stderr is None:
            sys.stderr = Closed()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _say(text: str) -> None:
    from descend.cli.lines import note

    note("descend: " + " ".join(text.split()))
