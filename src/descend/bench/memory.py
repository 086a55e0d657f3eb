"""Peak memory of a training run, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from descend.bench.workloads import Workload


def training_memory(work: Workload, threads: int) -> dict[str, int]:
    """Bytes: ``base`` with the same modules imported, ``peak`` after two epochs, ``above`` = peak − base,
    and ``data``, the rows and targets themselves, which are part of ``above``.
    """  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "x.npy", work.x)
        np.save(Path(folder) / "y.npy", work.y)
        task = {
            "folder": folder,
            "hidden": work.hidden,
            "batch_size": work.batch_size,
            "rate": work.rate,
            "threads": threads,
        }
        done = subprocess.run(
            [sys.executable, "-m", "descend.bench.peak", json.dumps(task)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the run whose memory is measured failed: {done.stderr.strip()[-300:]}")
    found: dict[str, int] = json.loads(done.stdout)
    return {**found, "above": found["peak"] - found["base"], "data": work.x.nbytes + work.y.nbytes}
