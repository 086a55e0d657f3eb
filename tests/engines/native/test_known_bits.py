"""Bits that were reached on one machine and must be reached on every other one with fused multiply-add."""

import hashlib

import numpy as np
import pytest

import descend
from descend import Adam, CrossEntropy, Dense, Dropout, Network, schedules, streams
from descend.engines.native import kernel_report

KNOWN = {
    "float32": "41196832a7eb1ef77608e68d7cdf57de6e618961106d751950cfa3b3a25f7eb8",
    "float64": "7a7be20bdfc1e862dae3dbb96f7821257f89eb75f0f7953be8279b4a7c9a133f",
}


@pytest.mark.parametrize("dtype", KNOWN)
def test_a_training_run_ends_with_the_known_bits(dtype):
    """Inputs, initial weights, order, masks and rates come from integers and + − × ÷ √ alone."""
    if kernel_report(1)["used"] == "generic":
        pytest.skip("this machine has no fused multiply-add")
    X = streams.uniform(1, 9, 0, 0, 300 * 50).reshape(300, 50) - 0.5
    y = np.argmax(X[:, :4], axis=1)
    network = Network(
        [Dense(40, "tanh", init="normal(0.3)"), Dropout(0.25), Dense(20, "gelu"), Dense(4)],
        CrossEntropy(label_smoothing=0.1),
    )
    run = descend.train(
        network, X, y, optimizer=Adam(schedules.WarmUp(schedules.Cosine(0.01))), batch_size=37, epochs=12,
        dtype=dtype, seed=7,
    )  # fmt: skip
    digest = hashlib.sha256()
    for name, array in run.model.parameters.items():
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    digest.update(run.history.step_loss.tobytes() + run.model.predict_proba(X).tobytes())
    assert run.history.accuracy[-1] > run.history.accuracy[0] + 0.2
    assert digest.hexdigest() == KNOWN[dtype]
