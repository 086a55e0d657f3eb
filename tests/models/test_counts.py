"""Models of counts predict expected counts, whatever stands between the network and the user."""

import numpy as np
import pytest

import descend
from descend import Adam, Dense, Network, Poisson
from descend.engines.registry import ENGINES, get_engine
from descend.errors import DataError, EngineUnavailable


def _counts(rows=600, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 3))
    return X, rng.poisson(np.exp(X @ [0.5, -0.3, 0.2] + 1.0))


@pytest.mark.parametrize("engine", ENGINES)
def test_predictions_are_expected_counts(engine, tmp_path):
    try:
        get_engine(engine)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    X, y = _counts()
    run = descend.train(
        Network([Dense(1)], Poisson()), X, y, optimizer=Adam(0.02), epochs=60, dtype="float64", engine=engine
    )
    w, b = run.model.parameters["0.weight"], run.model.parameters["0.bias"]
    np.testing.assert_allclose(w[:, 0], [0.5, -0.3, 0.2], atol=0.1)
    predicted = run.model.predict(X)
    np.testing.assert_allclose(predicted, np.exp(X @ w + b)[:, 0], rtol=1e-12)
    assert predicted.mean() == pytest.approx(y.mean(), rel=0.05)
    run.model.save(tmp_path / "m.safetensors")
    assert descend.load(tmp_path / "m.safetensors").predict(X).tobytes() == predicted.tobytes()


def test_counts_below_zero_are_named():
    X, y = _counts()
    y[17] = -2
    with pytest.raises(DataError, match=r"y holds -2\.0 in row 17, column 0: the Poisson loss takes counts"):
        descend.train(Network([Dense(1)], Poisson()), X, y, optimizer=Adam(0.02))


def test_fit_predicts_counts_in_their_own_units(tmp_path):
    X, y = _counts()
    table = {"a": X[:, 0], "b": X[:, 1], "c": X[:, 2], "calls": y * 1000}
    run = descend.fit(table, "calls", task="regression", loss="poisson", out=tmp_path / "run")
    predicted = run.model.predict(table)
    assert predicted.min() > 0
    assert predicted.mean() == pytest.approx(1000 * y.mean(), rel=0.05)
    assert run.metrics["test"]["r2"] > 0.2
    assert descend.load(tmp_path / "run").predict(table).tobytes() == predicted.tobytes()


def test_fit_names_the_row_of_a_count_below_zero():
    X, y = _counts(50)
    y[3] = -1
    with pytest.raises(DataError, match=r"row 4.*the target is -1; a Poisson loss takes counts of"):
        descend.fit({"a": X[:, 0], "calls": y}, "calls", task="regression", loss="poisson")


def test_a_high_quantile_lies_above_that_share_of_the_targets():
    rng = np.random.default_rng(1)
    x = rng.normal(size=2000)
    table = {"x": x, "y": 3 * x + rng.exponential(size=2000)}
    run = descend.fit(table, "y", loss="quantile", quantile=0.9)
    assert np.mean(table["y"] <= run.model.predict(table)) == pytest.approx(0.9, abs=0.02)
