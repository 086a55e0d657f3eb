"""The whole measurement: every workload, descend and its peers in turns, as plain values."""

from __future__ import annotations

import datetime
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from descend import __version__
from descend.bench import ours
from descend.bench.contender import Peer
from descend.bench.losses import Expected, expected_loss, training_loss
from descend.bench.memory import training_memory
from descend.bench.operations import COUNTED, operations
from descend.bench.peers import find_peers
from descend.bench.timing import call_timer, epoch_timer, ratios, take_turns
from descend.bench.workloads import Workload, make_workloads
from descend.engines.native import kernel_report
from descend.engines.registry import get_engine
from descend.engines.threads import check_oversubscription, resolve_threads
from descend.errors import OptionError

_OURS, _ALONE, _PEAK = "descend", "one thread", "peak"
_MOST_PAIRS = 1000
_Timers = dict[str, Callable[[], float]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure.

    only : names of workloads; none means all.
    peers : names of peers; none means all, the single name ``none`` means descend alone.
    pairs : how often each contender takes its turn.
    threads : of descend and of the peers that can be told; None for all usable cores.
    data : a folder of IDX files in place of generated images.
    """

    only: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()
    pairs: int = 5
    threads: int | None = None
    data: Path | None = None


class Listener:
    """Hears how far a measurement is; this one does nothing."""

    def started(self, found: dict[str, Any]) -> None:
        """Everything but the workloads is known."""

    def busy(self, text: str) -> None:
        """``text`` says what is being done now."""

    def finished(self, result: dict[str, Any]) -> None:
        """A workload is done."""


def measure(settings: Settings, listener: Listener | None = None) -> dict[str, Any]:
    """Times every workload; benchmarks/README.md describes the keys of what is returned.

    Raises
    ------
    OptionError : an unknown workload or peer, a number of pairs or threads that makes no sense.
    DataError : the folder of images cannot be used.
    EngineUnavailable : the native engine was not built.
    """
    hears = listener or Listener()
    if not 1 <= settings.pairs <= _MOST_PAIRS:
        raise OptionError(f"pairs must be from 1 to {_MOST_PAIRS}, not {settings.pairs}")
    threads = resolve_threads(settings.threads)
    check_oversubscription(threads)
    get_engine("native")
    peers, versions = find_peers(settings.peers)
    hears.busy("preparing the data")
    works, data = make_workloads(settings.only, settings.data)
    found: dict[str, Any] = {
        "descend": __version__,
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "machine": {"system": platform.platform(), "cores": resolve_threads(None)},
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "instruction_set": kernel_report(1)["used"],
        "threads": threads,
        "pairs": settings.pairs,
        "data": data,
        "counted": COUNTED,
        "peers": versions,
        "methods": {name: peer.method for name, peer in peers.items()},
    }
    hears.started(found)
    found["workloads"] = []
    for work in works:
        result = _measure(work, settings.pairs, threads, peers, hears)
        found["workloads"].append(result)
        hears.finished(result)
    return found


def _measure(
    work: Workload, pairs: int, threads: int, peers: dict[str, Peer], hears: Listener
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "name": work.name, "title": work.title, "rows": len(work.x), "operations": operations(work),
    }  # fmt: skip
    timers: _Timers = {}
    repeats: dict[str, int] = {}
    if work.kind == "train":
        result |= {"unit": "epoch", "batch_size": work.batch_size}
        compared = _training(work, threads, peers, hears, timers, repeats)
        timers[_PEAK] = lambda: float(kernel_report(threads)["peak_gflops"])
    else:
        result["unit"] = "row"
        compared = _prediction(work, threads, peers, hears, timers, repeats)
    result |= {key: compared.pop(key) for key in ("expected",) if key in compared}
    hears.busy(f"{work.title}: {', '.join(name for name in timers if name != _PEAK)} in turns")
    times = take_turns(timers, pairs)
    peaks = times.pop(_PEAK, None)
    result[_OURS] = _speed(work, times[_OURS], repeats[_OURS], peaks)
    if _ALONE in times:
        result["against_one_thread"] = {
            "seconds": times[_ALONE], **ratios(times[_OURS], times[_ALONE]),
        }  # fmt: skip
    result["peers"] = {
        name: facts | _against(times, name, repeats) if name in times else facts
        for name, facts in compared.items()
    }
    if work.kind == "train":
        hears.busy(f"{work.title}: memory")
        result["memory"] = training_memory(work, threads)
    return result


def _training(
    work: Workload, threads: int, peers: dict[str, Peer], hears: Listener,
    timers: _Timers, repeats: dict[str, int],
) -> dict[str, Any]:  # fmt: skip
    """Timers of an epoch for everyone who reaches the same loss, and what was found about losses."""
    hears.busy(f"{work.title}: losses of descend")
    expected = expected_loss(work, threads)
    timers[_OURS], repeats[_OURS] = epoch_timer(ours.trainer(work, threads))
    if threads > 1:
        timers[_ALONE], repeats[_ALONE] = epoch_timer(ours.trainer(work, 1))
    compared: dict[str, Any] = {
        "expected": {"epochs": expected.epochs, "loss": expected.loss, "tolerance": expected.tolerance}
    }
    for name, peer in peers.items():
        train = peer.trainer(work, threads)
        if train is None:
            continue
        hears.busy(f"{work.title}: loss of {name}")
        compared[name] = _judged(training_loss(work, train(work.loss_epochs)), expected)
        if compared[name]["counted"]:
            timers[name], repeats[name] = epoch_timer(train)
    return compared


def _judged(loss: float, expected: Expected) -> dict[str, Any]:
    return {"loss": loss, "difference": expected.difference(loss), "counted": expected.agrees(loss)}


def _prediction(
    work: Workload, threads: int, peers: dict[str, Peer], hears: Listener,
    timers: _Timers, repeats: dict[str, int],
) -> dict[str, Any]:  # fmt: skip
    """Timers of a call for everyone whose answer is descend's."""
    predict = ours.predictor(work, threads)
    answer = _class_of(predict())
    timers[_OURS], repeats[_OURS] = call_timer(predict)
    compared: dict[str, Any] = {}
    for name, peer in peers.items():
        call = peer.predictor(work, threads)
        if call is None:
            continue
        hears.busy(f"{work.title}: {name}")
        compared[name] = {"counted": _class_of(call()) == answer}
        if compared[name]["counted"]:
            timers[name], repeats[name] = call_timer(call)
    return compared


def _class_of(answer: Any) -> int:
    numbers = np.asarray(answer).ravel()
    return int(numbers.argmax()) if numbers.size > 1 else int(numbers[0])


def _speed(work: Workload, seconds: list[float], repeats: int, peaks: list[float] | None) -> dict[str, Any]:
    """descend's own times; shares of the peak are taken turn by turn."""
    gflops = [operations(work) * 1e-9 / each for each in seconds]
    speed: dict[str, Any] = {
        "seconds": seconds, "median": statistics.median(seconds), "repeats": repeats,
        "gflops": statistics.median(gflops),
    }  # fmt: skip
    if peaks is not None:
        shares = [own / peak for own, peak in zip(gflops, peaks, strict=True)]
        speed |= {"peak_gflops": peaks, "share_of_peak": statistics.median(shares)}
    return speed


def _against(times: dict[str, list[float]], name: str, repeats: dict[str, int]) -> dict[str, Any]:
    return {
        "seconds": times[name], "median": statistics.median(times[name]), "repeats": repeats[name],
        **ratios(times[name], times[_OURS]),
    }  # fmt: skip
