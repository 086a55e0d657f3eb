"""Times all threads beside one, in turns, while the machine is quiet and while a busy loop holds a core.

    .venv/bin/python benchmarks/neighbour.py [--turns 9] [--threads 2] [--only mlp]

A ratio is the time on all threads over the time on one thread in the same turn; printed are the median and
the range. Without a neighbour it should be well below 1, with one not above 1.05. Start it with nothing else
running: the load at the beginning is printed, and whatever else runs is a neighbour, too.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from descend import SGD, CrossEntropy, Dense, Network, train, train_many

ROWS, INPUTS, CLASSES = 20_000, 784, 10
RATE = SGD(0.01)
MLP = Network([Dense(256, "relu"), Dense(CLASSES)], CrossEntropy())
SOFTMAX = Network([Dense(CLASSES)], CrossEntropy())
_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(ROWS, INPUTS)).astype(np.float32)
Y = _RNG.integers(0, CLASSES, ROWS)
Case = Callable[[int], object]  # what is timed, on so many threads


@contextmanager
def busy_core() -> Iterator[None]:
    """A process that never rests, on the last core that this one may use."""
    core = max(os.sched_getaffinity(0))
    loop = subprocess.Popen(
        [sys.executable, "-c", "while True: pass"], preexec_fn=lambda: os.sched_setaffinity(0, {core})
    )
    try:
        time.sleep(0.5)
        yield
    finally:
        loop.kill()
        loop.wait()


def training(network: Network, batch_size: int, epochs: int) -> Case:
    return lambda threads: train(
        network, X, Y, optimizer=RATE, batch_size=batch_size, epochs=epochs, threads=threads
    )


def many(models: int) -> Case:
    rates = [{"lr": float(rate)} for rate in np.geomspace(1e-4, 1e-2, models)]
    return lambda threads: train_many(
        MLP, X[:5000], Y[:5000], variations=rates, optimizer=RATE, batch_size=64, epochs=1, threads=threads
    )


def predicting(rows: int, calls: int) -> Case:
    models = {}

    def predict(threads: int) -> None:
        if threads not in models:
            models[threads] = train(MLP, X[:100], Y[:100], optimizer=RATE, epochs=1, threads=threads).model
        for _ in range(calls):
            models[threads].predict(X[:rows])

    return predict


CASES: dict[str, Case] = {
    **{f"mlp, batch {size}": training(MLP, size, 2) for size in (32, 64, 128, 256)},
    **{f"softmax, batch {size}": training(SOFTMAX, size, 10) for size in (32, 256)},
    "mlp, 8 models together": many(8),
    "mlp predicts 20,000 rows": predicting(ROWS, 3),
    "mlp predicts 500 rows": predicting(500, 100),
}


def ratio(case: Case, threads: int, turns: int) -> str:
    """Median and range over the turns, as text."""
    found = []
    for turn in range(turns):
        seconds = {}
        for count in (1, threads) if turn % 2 else (threads, 1):
            start = time.perf_counter()
            case(count)
            seconds[count] = time.perf_counter() - start
        found.append(seconds[threads] / seconds[1])
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="cases whose name holds this")
    args = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} cores\n")
    print("| case | quiet | beside a busy loop |")
    print("|---|---|---|")
    for name, case in CASES.items():
        if args.only not in name:
            continue
        case(1), case(args.threads)
        quiet = ratio(case, args.threads, args.turns)
        with busy_core():
            busy = ratio(case, args.threads, args.turns)
        print(f"| {name} | {quiet} | {busy} |", flush=True)


if __name__ == "__main__":
    main()
