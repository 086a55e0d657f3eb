"""descend as a contender: ``descend.train`` and ``Model.predict``, as anyone calls them."""

from __future__ import annotations

import numpy as np

from descend.bench.contender import Predictor, Trainer
from descend.bench.workloads import Parameters, Workload, input_scale
from descend.models import Model
from descend.optimizers import SGD
from descend.training import train


def trainer(work: Workload, threads: int, seed: int = 0) -> Trainer:
    """Epochs by the native engine; ``seed`` is that of the rows' order."""

    def epochs(count: int) -> Parameters:
        run = train(
            work.network, work.x, work.y, optimizer=SGD(work.rate), input_scale=input_scale(work.x),
            batch_size=work.batch_size, epochs=count, threads=threads, initial=work.initial, seed=seed,
        )  # fmt: skip
        return run.model.parameters

    return epochs


def predictor(work: Workload, threads: int) -> Predictor:
    """``Model.predict`` of one float32 row, (1, inputs), its checks and labels included."""
    model = Model(work.network, work.initial, classes=np.arange(work.network.outputs), threads=threads)
    row = work.floats[:1].copy()
    return lambda: model.predict(row)
