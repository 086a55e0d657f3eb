"""The end of the interpreter: daemon threads within the engine, and programs that nobody holds any more."""

import subprocess
import sys

import pytest

pytest.importorskip("descend.engines.native._native", reason="the extension is not built")

_START = """
import threading, time
import numpy as np
from descend import *

rng = np.random.default_rng(0)
X = rng.normal(size=(20_000, 64)).astype("f4")
y = X[:, 0]
network = Network([Dense(64, "relu"), Dense(1)], SquaredError())
run = train(network, X[:100], y[:100], optimizer=SGD(0.01), epochs=1, threads=2)
"""
_CALLS = {
    "many steps": "train(network, X, y, optimizer=SGD(0.01), epochs=1, threads=2)",
    "one long step": "train(network, X, y, optimizer=SGD(0.01), epochs=1, batch_size=len(X), threads=2)",
    "many models": "train_many(network, X, y, variations=[{}, {}], optimizer=SGD(0.01), epochs=1, threads=2)",
    "prediction": "run.model.predict(X)",
    "gradient": "MLPRegressor(hidden_layer_sizes=8, solver='lbfgs', max_iter=3, tol=1e9).fit(X, y)",
    "least squares": "LinearRegression(threads=2).fit(X, y)",
    "a look for NaN": "LinearRegression().fit(X[:5], y[:5]).predict(X)",
}


def _runs(script: str) -> None:
    """The script ends with status 0 and says nothing on standard error."""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=300
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("call", _CALLS.values(), ids=_CALLS)
def test_a_daemon_thread_does_not_disturb_the_end(call):
    _runs(f"""{_START}
def work():
    while True:
        {call}
threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
""")


def test_nothing_is_left_alive():
    """Also of what was refused, diverged, interrupted, copied or came out of a file."""
    _runs(f"""{_START}
import copy, gc, io, pickle, signal, tempfile
from descend import errors
from descend.engines.native import _native

def fails(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(kind)

class Interrupted(Exception):
    pass

def interrupt(*_):
    raise Interrupted

def everything():
    for call in {list(_CALLS.values())!r}:
        eval(call)
    fails(errors.DataError, lambda: run.model.predict(X[:, 1:]))
    fails(errors.DataError, lambda: train(network, X, y[1:], optimizer=SGD(0.01)))
    fails(errors.OptionError, lambda: train(network, X, y, optimizer=SGD(0.01), initial={{}}))
    diverged = fails(errors.Diverged, lambda: train(network, X, y, optimizer=SGD(1e9)))
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    fails(Interrupted, lambda: train(network, X, y, optimizer=SGD(0.01), epochs=10**6))
    other = pickle.loads(pickle.dumps(copy.deepcopy(run.model)))
    assert (other.predict(X) == run.model.predict(X)).all()
    with tempfile.NamedTemporaryFile(suffix=".safetensors") as file:
        run.model.save(file.name)
        load(file.name).predict(X)
    estimator = MLPClassifier(hidden_layer_sizes=4, max_iter=2).fit(X[:300], y[:300] > 0)
    estimator.predict(X), pickle.loads(pickle.dumps(estimator)).predict(X)
    thread = threading.Thread(target=lambda: run.model.predict(X))
    thread.start(), thread.join()

everything()
del run
gc.collect()
assert _native._programs_alive() == 0
""")
