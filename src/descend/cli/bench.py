"""``descend bench``: times, ratios and memory as tables while they come, JSON and pictures on request."""

from __future__ import annotations

import json as json_text
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from descend.bench import Settings, measure
from descend.bench.chart import SUFFIXES, draw
from descend.bench.measure import Listener
from descend.cli.console import line, output, table
from descend.cli.doctor import processor
from descend.cli.numbers import percent, plain
from descend.cli.output_file import check_output_file
from descend.errors import OutputError
from descend.training.display import progress_console
from descend.writing.whole import replace_file

_FIGURES = "bench.json"
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def bench_command(settings: Settings, json: bool, out: Path | None, overwrite: bool) -> None:
    """Measures and prints. With ``out``: ratios.png, ratios.svg and bench.json there.

    Raises DescendError.
    """
    if out is not None:
        _make_folder(out)
        for name in (*(f"ratios.{suffix}" for suffix in SUFFIXES), _FIGURES):
            check_output_file(out / name, overwrite)
    with progress_console().status("…") as status:
        found = measure(settings, _Printer(output(quiet=json), status))
    machine = {"processor": processor(), **found.pop("machine")}
    command = shlex.join(("descend", *sys.argv[1:]))
    text = json_text.dumps({"command": command, "machine": machine, **found}, indent=2, ensure_ascii=False)
    if json:
        print(text)
    if out is not None:
        for suffix, picture in draw(found).items():
            replace_file(out / f"ratios.{suffix}", picture)
        replace_file(out / _FIGURES, f"{text}\n".encode())


def _make_folder(out: Path) -> None:
    """Before minutes are spent on what could not be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: no folder can be made there ({error.strerror})") from None


class _Printer(Listener):
    """Prints each workload when it is done, and shows what is going on until then."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console, self._status = console, status

    def busy(self, text: str) -> None:
        """In the status line of a terminal."""
        self._status.update(text)

    def started(self, found: dict[str, Any]) -> None:
        """The run's circumstances."""
        missing = [name for name, version in found["peers"].items() if version == "not installed"]
        there = {name: version for name, version in found["peers"].items() if name not in missing}
        threads = f"{found['threads']} thread{'s' * (found['threads'] > 1)}"
        facts = [
            ("machine", f"{processor()}, {found['machine']['cores']} usable cores"),
            ("descend", f"{found['descend']}, {found['instruction_set']}, {threads}"),
            ("data", found["data"]),
            *((name, f"{version}: {found['methods'][name]}") for name, version in there.items()),
            *((name, "not installed") for name in missing),
            ("times", f"median of {found['pairs']}, in turns; ratio: of the same turn, and its range"),
            ("GFLOP", found["counted"]),
        ]
        self._console.print(table(("", ""), facts, show_headings=False))

    def finished(self, result: dict[str, Any]) -> None:
        """A workload's table and what else was found."""
        self._console.print()
        line(self._console, "", bold=result["title"])
        headings = ("", f"one {result['unit']}", "ratio", "range", "loss", "")
        self._console.print(table(headings, list(_rows(result)), right=(1, 2, 3, 4)))
        for text in _notes(result):
            line(self._console, text)


def _notes(result: dict[str, Any]) -> Iterator[str]:
    if "against_one_thread" in result:
        alone = result["against_one_thread"]
        low, high = alone["range"]
        yield f"threads: {alone['ratio']:.2f} ({low:.2f} to {high:.2f}) of the time of one thread"
    if "expected" in result:
        expected = result["expected"]
        yield (
            f"loss: mean over the rows, epochs made: {expected['epochs']}; orders alone explain "
            f"{percent(expected['tolerance'])}"
        )
    if "memory" in result:
        memory = result["memory"]
        yield (
            f"memory: {_megabytes(memory['above'])} above the imported modules at its peak, "
            f"{_megabytes(memory['data'])} of it data"
        )


def _rows(result: dict[str, Any]) -> list[tuple[str, ...]]:
    own = result["descend"]
    speed = f"{plain(own['gflops'])} GFLOP/s"
    if "share_of_peak" in own:
        speed += f", {percent(own['share_of_peak'])} of peak"
    loss = plain(result["expected"]["loss"]) if "expected" in result else ""
    mine = ("descend", duration(own["median"]), "", "", loss, speed)
    return [mine, *(_peer_row(name, peer) for name, peer in result["peers"].items())]


def _peer_row(name: str, peer: dict[str, Any]) -> tuple[str, ...]:
    loss = plain(peer["loss"]) if "loss" in peer else ""
    if not peer["counted"]:
        why = f"its loss is {100 * peer['difference']:+.1f} % off" if loss else "its answer is another one"
        return name, "", "", "", loss, f"not counted: {why}"
    low, high = peer["range"]
    note = f"loss {100 * peer['difference']:+.1f} %" if loss else ""
    return name, duration(peer["median"]), times(peer["ratio"]), f"{times(low)} to {times(high)}", loss, note


def duration(value: float) -> str:
    """``27.3 ms``."""
    size, unit = next((each for each in _UNITS if value >= each[0]), _UNITS[-1])
    return f"{value / size:.3g} {unit}" if value < 1000 else f"{value:.0f} s"


def times(ratio: float) -> str:
    """``8.7×``, ``334×``."""
    return f"{ratio:.1f}×" if ratio < 100 else f"{ratio:.0f}×"


def _megabytes(size: int) -> str:
    return f"{plain(size / 1e6)} MB"
