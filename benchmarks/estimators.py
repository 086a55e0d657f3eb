"""Accuracy and time of descend.MLPClassifier beside scikit-learn's, both with their defaults.

    .venv/bin/python benchmarks/estimators.py [--data digits breast_cancer mnist=FOLDER] [--seeds 10]
                                              [--threads N] [--dtype float64] [--json FILE]

Each seed is the ``random_state`` of both and splits off a quarter of the rows, stratified, for the test
(MNIST has its own 10,000). Columns are standardised on the training rows; pixels of MNIST are scaled to
0 … 1. The two are fitted one after the other in one process, in turns which is first; a ratio is of two
times of the same seed. --threads holds both to as many, scikit-learn's BLAS by threadpoolctl; without it
both take what they take.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import descend

BUILT_IN = {"digits": load_digits, "breast_cancer": load_breast_cancer}
NAMES = ("scikit-learn", "descend")


def table(name: str, seed: int, dtype: str) -> tuple[Any, Any, Any, Any]:
    """Training rows, test rows and their labels."""
    if name.startswith("mnist="):
        from descend.data.sources.idx_folder import read_idx_folder

        images = read_idx_folder(Path(name.removeprefix("mnist=")))
        assert images.images is not None
        assert images.labels is not None
        assert images.test_rows is not None
        pixels = (images.images.reshape(len(images.images), -1) / 255.0).astype(dtype)
        labels, first = images.labels.to_numpy(), int(images.test_rows[0])
        return pixels[:first], pixels[first:], labels[:first], labels[first:]
    X, y = BUILT_IN[name](return_X_y=True)
    train, test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=seed)
    scaler = StandardScaler().fit(train)
    return scaler.transform(train).astype(dtype), scaler.transform(test).astype(dtype), y_train, y_test


def estimator(name: str, seed: int, threads: int | None) -> Any:
    if name == "descend":
        return descend.MLPClassifier(random_state=seed, threads=threads)
    return MLPClassifier(random_state=seed)


def measure(data: str, seeds: int, threads: int | None, dtype: str) -> list[dict[str, Any]]:
    """One entry a seed: of each estimator seconds, test accuracy, epochs and last loss."""
    turns = []
    for seed in range(seeds):
        train, test, y_train, y_test = table(data, seed, dtype)
        turn: dict[str, Any] = {"seed": seed}
        for name in NAMES if seed % 2 else NAMES[::-1]:
            model = estimator(name, seed, threads)
            with warnings.catch_warnings(), threadpool_limits(threads):
                warnings.simplefilter("ignore", ConvergenceWarning)
                started, worked = time.perf_counter(), time.process_time()
                model.fit(train, y_train)
                seconds, processor = time.perf_counter() - started, time.process_time() - worked
            turn[name] = {
                "seconds": seconds, "processor_seconds": processor,
                "accuracy": model.score(test, y_test), "epochs": model.n_iter_,
                "loss": model.loss_,
            }  # fmt: skip
        turns.append(turn)
    return turns


def row(data: str, turns: list[dict[str, Any]]) -> str:
    """A line of the table."""
    theirs, ours = ([turn[name] for turn in turns] for name in NAMES)
    scores = [[fit["accuracy"] for fit in fits] for fits in (theirs, ours)]
    error = [float(np.std(part, ddof=1) / np.sqrt(len(part))) for part in scores]
    ratios, processor = (
        [a[key] / b[key] for a, b in zip(theirs, ours, strict=True)]
        for key in ("seconds", "processor_seconds")
    )
    seconds = [statistics.median(fit["seconds"] for fit in fits) for fits in (theirs, ours)]
    epochs = [statistics.mean(fit["epochs"] for fit in fits) for fits in (theirs, ours)]
    return (
        f"| {data.split('=')[0]} | {np.mean(scores[0]):.4f} ± {error[0]:.4f} | {np.mean(scores[1]):.4f} ± "
        f"{error[1]:.4f} | {epochs[0]:.1f} | {epochs[1]:.1f} | {seconds[0]:.3f} | {seconds[1]:.3f} | "
        f"{statistics.median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f}) | "
        f"{statistics.median(processor):.1f} ({min(processor):.1f} to {max(processor):.1f}) |"
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--data", nargs="+", default=list(BUILT_IN), metavar="NAME")
    asked.add_argument("--seeds", type=int, default=10)
    asked.add_argument("--threads", type=int)
    asked.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    asked.add_argument("--json", type=Path, metavar="FILE")
    options = asked.parse_args()
    unknown = [name for name in options.data if name not in BUILT_IN and not name.startswith("mnist=")]
    if unknown or options.seeds < 2:
        asked.error(f"unknown data {unknown[0]}" if unknown else "--seeds must be at least 2")
    threads = options.threads or "as they come"
    print(f"{platform.machine()}, scikit-learn {sklearn.__version__}, {options.dtype}, threads {threads}\n")
    print("| data | accuracy, scikit-learn | descend | epochs | | seconds | | ratio, median (range) ", end="")
    print("| of processor time |")
    print("|---|---|---|---|---|---|---|---|---|")
    results = {}
    for data in options.data:
        results[data.split("=")[0]] = turns = measure(data, options.seeds, options.threads, options.dtype)
        print(row(data, turns), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
