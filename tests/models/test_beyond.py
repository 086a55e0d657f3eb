"""Rows whose answer is beyond the floating-point type have none: the row is named, and no class guessed."""

import numpy as np
import pytest
from scipy import sparse

import descend
from descend import (
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    MLPClassifier,
    MLPRegressor,
    Model,
    Network,
    Poisson,
    SquaredError,
)
from descend.engines.registry import ENGINES, get_engine
from descend.errors import DataError, EngineUnavailable

BIG = 3e38  # near float32's largest


@pytest.fixture(params=ENGINES)
def engine(request):
    try:
        get_engine(request.param)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    return request.param


def model(loss, weight, engine="native", classes=None):
    weight = np.array(weight, np.float32)
    outputs = weight.shape[1]
    parameters = {"0.weight": weight, "0.bias": np.zeros(outputs, np.float32)}
    return Model(Network([Dense(outputs)], loss), parameters, engine=engine, classes=classes)


CASES = {
    "NaN among classes": (CrossEntropy(), [[BIG, 1], [-BIG, 1]], ["a", "b"], [2, 2]),
    "plus infinity, the order being clear": (CrossEntropy(), [[BIG, 1], [1, 1]], ["a", "b"], [2, 0]),
    "minus infinity, the order being clear": (CrossEntropy(), [[-BIG, 1], [1, 1]], ["a", "b"], [2, 0]),
    "an infinite yes": (BinaryCrossEntropy(), [[BIG], [1]], ["no", "yes"], [2, 0]),
    "an infinite no": (BinaryCrossEntropy(), [[-BIG], [1]], ["no", "yes"], [2, 0]),
    "one of several yes or no": (BinaryCrossEntropy(), [[1, -BIG], [1, 1]], None, [2, 0]),
    "a number": (SquaredError(), [[BIG], [1]], None, [-2, 0]),
    "an infinite count": (Poisson(), [[1.0], [1]], None, [200, 0]),
    "a count whose logarithm is minus infinity": (Poisson(), [[-BIG], [1]], None, [2, 0]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_row_is_named(case, engine):
    loss, weight, classes, row = case
    own = model(loss, weight, engine, None if classes is None else np.array(classes))
    rows = np.array([[0, 0], [0, 1], row, row], np.float32)
    asked = [own.predict, own.predict_proba] if own.network.classifies else [own.predict]
    for ask in asked:
        assert len(ask(rows[:2])) == 2
        for x in (rows, sparse.csr_array(rows)):
            with pytest.raises(DataError, match=r"^row 2 of X: the model's answer is beyond float32"):
                ask(x)


def test_certain_answers_are_given():
    own = model(CrossEntropy(), [[500.0, 0], [0, 0]], classes=np.array(["a", "b"]))
    assert own.predict_proba(np.array([[1, 0], [-1, 0]], np.float32)).tolist() == [[1, 0], [0, 1]]
    yes = model(BinaryCrossEntropy(), [[500.0], [0]], classes=np.array([False, True]))
    assert yes.predict_proba(np.array([[1, 0], [-1, 0]], np.float32)).tolist() == [[0, 1], [1, 0]]


def test_images_are_named_by_their_file(tmp_path):
    from PIL import Image

    for name in ("cat", "dog"):
        (tmp_path / "pics" / name).mkdir(parents=True)
        for number in range(8):
            level = 20 * number + (name == "dog")
            Image.new("L", (4, 4), level).save(tmp_path / "pics" / name / f"{number}.png")
    own = descend.fit(tmp_path / "pics", epochs=1).model
    weights = {name: np.full_like(array, BIG) for name, array in own.parameters.items()}
    huge = Model(own.network, weights, classes=own.classes, encoder=own.encoder)
    with pytest.raises(DataError, match=r"pics, .*\d\.png: the model's answer"):
        huge.predict(tmp_path / "pics")
    with pytest.raises(DataError, match="the given images, row 1: the model's answer"):
        huge.predict(np.full((1, 4, 4), 255, np.uint8))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_perceptrons_name_the_row(classes):
    X = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    own = MLPClassifier((), max_iter=2, random_state=0).fit(X, np.arange(60) % classes)
    own.coefs_[0][...] = 0
    own.coefs_[0][0, 0] = BIG
    row = np.array([[0, 0], [2, 0], [0, 0]], np.float32)
    for x in (row, -row):  # a probability of 1 or of 0, or none at all
        for ask in (own.predict, own.predict_proba):
            with pytest.raises(DataError, match="row 1 of X holds values too large: its prediction"):
                ask(x)
    assert own.predict_proba(row[:1]).shape == (1, classes)
    counts = MLPRegressor("poisson", (), max_iter=2, random_state=0).fit(X, np.arange(60) % 4)
    counts.coefs_[0][...] = -BIG
    with pytest.raises(DataError, match="row 1 of X holds values too large: its prediction"):
        counts.predict(row)


def test_a_targets_own_units_may_be_beyond():
    table = {"x": np.arange(40.0), "y": np.linspace(0, 1.7e308, 40)}
    own = descend.fit(table, "y", epochs=1).model
    weights = {name: np.full_like(array, 100.0) for name, array in own.parameters.items()}
    far = Model(own.network, weights, encoder=own.encoder, target=own.target)
    with pytest.raises(DataError, match="row 1: the model's answer is beyond float64"):
        far.predict({"x": [1000.0]})
