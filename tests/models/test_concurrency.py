"""One model, many callers."""

import os
import threading

import numpy as np

import descend
from descend import SGD, Dense, Network, SquaredError


def _model():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 30))
    network = Network([Dense(40, "relu"), Dense(1)], SquaredError())
    return descend.train(network, X, X[:, 0], optimizer=SGD(0.01)).model, np.tile(X, (50, 1))


def test_threads_predict_the_same():
    model, X = _model()
    expected = model.predict(X)
    found = []
    threads = [threading.Thread(target=lambda: found.append(model.predict(X))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((answers == expected).all() for answers in found)


def test_a_child_forked_while_another_thread_predicts_is_not_blocked():
    model, X = _model()
    expected = model.predict(X[:10])
    stop = threading.Event()

    def keep_predicting():
        while not stop.is_set():
            model.predict(X)

    busy = threading.Thread(target=keep_predicting)
    busy.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if (model.predict(X[:10]) == expected).all() else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        busy.join()
