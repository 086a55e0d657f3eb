"""Sparse tables whose parts do not fit each other are refused before anything reads out of bounds."""

import numpy as np
import pytest
from scipy import sparse

import descend
from descend import (
    SGD,
    Dense,
    LinearRegression,
    LogisticRegression,
    MLPClassifier,
    MLPRegressor,
    Model,
    Network,
    SquaredError,
)
from descend.errors import DataError

FORMATS = ["csr", "csc", "bsr"]
LINEAR = Network([Dense(1)], SquaredError())
Y = np.arange(200.0)


pytestmark = pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")


def table(form="csr"):
    drawn = sparse.random(200, 30, 0.3, format="csr", random_state=0)
    return drawn.tobsr(blocksize=(2, 3)) if form == "bsr" else drawn.asformat(form)


def longer(x):
    x.indptr = np.append(x.indptr, x.indptr[-1])


def shorter(x):
    x.data = x.data[:3]


CHANGES = {
    "a start far outside": lambda x: x.indptr.__setitem__(7, 2**31 - 1),
    "a start below zero": lambda x: x.indptr.__setitem__(7, -5),
    "a first start that is not 0": lambda x: x.indptr.__setitem__(0, 1),
    "starts that fall": lambda x: x.indptr.__setitem__(7, x.indptr[9] + 1),
    "an end behind the values": lambda x: x.indptr.__setitem__(-1, len(x.indices) + 9),
    "a start too many": longer,
    "a number outside": lambda x: x.indices.__setitem__(7, 2**30),
    "a number below zero": lambda x: x.indices.__setitem__(7, -1),
    "too few values": shorter,
}
USES = {
    "train": lambda x: descend.train(LINEAR, x, Y, optimizer=SGD(0.1), epochs=1),
    "train's validation rows": lambda x: descend.train(
        LINEAR, np.ones((5, 30)), np.ones(5), optimizer=SGD(0.1), epochs=1, validation=(x, Y)
    ),
    "Model.predict": lambda x: Model(LINEAR, {"0.weight": np.ones((30, 1)), "0.bias": np.ones(1)}).predict(x),
    "LinearRegression": lambda x: LinearRegression().fit(x, Y),
    "LogisticRegression": lambda x: LogisticRegression().fit(x, Y > 99),
    "MLPClassifier": lambda x: MLPClassifier(max_iter=1).fit(x, Y > 99),
    "MLPRegressor.predict": lambda x: _fitted().predict(x),
}


def _fitted():
    model = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", max_iter=1, tol=1e9)
    return model.fit(np.eye(30), np.arange(30.0))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("flagged", [True, False], ids=["said to be canonical", "not known"])
def test_it_is_refused_in_one_line(use, form, flagged):
    for change in CHANGES.values():
        x = table(form)
        change(x)
        x.has_canonical_format = flagged
        with pytest.raises(DataError, match=r"X.* is damaged: ") as caught:
            USES[use](x)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("use", ["train", "Model.predict", "LinearRegression"])
def test_coordinates_outside_are_refused(use):
    for axis in ("row", "col"):
        x = table("coo")
        getattr(x, axis)[3] = 10**9
        with pytest.raises(DataError, match="is damaged"):
            USES[use](x)


@pytest.mark.parametrize("form", [*FORMATS, "coo", "dia", "lil", "dok"])
def test_whole_tables_of_every_format_are_read(form):
    x = table(form)
    expected = USES["Model.predict"](table("csr").toarray())
    assert USES["Model.predict"](x).tobytes() == expected.tobytes()
    dense = descend.train(LINEAR, table().toarray(), Y, optimizer=SGD(1e-5), epochs=1)
    run = descend.train(LINEAR, x, Y, optimizer=SGD(1e-5), epochs=1)
    assert run.model.parameters["0.weight"].tobytes() == dense.model.parameters["0.weight"].tobytes()
