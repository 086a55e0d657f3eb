"""Times exact least squares beside NumPy and scikit-learn on one tall table, in one process, interleaved.

    .venv/bin/python benchmarks/least_squares.py [--rows 10000000] [--columns 20] [--pairs 5] [--threads 2]

Every round solves the same float64 problem by descend (with an intercept), by ``numpy.linalg.lstsq`` (which
has none, and so the easier problem) and by scikit-learn's ``LinearRegression``. Printed are medians and the
median of the ratios within a round with its range; the largest difference of coefficients; what bounds the
time (bytes read and operations, beside the multiply-add peak measured in the same run); and, from a process
of its own, the peak memory above the table. The default table takes 1.6 GB, its peers a multiple of that.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descend.engines.native import kernel_report
from descend.solvers.exact import least_squares

Doubles = NDArray[np.float64]
ROWS_AT_ONCE = 100_000


def table(rows: int, columns: int) -> tuple[Doubles, Doubles]:
    """Normal columns with different means, made piece by piece so that nothing but the table takes memory."""
    rng = np.random.default_rng(0)
    X, y = np.empty((rows, columns)), np.empty(rows)
    for first in range(0, rows, ROWS_AT_ONCE):
        part = slice(first, min(first + ROWS_AT_ONCE, rows))
        X[part] = rng.normal(size=(part.stop - first, columns)) + np.arange(columns)
        y[part] = X[part] @ np.linspace(-1, 1, columns) + rng.normal(size=part.stop - first)
    return X, y


def solvers(X: Doubles, y: Doubles, threads: int) -> dict[str, Callable[[], Doubles]]:
    from sklearn.linear_model import LinearRegression

    return {
        "descend": lambda: least_squares(X, y, threads=threads).coef,
        "numpy.linalg.lstsq": lambda: np.linalg.lstsq(X, y, rcond=None)[0],
        "LinearRegression": lambda: LinearRegression().fit(X, y).coef_,
    }


def compare(X: Doubles, y: Doubles, pairs: int, threads: int) -> float:
    """Prints the table of times; gives descend's median seconds."""
    runs = solvers(X, y, threads)
    times: dict[str, list[float]] = {name: [] for name in runs}
    answers = {}
    for _ in range(pairs):
        for name, run in runs.items():
            start = time.perf_counter()
            answers[name] = run()
            times[name].append(time.perf_counter() - start)
    print(f"\n| {len(X):,} x {X.shape[1]} float64, {threads} threads | seconds | best | ratio (range) |")
    print("|---|---|---|---|")
    for name, taken in times.items():
        ratios = [theirs / own for theirs, own in zip(taken, times["descend"], strict=True)]
        spread = f"{statistics.median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f})"
        print(f"| {name} | {statistics.median(taken):.3f} | {min(taken):.3f} | {spread} |")
    away = np.abs(answers["descend"] - answers["LinearRegression"]).max()
    print(f"\nlargest difference of coefficients from LinearRegression's: {away:.1e}")
    return statistics.median(times["descend"])


def roofline(X: Doubles, seconds: float, threads: int) -> None:
    rows, columns = X.shape
    factored = columns + 1
    read = 2 * rows * (columns + 1) * 8
    operations = 2 * rows * factored * (factored + 2)
    peak = kernel_report(threads)["peak_gflops"] / 2
    print(
        f"bytes read (two passes): {read / 1e9:.2f} GB, {read / seconds / 1e9:.1f} GB/s\n"
        f"operations (Householder): {operations / 1e9:.1f} GFLOP, {operations / seconds / 1e9:.1f} GFLOP/s, "
        f"{100 * operations / seconds / 1e9 / peak:.0f} % of {peak:.0f} in float64"
    )


def resident(field: str) -> float:
    """VmRSS or VmHWM of this process in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise OSError(f"no {field} in /proc/self/status")


def memory(rows: int, columns: int, threads: int) -> None:
    """Run in a process of its own: peak while solving above what is resident before."""
    least_squares(*table(1000, columns), threads=threads)  # everything is imported
    X, y = table(rows, columns)
    before = resident("VmRSS")
    least_squares(X, y, threads=threads)
    print(f"peak memory above the table: {resident('VmHWM') - before:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--columns", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--memory", action="store_true", help="measure the peak memory, and nothing else")
    chosen = parser.parse_args()
    if chosen.memory:
        return memory(chosen.rows, chosen.columns, chosen.threads)
    sizes = ["--rows", str(chosen.rows), "--columns", str(chosen.columns), "--threads", str(chosen.threads)]
    subprocess.run([sys.executable, __file__, *sizes, "--memory"], check=True)
    X, y = table(chosen.rows, chosen.columns)
    roofline(X, compare(X, y, chosen.pairs, chosen.threads), chosen.threads)
    return None


if __name__ == "__main__":
    main()
