"""What takes part: something that trains a workload, something that predicts a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from descend.bench.workloads import Parameters, Workload

# From the workload's initial weights: that many epochs; the parameters then, by descend's names.
Trainer = Callable[[int], Parameters]
# The answer for the workload's first row: one number a class, or the class itself, in any array.
Predictor = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another way to do the same work. Makers return None for work that is not theirs.

    name : as ``--peers`` takes it.
    package : what must be installed.
    method : how it goes about it, and what is unlike descend, in a line.
    trainer, predictor : make the contender for a workload on so many threads.
    """

    name: str
    package: str
    method: str
    trainer: Callable[[Workload, int], Trainer | None]
    predictor: Callable[[Workload, int], Predictor | None]
