"""Times descend.LogisticRegression beside scikit-learn's on small tables, in one process, interleaved.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 .venv/bin/python benchmarks/logistic_tables.py [--pairs 9]

Both fit with their defaults but for C and l1_ratio (saga where that is not 0), on standardised columns.
"above" is how far the objective a fit ended with is above descend's, as a share of it, in float64.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from typing import Any

import numpy as np
from sklearn import datasets, linear_model

import descend

CASES = [(1e-3, 0.0), (1e-2, 0.0), (1.0, 0.0), (100.0, 0.0), (1e3, 0.0), (0.1, 1.0), (1.0, 1.0), (1.0, 0.5)]


def table(name: str) -> tuple[Any, Any]:
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0), y


def objective(model: Any, X: Any, y: Any, C: float, l1_ratio: float) -> float:
    """C Σ losses and the penalty."""
    w = model.coef_
    z = X @ w.T + model.intercept_
    if z.shape[1] == 1:
        z = np.column_stack([np.zeros(len(z)), z])
    losses = np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), y]
    return float(C * losses.sum() + (1 - l1_ratio) / 2 * (w**2).sum() + l1_ratio * np.abs(w).sum())


def compare(name: str, C: float, l1_ratio: float, pairs: int) -> str:
    X, y = table(name)
    options: dict[str, Any] = {"C": C, "l1_ratio": l1_ratio, "solver": "saga" if l1_ratio else "lbfgs"}
    times: dict[Any, list[float]] = {linear_model.LogisticRegression: [], descend.LogisticRegression: []}
    models = []
    for _ in range(pairs):
        models = []
        for kind, seconds in times.items():
            started = time.perf_counter()
            models.append(kind(**options).fit(X, y))
            seconds.append(time.perf_counter() - started)
    theirs, ours = times.values()
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    ends = [objective(model, X, y, C, l1_ratio) for model in models]
    return (
        f"| {name} | {C:g} | {l1_ratio:g} | {1e3 * statistics.median(theirs):.1f} ms "
        f"| {1e3 * statistics.median(ours):.1f} ms | {statistics.median(ratios):.2f}x "
        f"({min(ratios):.2f} to {max(ratios):.2f}) | {ends[0] / ends[1] - 1:.0e} | {models[1].optimality_} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=9)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # scikit-learn's "failed to converge"
    print("| table | C | l1_ratio | scikit-learn | descend | ratio (range) | scikit-learn above | descend |")
    print("|---|---|---|---|---|---|---|---|")
    for name in ("iris", "breast_cancer", "digits"):
        for C, l1_ratio in CASES:
            print(compare(name, C, l1_ratio, chosen.pairs), flush=True)


if __name__ == "__main__":
    main()
