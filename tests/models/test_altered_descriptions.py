"""A model file whose description was altered, its checksum made right again: refused, or a whole model."""

import contextlib
import copy
import json
import time

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import descend
from descend import SGD, BinaryCrossEntropy, CrossEntropy, Dense, Dropout, Network
from descend.errors import ModelFileError, UserError
from descend.judging import evaluate
from descend.models.file import FORMAT, _digest

DAYS = [f"2024-{1 + i % 12:02}-{1 + i % 28:02} 0{i % 10}:00" for i in range(60)]
TABLE = {
    "number": [float(i % 7) for i in range(60)],
    "gaps": [None if i % 9 == 0 else i / 3 for i in range(60)],
    "yes": ["yes" if i % 3 else "no" for i in range(60)],
    "word": [("red", "green", "blue")[i % 3] for i in range(60)],
    "day": DAYS,
}
CLASSES = TABLE | {"y": [("mild", "wild")[i % 2] for i in range(60)]}
NUMBERS = TABLE | {"y": [i * 1.5 for i in range(60)]}
IMAGES = (np.random.default_rng(0).integers(0, 256, (40, 3, 4), np.uint8), np.arange(40) % 2)
X = np.random.default_rng(1).normal(size=(30, 3))


def _of_arrays():
    network = Network(
        [Dropout(0.2), Dense(4, "gelu", True, "normal(0.5)"), Dense(3)], CrossEntropy(0.1, (1, 2, 3))
    )
    return descend.train(
        network, X, np.array(["a", "bb", "c"])[np.arange(30) % 3], optimizer=SGD(0.1), epochs=1
    )


MAKERS = {
    "classes of a table": (lambda: descend.fit(CLASSES, "y", hidden=(3,), epochs=1), CLASSES),
    "numbers of a table": (lambda: descend.fit(NUMBERS, "y", loss="huber", epochs=1), NUMBERS),
    "images": (lambda: descend.fit(IMAGES, epochs=1), IMAGES),
    "arrays": (_of_arrays, X),
    "columns of yes or no": (
        lambda: descend.train(
            Network([Dense(2)], BinaryCrossEntropy(0.1, (1, 2))),
            X,
            X[:, :2] > 0,
            optimizer=SGD(0.1),
            epochs=1,
        ),
        X,
    ),
}
STRANGE = [
    None, True, False, 0, 1, -1, 2, 7, 10**12, 10**400, -0.0, 0.5, 1e300, -2.5, float("nan"), float("inf"),
    "", "a", "\ud800", "x\ny", "0", "U50000000", "int64", "float64", "object", "str", "TableEncoder", "Dense",
    "native", "reference", "pytorch", [], [1], ["a", "a"], [[1]], [1.0, True], {}, {"kind": "Dense"},
    {"a": 1},
]  # fmt: skip


@pytest.fixture(scope="module", params=MAKERS)
def saved(request, tmp_path_factory):
    """Path, description, weights, and rows of one kind of model."""
    maker, data = MAKERS[request.param]
    path = tmp_path_factory.mktemp("models") / "m.safetensors"
    maker().model.save(path)
    with safe_open(path, framework="numpy") as opened:
        described = json.loads(opened.metadata()["descend"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    return path, described, tensors, data


def write(path, text, tensors):
    save_file(tensors, path, {"format": str(FORMAT), "descend": text, "sha256": _digest(text, tensors)})


def text_of(described):
    return json.dumps(described, ensure_ascii=True, sort_keys=True)


def places(value, path=()):
    """Every place in a description, as the keys that lead there."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def altered(described, rng):
    """The description with one thing in it changed, and what that was."""
    result = copy.deepcopy(described)
    every = [place for place in places(result) if place]
    *above, last = every[rng.integers(len(every))]
    parent = result
    for key in above:
        parent = parent[key]
    value = parent[last]
    others = [each for each in STRANGE if each is not value]
    change = rng.integers(6)
    if change == 0 and isinstance(parent, dict):
        del parent[last]
    elif change == 1 and isinstance(parent, list):
        parent.insert(last, value)
    elif change == 2 and isinstance(parent, list):
        del parent[last]
    elif change == 3 and isinstance(value, dict):
        value["surprise"] = 1
    elif change == 4 and isinstance(value, int | float):
        parent[last] = [-value, value * 2, value + 1, float(value), str(value)][rng.integers(5)]
    else:
        parent[last] = others[rng.integers(len(others))]
    return result, (*above, last)


def check_refused_or_whole(path, data):
    started = time.process_time()
    try:
        model = descend.load(path)
    except ModelFileError as error:
        message = str(error)
        assert message.isprintable()
        assert len(message) < 600 + len(str(path))
        return False
    finally:
        assert time.process_time() - started < 1.0
    rows = data[0] if isinstance(data, tuple) else data
    for ask in (model.predict, model.predict_proba, lambda _: evaluate(model, data)):
        with contextlib.suppress(UserError):
            ask(rows)
    return True


@pytest.mark.parametrize(
    "seed", [0, pytest.param(range(1, 41), marks=pytest.mark.full)], ids=["sample", "whole"]
)
@pytest.mark.filterwarnings("ignore::descend.errors.DataWarning")
def test_random_changes(saved, seed):
    path, described, tensors, data = saved
    refused = 0
    for number in seed if isinstance(seed, range) else (seed,):
        rng = np.random.default_rng(number)
        for _ in range(60):
            changed, _place = altered(described, rng)
            write(path, text_of(changed), tensors)
            refused += not check_refused_or_whole(path, data)
    assert refused > 20
    write(path, json.dumps(described, ensure_ascii=False, sort_keys=True), tensors)
    assert check_refused_or_whole(path, data)
