"""Times many learning rates side by side through ``train_many`` beside one model alone, in turns.

    .venv/bin/python benchmarks/many_models.py MNIST [--pairs 5] [--threads 2]

Printed are the median of the ratios within a turn with its range, each one's share of the multiply-add peak
measured in the same turn, and whether every model ended with the bits it has when trained alone.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from descend import SGD, train, train_many
from descend.bench.operations import operations
from descend.bench.workloads import Workload, input_scale, make_workloads
from descend.engines.native import kernel_report

# workload, models, epochs
CASES = [("softmax-256", 32, 5), ("mlp-256", 8, 2), ("mlp-32", 8, 2)]


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return run(), time.perf_counter() - start


def measure(work: Workload, models: int, epochs: int, pairs: int, threads: int) -> None:
    rates = [float(rate) for rate in np.geomspace(0.001, 0.5, models)]
    settings = {
        "batch_size": work.batch_size, "epochs": epochs, "threads": threads, "seed": 0,
        "input_scale": input_scale(work.x),
    }  # fmt: skip

    def alone(rate: float) -> Any:
        return train(work.network, work.x, work.y, optimizer=SGD(rate), **settings)

    def together() -> Any:
        variations = [{"lr": rate} for rate in rates]
        return train_many(work.network, work.x, work.y, variations=variations, optimizer=SGD(0.1), **settings)

    many = together()
    singles = [alone(rate) for rate in rates]
    same = all(
        np.array_equal(one.model.parameters[name], value)
        for one, single in zip(many, singles, strict=True)
        for name, value in single.model.parameters.items()
    )
    ratios, shares_one, shares_many = [], [], []
    for _ in range(pairs):
        one = timed(lambda: alone(rates[0]))[1]
        all_of_them = timed(together)[1]
        peak = kernel_report(threads)["peak_gflops"] * 1e9
        ratios.append(all_of_them / one)
        shares_one.append(epochs * operations(work) / one / peak)
        shares_many.append(models * epochs * operations(work) / all_of_them / peak)
    print(
        f"| {work.title} | {models} | {epochs} | {statistics.median(ratios):.1f}× "
        f"({min(ratios):.1f} to {max(ratios):.1f}) | {statistics.median(shares_one):.0%} "
        f"| {statistics.median(shares_many):.0%} | {'yes' if same else 'NO'} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="of MNIST's IDX files")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    works = {work.name: work for work in make_workloads(tuple(name for name, _, _ in CASES), args.folder)[0]}
    print("| workload | models | epochs | time of one alone | peak, one | peak, all | same bits |")
    print("|---|---|---|---|---|---|---|")
    for name, models, epochs in CASES:
        measure(works[name], models, epochs, args.pairs, args.threads)


if __name__ == "__main__":
    main()
