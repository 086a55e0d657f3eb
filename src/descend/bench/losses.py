"""Whether all contenders reach the same loss, for a program that does less is no peer.

Orders differ by generator, so losses cannot be equal. How far orders alone move the loss is measured on
descend itself: some seeds, the same start. A contender that is further away did not do the same work.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np

from descend.bench import ours
from descend.bench.workloads import Parameters, Workload
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.optimizers import SGD

_ORDERS = 5
_SLACK = 2.0  # a contender is one more order, and five do not show the whole spread
_LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Expected:
    """Loss after ``epochs`` epochs: the middle of descend's orders, and the share others may be off by."""

    epochs: int
    loss: float
    tolerance: float

    def difference(self, loss: float) -> float:
        """How far ``loss`` is off, as a share of what is expected; NaN for NaN."""
        return loss / self.loss - 1

    def agrees(self, loss: float) -> bool:
        """Whether another order explains that."""
        return abs(self.difference(loss)) <= self.tolerance


def expected_loss(work: Workload, threads: int) -> Expected:
    """Trains on several orders. The tolerance is twice their spread (largest − smallest), at least 1 %."""
    losses = [
        training_loss(work, ours.trainer(work, threads, seed)(work.loss_epochs)) for seed in range(_ORDERS)
    ]
    middle = statistics.median(losses)
    spread = (max(losses) - min(losses)) / middle
    return Expected(work.loss_epochs, middle, max(_LEAST, _SLACK * spread))


def training_loss(work: Workload, parameters: Parameters) -> float:
    """Mean loss over all rows at these parameters, by the reference engine in float32.

    (The reference is the definition, whoever trained them; float32 because the rows are large.)
    """
    network = work.network
    program = get_engine("reference").compile(
        network, network.widths(work.x.shape[1]), SGD(), "float32", threads=1, seed=0
    )
    program.load({name: np.asarray(value, np.float32) for name, value in parameters.items()})
    y = work.y if network.classifies else work.y[:, None]
    sums = program.evaluate(Inputs(work.floats, y))
    return sums.loss / sums.weight
