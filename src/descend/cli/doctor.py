"""``descend doctor``: the machine, the engines, and whether they agree."""

from __future__ import annotations

import json as json_text
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import typer

from descend import __version__
from descend.cli.console import line, output, table
from descend.engines.agreement import compare, promised
from descend.engines.protocol import Inputs
from descend.engines.registry import ENGINES, get_engine
from descend.engines.threads import resolve_threads
from descend.errors import EngineUnavailable
from descend.networks import CrossEntropy, Dense, Dropout, Network
from descend.optimizers import Adam

_DISAGREES = "DISAGREES"
_PACKAGES = ("numpy", "scikit-learn", "polars", "safetensors", "torch")


def doctor_command(json: bool) -> None:
    """Prints a report; JSON with ``--json``. Exits with 1 where an engine disagrees."""
    found = examine()
    if json:
        print(json_text.dumps(found, indent=2, ensure_ascii=False))
    else:
        _show(found)
    if any(_DISAGREES in entry["agreement"] for entry in found["engines"].values()):
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    console = output()
    machine = found["machine"]
    line(console, f" on Python {machine['python']}", bold=f"descend {found['descend']}")
    line(console, f"machine   {machine['processor']}, {machine['threads']} usable cores")
    line(console, f"kernels   {_kernels_text(found['kernels'])}")
    line(console, "packages  " + ", ".join(f"{name} {v or '–'}" for name, v in found["packages"].items()))
    console.print()
    rows = [(name, entry["state"], entry["agreement"]) for name, entry in found["engines"].items()]
    console.print(table(("engine", "state", "against the reference, 20 steps"), rows))


def examine() -> dict[str, Any]:
    """Everything the report holds, as plain values."""
    return {
        "descend": __version__,
        "machine": {
            "python": platform.python_version(),
            "system": platform.platform(),
            "processor": processor(),
            "threads": resolve_threads(None),
        },
        "packages": {name: _version(name) for name in _PACKAGES},
        "kernels": _kernels(),
        "engines": {name: _engine(name) for name in ENGINES},
    }


def _kernels() -> dict[str, Any] | None:
    """The native engine's instruction sets, the one in use, and its measured peak."""
    try:
        get_engine("native")
    except EngineUnavailable:
        return None
    from descend.engines.native import kernel_report

    return kernel_report(resolve_threads(None))


def _kernels_text(kernels: dict[str, Any] | None) -> str:
    if kernels is None:
        return "none: engine native cannot be used, see below"
    others = ", ".join(name for name in kernels["available"] if name != kernels["used"])
    text = f"{kernels['used']} in use" + (f" (also here: {others})" if others else "")
    text += f"; peak {kernels['peak_gflops']:.0f} GFLOP/s in float32 on {kernels['threads']} threads"
    if kernels["used"] == "generic":
        text += "; without fused multiply-add the same bits on other machines are not promised"
    return text


def _engine(name: str) -> dict[str, str]:
    try:
        get_engine(name)
    except EngineUnavailable as error:
        return {"state": str(error), "agreement": "–"}
    if name == "reference":
        return {"state": "ready", "agreement": "is the definition"}
    return {"state": "ready", "agreement": _agreement(name)}


def _agreement(name: str) -> str:
    """Trains a small network with dropout and weights on both engines, in both precisions."""
    rng = np.random.default_rng(0)
    network = Network([Dense(24, "tanh"), Dropout(0.2), Dense(3)], CrossEntropy(label_smoothing=0.1))
    rows = Inputs(rng.normal(size=(100, 7)), rng.integers(0, 3, 100), rng.uniform(0.5, 2.0, 100))
    parts = []
    for dtype in ("float64", "float32"):
        found = compare(network, rows, Adam(0.01), (name, "reference"), dtype=dtype, batch_size=16)
        verdict = "agrees" if found.within(promised(dtype, 20)) else _DISAGREES
        worst = max(difference.relative for difference in found.weights.values())
        parts.append(f"{verdict} in {dtype} (weights to {worst:.0e})")
    return ", ".join(parts)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
