"""The process whose memory is measured: ``python -m descend.bench.peak TASK`` prints bytes as JSON."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from descend.bench.workloads import input_scale, make_network
from descend.optimizers import SGD
from descend.training import train


def main(task: dict[str, Any]) -> None:
    """Trains on nearly nothing, so that every module is there; then on the task's rows, two epochs."""

    def run(x: Any, y: Any) -> None:
        train(
            make_network(x, y, task["hidden"]), x, y, optimizer=SGD(task["rate"]), input_scale=input_scale(x),
            epochs=2, batch_size=task["batch_size"], threads=task["threads"],
        )  # fmt: skip

    run(np.ones((2, 2), np.uint8), np.arange(2))
    base = peak_bytes()
    folder = Path(task["folder"])
    run(np.load(folder / "x.npy"), np.load(folder / "y.npy"))
    print(json.dumps({"base": base, "peak": peak_bytes()}))


def peak_bytes() -> int:
    """The most memory this process ever held."""
    status = Path("/proc/self/status")
    if status.exists():  # a new process inherits the other number from the one that started it
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
