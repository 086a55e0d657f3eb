"""How much arithmetic a workload is."""

from __future__ import annotations

from itertools import pairwise

from descend.bench.workloads import Workload

COUNTED = (
    "multiply-adds of the layers' products, forward and backward, as two operations each; "
    "those with zero inputs, which descend leaves out, are counted"
)


def operations(work: Workload) -> int:
    """Floating-point operations of one epoch, or of one row's prediction.

    A dense layer is 2 · inputs · units a row forward, as much again for the gradient of its weights, and,
    but for the first layer, as much again for the derivatives it passes down. Biases, activations, loss
    and update are left out: they are little, and everyone has to do them.
    """
    widths = work.network.widths(work.x.shape[1])
    products = [2 * inputs * units for inputs, units in pairwise(widths)]
    if work.kind == "predict":
        return sum(products)
    return len(work.x) * (2 * sum(products) + sum(products[1:]))
