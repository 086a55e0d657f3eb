"""Times one epoch of training beside a hand-written PyTorch loop, in one process, interleaved.

    make bench        or        .venv/bin/python benchmarks/epochs.py [--pairs 7] [--threads 2]

An epoch is (time of 1 + E epochs − time of 1) / E through the public ``descend.train``, with E chosen so that
E epochs take about half a second; so the start-up of a run does not count for either side. The loop permutes
its tensors once an epoch and slices them (no DataLoader). Both see the same rows, rates and start. Printed
are medians over the pairs and the median of the pairwise ratios with its range.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import descend
from descend import SGD, CrossEntropy, Dense, Network, SquaredError

HALF_A_SECOND = 0.5


@dataclass(frozen=True)
class Workload:
    name: str
    network: Network
    X: Any
    y: Any
    batch_size: int
    lr: float


def workloads() -> list[Workload]:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 60000)
    pixels = rng.integers(0, 256, (60000, 784)).astype(np.uint8)  # speed does not depend on what they show
    x = rng.normal(size=(1000, 2)).astype(np.float32)
    y = (x @ [2.0, -3.4] + 4.2).astype(np.float32)
    softmax = Network([Dense(10)], CrossEntropy())
    mlp = Network([Dense(256, "relu"), Dense(10)], CrossEntropy())
    return [
        Workload("softmax 784-10, batch 256", softmax, pixels, labels, 256, 0.1),
        Workload("softmax 784-10, batch 32", softmax, pixels, labels, 32, 0.1),
        Workload("MLP 784-256-10, batch 256", mlp, pixels, labels, 256, 0.1),
        Workload("MLP 784-256-10, batch 32", mlp, pixels, labels, 32, 0.1),
        Workload("linear 1000x2, batch 10", Network([Dense(1)], SquaredError()), x, y, 10, 0.03),
    ]


def ours(work: Workload, threads: int) -> Callable[[int], None]:
    def epochs(count: int) -> None:
        descend.train(
            work.network, work.X, work.y, optimizer=SGD(work.lr), batch_size=work.batch_size,
            epochs=count, threads=threads,
        )  # fmt: skip

    return epochs


def torch_loop(work: Workload, threads: int) -> Callable[[int], None]:
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    scale = 1 / 255 if work.X.dtype == np.uint8 else 1.0
    x = torch.from_numpy(work.X).float() * scale
    y = torch.from_numpy(work.y)
    layers: list[nn.Module] = []
    width = work.X.shape[1]
    for layer in work.network.layers:
        assert isinstance(layer, Dense)
        layers.append(nn.Linear(width, layer.units))
        if layer.activation == "relu":
            layers.append(nn.ReLU())
        width = layer.units
    classes = isinstance(work.network.loss, CrossEntropy)
    loss_of: Any = nn.CrossEntropyLoss() if classes else lambda z, t: 0.5 * ((z[:, 0] - t) ** 2).mean()

    def epochs(count: int) -> None:
        model = nn.Sequential(*layers)
        optimizer = torch.optim.SGD(model.parameters(), lr=work.lr)
        for _ in range(count):
            order = torch.randperm(len(x))
            xs, ys = x[order], y[order]
            for start in range(0, len(x), work.batch_size):
                optimizer.zero_grad()
                loss_of(
                    model(xs[start : start + work.batch_size]), ys[start : start + work.batch_size]
                ).backward()
                optimizer.step()

    return epochs


def seconds(run: Callable[[int], None], count: int) -> float:
    start = time.perf_counter()
    run(count)
    return time.perf_counter() - start


def epochs_for(run: Callable[[int], None]) -> int:
    """Epochs that take about half a second; at least three, for the difference of two times is noisy."""
    count = 3
    while (taken := seconds(run, count + 1)) < HALF_A_SECOND and count < 100_000:
        count = max(count + 1, min(count * 8, int(count * HALF_A_SECOND / taken)))
    return count


def epoch_seconds(run: Callable[[int], None], count: int) -> float:
    return (seconds(run, 1 + count) - seconds(run, 1)) / count


def compare(work: Workload, pairs: int, threads: int, peers: dict[str, Any]) -> None:
    runs = {"descend": ours(work, threads)}
    runs |= {name: peer(work, threads) for name, peer in peers.items()}
    counts = {name: epochs_for(run) for name, run in runs.items()}
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(pairs):
        for name, run in runs.items():
            times[name].append(epoch_seconds(run, counts[name]))
    mine = statistics.median(times["descend"])
    print(f"| {work.name} | {1e3 * mine:.3g} ms", end="")
    for name in peers:
        ratios = [theirs / own for theirs, own in zip(times[name], times["descend"], strict=True)]
        print(
            f" | {1e3 * statistics.median(times[name]):.3g} ms "
            f"| {statistics.median(ratios):.1f}x ({min(ratios):.1f} to {max(ratios):.1f})",
            end="",
        )
    print(" |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    peers: dict[str, Any] = {}
    try:
        import torch

        peers[f"pytorch {torch.__version__}"] = torch_loop
    except ImportError:
        print("PyTorch is not installed: only descend is timed (pip install torch).")
    print(f"\n| one epoch, {chosen.threads} threads | descend", end="")
    print("".join(f" | {name} | ratio (range)" for name in peers) + " |")
    print("|---|---" + "|---|---" * len(peers) + "|")
    for work in workloads():
        compare(work, chosen.pairs, chosen.threads, peers)


if __name__ == "__main__":
    main()
