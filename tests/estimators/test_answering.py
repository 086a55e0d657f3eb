"""The program that a fitted perceptron keeps for its predictions."""

import copy
import multiprocessing
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from descend import MLPClassifier, MLPRegressor
from descend.errors import DataError
from descend.estimators.perceptron import Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def _table(rows=60, seed=0):
    X = np.random.default_rng(seed).normal(size=(rows, 5))
    return X, X[:, 0] - 2 * X[:, 1]


@pytest.fixture
def fitted():
    return MLPRegressor(hidden_layer_sizes=(20,), max_iter=5, random_state=0).fit(*_table())


def _by_hand(model, X):
    hidden = np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0)
    return (hidden @ model.coefs_[1] + model.intercepts_[1]).ravel()


def _count_compilations(monkeypatch):
    compiled, original = [], Perceptron._compiled
    monkeypatch.setattr(
        Perceptron, "_compiled", lambda self, *given: compiled.append(given) or original(self, *given)
    )
    return compiled


def test_a_second_call_compiles_nothing(fitted, monkeypatch):
    compiled = _count_compilations(monkeypatch)
    X, _ = _table()
    first = fitted.predict(X[:1])
    for _ in range(3):
        np.testing.assert_array_equal(fitted.predict(X[:1]), first)
    assert len(compiled) == 1
    fitted.set_params(engine="reference").predict(X[:1])
    assert len(compiled) == 2


def test_weights_changed_by_hand_are_those_that_answer(fitted):
    X, _ = _table()
    np.testing.assert_allclose(fitted.predict(X), _by_hand(fitted, X), rtol=1e-12)
    fitted.coefs_[0][2, 3] += 1.5
    np.testing.assert_allclose(fitted.predict(X), _by_hand(fitted, X), rtol=1e-12)
    fitted.intercepts_ = [part + 0.5 for part in fitted.intercepts_]
    np.testing.assert_allclose(fitted.predict(X), _by_hand(fitted, X), rtol=1e-12)


def test_another_fit_answers_with_its_own_network(fitted):
    X, y = _table()
    fitted.predict(X)
    again = fitted.set_params(activation="tanh", hidden_layer_sizes=(7,)).fit(X, y)
    expected = MLPRegressor(hidden_layer_sizes=(7,), activation="tanh", max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(again.predict(X), expected.predict(X))


def test_copies_and_pickles_answer_by_themselves(fitted):
    X, _ = _table()
    fresh = len(pickle.dumps(fitted))
    expected = fitted.predict(X)
    assert len(pickle.dumps(fitted)) == fresh
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        other.coefs_[0] *= 2
        other.predict(X)
        np.testing.assert_array_equal(fitted.predict(X), expected)


def test_many_threads_are_answered_at_once():
    X, y = _table(4000)
    model = MLPClassifier(hidden_layer_sizes=(50,), max_iter=2, random_state=0).fit(X, y > 0)
    expected = model.predict_proba(X)
    parts = [slice(first, first + size) for size in (1, 40, 900) for first in range(0, 3000, 97)]
    with ThreadPoolExecutor(8) as pool:
        for part, answer in zip(
            parts, pool.map(lambda part: model.predict_proba(X[part]), parts), strict=True
        ):
            np.testing.assert_array_equal(answer, expected[part])


def _answer(model, X, queue):
    queue.put(model.predict(X))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons warn of fork beside threads
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # and so does JAX where another test has imported it
def test_a_forked_child_compiles_its_own(fitted):
    X, _ = _table()
    expected = fitted.predict(X)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    with fitted._answering._kept.lock:  # as if another thread were being answered while it forks
        child = context.Process(target=_answer, args=(fitted, X, queue))
        child.start()
    np.testing.assert_array_equal(queue.get(timeout=60), expected)
    child.join()


def test_rows_that_need_no_conversion_are_checked_all_the_same(fitted):
    X, _ = _table()
    for wrong in (X[0], X[:, :4], X[:0]):
        with pytest.raises(DataError):
            fitted.predict(wrong)
    bad = X.copy()
    bad[3, 2] = np.nan
    with pytest.raises(DataError, match="row 3, column 2"):
        fitted.predict(bad)
    expected = fitted.predict(X)
    np.testing.assert_array_equal(fitted.predict(np.asfortranarray(X)), expected)
    np.testing.assert_array_equal(fitted.predict(X.astype(">f8")), expected)
    np.testing.assert_array_equal(fitted.predict(np.repeat(X, 2, axis=0)[::2]), expected)
