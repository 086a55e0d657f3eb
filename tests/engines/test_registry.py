"""Which engine computes where none is named, and what is said where the native one cannot be used."""

import importlib.abc
import sys

import numpy as np
import pytest

import descend
from descend import SGD, Dense, LogisticRegression, MLPClassifier, MLPRegressor, Network, SquaredError
from descend.engines.registry import ENGINES, choose_engine, get_engine
from descend.errors import EngineUnavailable, EngineWarning, OptionError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EXTENSION = "descend.engines.native._native"
X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)
NETWORK = Network([Dense(1)], SquaredError())


class _Damaged(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == EXTENSION:
            raise ImportError("_native.so: failed to map segment from shared object")


@pytest.fixture
def not_built(monkeypatch):
    monkeypatch.setitem(sys.modules, EXTENSION, None)


@pytest.fixture
def damaged(monkeypatch):
    monkeypatch.delitem(sys.modules, EXTENSION, raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Damaged(), *sys.meta_path])


def _fitted_houses(**options):
    return descend.fit("houses", epochs=1, **options).model


def _large_logistic(**options):
    model = LogisticRegression(**options).fit(X, Y)
    assert model.score(X, Y) > 0.9


# Each fits on the engine it is given, or on the default; those that return a model return one that names it.
DOORS = {
    "fit": _fitted_houses,
    "train": lambda **given: descend.train(NETWORK, X, Y, optimizer=SGD(0.1), epochs=1, **given).model,
    "train_many": lambda **given: (
        descend.train_many(
            NETWORK, X, Y, optimizer=SGD(0.1), epochs=1, variations=[{}, {"lr": 0.2}], **given
        )[1].model
    ),
    "MLPClassifier": lambda **given: MLPClassifier(max_iter=2, **given).fit(X, Y).predict(X),
    "MLPRegressor": lambda **given: MLPRegressor(max_iter=2, **given).fit(X, Y).predict(X),
    "partial_fit": lambda **given: MLPClassifier(**given).partial_fit(X, Y, classes=[0, 1]).predict(X),
    "LogisticRegression": _large_logistic,
}
doors = pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)


@pytest.fixture(autouse=True)
def _tables_are_large(monkeypatch):
    monkeypatch.setattr("descend.solvers.logistic._LARGE", 10)


@doors
def test_the_reference_engine_steps_in_with_a_warning(door, not_built):
    with pytest.warns(
        EngineWarning, match=r"^engine reference computes, .* install a C\+\+ compiler"
    ) as told:
        model = door()
    assert {warning.filename for warning in told if warning.category is EngineWarning} == {__file__}
    assert not isinstance(model, descend.Model) or model.engine == "reference"


@doors
def test_the_native_engine_is_the_default(door):
    pytest.importorskip(EXTENSION, reason="the extension is not built")
    model = door()
    assert not isinstance(model, descend.Model) or model.engine == "native"


@doors
def test_named_it_is_refused(door, not_built):
    with pytest.raises(EngineUnavailable, match=r"^engine native was not built here: install a C\+\+ "):
        door(engine="native")


def test_what_the_loader_said_is_passed_on(damaged):
    with pytest.raises(EngineUnavailable, match=r"does not load \(.*failed to map segment") as refused:
        get_engine("native")
    assert "compiler" not in str(refused.value)
    assert choose_engine("auto") == (
        "reference",
        f"engine reference computes, which is slower: {refused.value}",
    )


def test_auto_is_a_choice_and_no_engine():
    assert "auto" not in ENGINES
    with pytest.raises(OptionError, match="choices: native"):
        get_engine("auto")
    with pytest.raises(OptionError, match=r"did you mean 'auto'.* choices: auto, native"):
        choose_engine("autto")
