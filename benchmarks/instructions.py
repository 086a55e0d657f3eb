"""Counts the instructions of a training step of the native engine, with valgrind: no noise, no other machine.

    make count-instructions

The kernels are those of x86-64-v3 (valgrind knows no AVX-512), on one thread. A run of one epoch is taken off
a run of three, which leaves whole epochs: their steps, and the drawing of their order.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

WORKLOADS = ("softmax-256", "mlp-32", "linear-10")
SHORT, LONG = 1, 3  # epochs


def counted(program: Path, workload: str, epochs: int) -> tuple[int, int]:
    """Instructions of the whole run, and its steps."""
    command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    done = subprocess.run(
        [*command, str(program), workload, str(epochs)],
        capture_output=True, text=True, check=False, env={**os.environ, "DESCEND_ISA": "x86-64-v3"},
    )  # fmt: skip
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode or found is None:
        sys.exit(f"instructions: {workload} failed under valgrind: {done.stderr.strip()[-300:]}")
    return int(found[1].replace(",", "")), int(done.stdout)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = Path(sys.argv[1]).absolute()
    print("| workload | instructions a step |\n|---|---|")
    for workload in WORKLOADS:
        try:
            (few, first), (many, last) = (counted(program, workload, epochs) for epochs in (SHORT, LONG))
        except FileNotFoundError:
            sys.exit("instructions: valgrind is not installed")
        print(f"| {workload} | {(many - few) / (last - first):,.0f} |", flush=True)


if __name__ == "__main__":
    main()
