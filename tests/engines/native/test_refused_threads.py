"""Where the system starts no more threads, those that there are do the work, with the same bits."""

import subprocess
import sys

import pytest

pytest.importorskip("descend.engines.native._native", reason="the extension is not built")

# RLIMIT_NPROC does not hold for root.
_SCRIPT = """
import os, resource, threading
import numpy as np
from descend import *
from descend.engines.native import kernel_report

X = np.random.default_rng(0).normal(size=(9000, 40))
y = X[:, 0]
network = Network([Dense(200, "relu"), Dense(1)], SquaredError())
told = dict(optimizer=SGD(0.01), epochs=1, batch_size=512)

def everything(threads):
    run = train(network, X, y, validation=(X, y), threads=threads, verbose=1, **told)
    yield from (run.model.predict(X), run.history.loss, run.history.validation_loss)
    yield from (one.model.predict(X) for one in train_many(
        network, X, y, variations=[{}] * 3, threads=threads, **told))
    yield LinearRegression(threads=threads).fit(X, y).coef_
    yield MLPClassifier(8, max_iter=2, tol=1e9, n_iter_no_change=1, threads=threads, random_state=0).fit(
        X, y > 0).predict_proba(X)
    assert kernel_report(threads)["peak_gflops"] > 0

expected = list(everything(1))
if os.geteuid() == 0:
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
try:
    threading.Thread(target=print).start()
except RuntimeError:
    for one, few in zip(expected, everything(4), strict=True):
        np.testing.assert_array_equal(one, few)
    print("the same")
else:
    print("not limited")
"""


def test_fewer_threads_give_the_same_bits():
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT], capture_output=True, text=True, timeout=120
    )
    if "not limited" in ended.stdout:
        pytest.skip("the number of processes cannot be limited here")
    assert (ended.returncode, ended.stdout.strip()) == (0, "the same"), ended.stderr[-2000:]
