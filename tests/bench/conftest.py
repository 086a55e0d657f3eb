"""Small work: few rows, few measurements."""

import numpy as np
import pytest

from descend.bench import timing
from descend.bench.workloads import Workload


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Stretches of ten milliseconds are long enough here."""
    monkeypatch.setattr(timing, "LONG_ENOUGH", 0.01)


@pytest.fixture
def images():
    """``images(hidden, batch_size)``: 230 rows of 12 bytes in three classes."""

    def make(hidden=(), batch_size=32, kind="train"):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, 230)
        x = (rng.integers(0, 100, (230, 12)) + 50 * (np.arange(12) % 3 == y[:, None])).astype(np.uint8)
        return Workload("small", kind, x, y, hidden, batch_size, rate=0.1, loss_epochs=4)

    return make


@pytest.fixture
def line():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(101, 2)).astype(np.float32)
    y = (x @ [2.0, -3.4] + 4.2).astype(np.float32)
    return Workload("line", "train", x, y, (), 10, rate=0.03, loss_epochs=2)
