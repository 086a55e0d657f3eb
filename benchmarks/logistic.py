"""Times multinomial logistic regression on MNIST beside scikit-learn's, in one process, interleaved.

    .venv/bin/python benchmarks/logistic.py FOLDER [--pairs 5] [--threads 2]

FOLDER holds MNIST's IDX files. scikit-learn fits ``LogisticRegression(C=1, max_iter=100)`` on the pixels
scaled to 0 … 1 in float32 or float64. descend's L-BFGS minimises the same objective, ½ ‖W‖² + Σ losses, from
the 8-bit pixels, and is timed twice: until its objective is not above the one scikit-learn ended with, and
until no entry of the mean loss's gradient exceeds 1e-4, which is scikit-learn's own rule of convergence.
Objectives are evaluated in float64 at the weights returned. Compiling, binding and the covariance count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from descend import SGD, CrossEntropy, Dense, Network
from descend.data.sources.idx_folder import read_idx_folder
from descend.engines.protocol import Inputs, Program
from descend.engines.registry import get_engine
from descend.solvers.lbfgs import lbfgs
from descend.solvers.solved import Progress

NETWORK = Network([Dense(10, init="zeros")], CrossEntropy())
OPERATIONS = 4 * 784 * 10  # a row forward and back, multiply and add


@dataclass(frozen=True)
class Fit:
    seconds: float
    objective: float
    iterations: int
    evaluations: int


def objective(X: Any, y: Any, weight: Any, bias: Any) -> float:
    """½ ‖W‖² + Σ losses in float64; weight is (784, 10)."""
    total = 0.5 * float((weight.astype(np.float64) ** 2).sum())
    for start in range(0, len(X), 4096):
        z = (X[start : start + 4096] / 255.0) @ weight.astype(np.float64) + bias
        z -= z.max(axis=1, keepdims=True)
        labels = y[start : start + 4096, None]
        total += float((np.log(np.exp(z).sum(axis=1)) - np.take_along_axis(z, labels, 1)[:, 0]).sum())
    return total


def scikit_learn(X: Any, y: Any, scaled: Any) -> Fit:
    from sklearn.linear_model import LogisticRegression

    started = time.perf_counter()
    model = LogisticRegression(C=1, max_iter=100).fit(scaled, y)
    seconds = time.perf_counter() - started
    return Fit(seconds, objective(X, y, model.coef_.T, model.intercept_), int(model.n_iter_[0]), 0)


def program(dtype: str, threads: int) -> Program:
    return get_engine("native").compile(NETWORK, NETWORK.widths(784), SGD(), dtype, threads, 0)


def descend(X: Any, y: Any, dtype: str, threads: int, target: float) -> Fit:
    """Until the objective is at most ``target``, or the gradient within 1e-4."""

    def reached(progress: Progress) -> bool:
        return progress.objective * len(X) <= target

    started = time.perf_counter()
    inputs = Inputs(X, y, scale=1 / 255)
    coarse = (program("float32", threads), inputs) if dtype == "float64" else None
    found = lbfgs(
        program(dtype, threads), NETWORK, inputs, l2=1 / len(X), callback=reached, coarse=coarse
    )  # fmt: skip
    seconds = time.perf_counter() - started
    own = found.parameters
    ended = objective(X, y, own["0.weight"], own["0.bias"])
    return Fit(seconds, ended, found.iterations, found.evaluations)


def compare(X: Any, y: Any, dtype: str, pairs: int, threads: int) -> None:
    scaled = (X / np.float64(255)).astype(dtype)
    peer: list[Fit] = []
    quick: list[Fit] = []
    whole: list[Fit] = []
    for _ in range(pairs):
        peer.append(scikit_learn(X, y, scaled))
        # A hair below, for the engine's own sum of the objective is in its dtype.
        quick.append(descend(X, y, dtype, threads, peer[-1].objective * (1 - 1e-6)))
        whole.append(descend(X, y, dtype, threads, -np.inf))
    line = f"| {dtype} | scikit-learn | {median(peer):.2f} s | {peer[0].objective:.2f} "
    print(line + f"| {peer[0].iterations} | | |", flush=True)
    for name, fits in (("descend, to scikit-learn's objective", quick), ("descend, to 1e-4", whole)):
        ratios = [theirs.seconds / own.seconds for theirs, own in zip(peer, fits, strict=True)]
        print(
            f"| | {name} | {median(fits):.2f} s | {fits[0].objective:.2f} | {fits[0].iterations} "
            f"| {fits[0].evaluations} | {statistics.median(ratios):.1f}x "
            f"({min(ratios):.1f} to {max(ratios):.1f}) |",
            flush=True,
        )


def median(fits: list[Fit]) -> float:
    return statistics.median(fit.seconds for fit in fits)


def gradient_share(X: Any, y: Any, threads: int) -> None:
    """Time of a gradient of all rows, and its share of the float32 peak."""
    from descend.engines.native import _native

    rows = np.arange(len(X))
    for dtype in ("float32", "float64"):
        own = program(dtype, threads)
        own.bind(Inputs(X, y, scale=1 / 255))
        times = []
        for _ in range(15):
            started = time.perf_counter()
            own.gradient(rows, 0)
            times.append(time.perf_counter() - started)
        rate, peak = OPERATIONS * len(X) / min(times) / 1e9, _native.peak("", threads)
        print(
            f"gradient of all rows, {dtype}: {1e3 * min(times):.1f} ms, {rate:.0f} GFLOP/s, "
            f"{rate / peak:.0%} of the float32 peak of {peak:.0f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # scikit-learn's "failed to converge" is expected after 100 iterations
    data = read_idx_folder(chosen.folder)
    print(f"\n| {chosen.threads} threads | | time | objective | iterations | evaluations | ratio (range) |")
    print("|---|---|---|---|---|---|---|")
    assert data.images is not None
    assert data.labels is not None
    rows = len(data.images) if data.test_rows is None else int(data.test_rows[0])
    X, y = data.images[:rows], data.labels.to_numpy()[:rows]
    for dtype in ("float64", "float32"):
        compare(X, y, dtype, chosen.pairs, chosen.threads)
    gradient_share(X, y, chosen.threads)


if __name__ == "__main__":
    main()
