import json
import pickle
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import descend
from descend import (
    SGD,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Huber,
    Network,
    Poisson,
    Quantile,
)
from descend.errors import DataError, ModelFileError, OptionError, OutputError
from descend.models.description import network_from_json, network_to_json


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), np.array(["no", "maybe", "yes"])[np.arange(40) % 3]
    network = Network([Dense(5, "tanh"), Dropout(0.1), Dense(3)], CrossEntropy(0.1, (1, 2, 3)))
    return descend.train(network, X, y, optimizer=SGD(0.1)).model


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "a model 模型.safetensors"
    model.save(path)
    return path


def test_a_saved_model_predicts_the_same_bits(model, saved):
    X = np.random.default_rng(1).normal(size=(20, 3))
    loaded = descend.load(saved)
    assert (loaded.predict(X) == model.predict(X)).all()
    assert (loaded.predict_proba(X) == model.predict_proba(X)).all()
    assert loaded.network == model.network
    assert loaded.classes.tolist() == ["maybe", "no", "yes"]
    assert loaded.classes.dtype == model.classes.dtype


def test_a_pickled_model_predicts_the_same(model):
    X = np.ones((2, 3))
    model.predict(X)
    assert (pickle.loads(pickle.dumps(model)).predict(X) == model.predict(X)).all()


@pytest.mark.parametrize(
    "classes",
    [np.array([2**62, 2**62 + 1]), np.array([False, True]), np.array([0.1, 0.2]), np.array(["甲", "乙"]),
     np.array([2**70, 2**70 + 1], object)],
)  # fmt: skip
def test_classes_survive_exactly(classes, tmp_path):
    parameters = {"0.weight": np.ones((1, 1), np.float32), "0.bias": np.zeros(1, np.float32)}
    model = descend.Model(Network([Dense(1)], BinaryCrossEntropy()), parameters, classes=classes)
    model.save(tmp_path / "m.safetensors")
    loaded = descend.load(tmp_path / "m.safetensors").classes
    assert loaded.dtype == classes.dtype
    assert loaded.tolist() == classes.tolist()


def test_every_network_survives():
    crossed = (CrossEntropy(0.2, [1, 2.5]), BinaryCrossEntropy(0.1, (0, 3)), CrossEntropy())
    for loss in (Huber(2.5), Quantile(0.9), Poisson(), *crossed):
        network = Network([Dropout(0.25), Dense(4, "gelu", False, "normal(0.5)"), Dense(2)], loss)
        assert network_from_json(json.loads(json.dumps(network_to_json(network)))) == network


def test_saving_leaves_no_temporary_file(saved):
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_saving_where_one_cannot_is_one_line(model, tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        model.save(tmp_path / "no such folder" / "m.safetensors")


def bad_files(saved, tmp_path):
    whole = saved.read_bytes()
    middle = bytearray(whole)
    middle[-5] ^= 1
    header = bytearray(whole)
    header[header.index(b"tanh")] = ord("x")
    pickled = pickle.dumps({"weights": [1, 2]})
    archive = tmp_path / "zipped"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data.pkl", b"x")
    return {
        "empty": (b"", "empty"),
        "truncated": (whole[:-10], "not a whole safetensors file"),
        "truncated header": (whole[:100], "not a whole safetensors file"),
        "one bit of the weights": (bytes(middle), "checksum"),
        "one letter of the description": (bytes(header), "checksum"),
        "pickle": (pickled, "pickle"),
        "zip": (archive.read_bytes(), "zip archive"),
        "text": (b"hello, this is not a model at all", "not a safetensors file"),
        "huge header": (b"\xff" * 8 + b"{}", "not a safetensors file"),
    }


def test_bad_files_are_refused_in_one_line(saved, tmp_path):
    for name, (content, message) in bad_files(saved, tmp_path).items():
        path = tmp_path / "model.safetensors"
        path.write_bytes(content)
        with pytest.raises(ModelFileError, match=message) as caught:
            descend.load(path)
        assert "\n" not in str(caught.value), name


def test_foreign_weights_and_newer_formats_are_refused_by_name(saved, tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"0.weight": np.ones((1, 1))}, path)
    with pytest.raises(ModelFileError, match="not a model that descend saved"):
        descend.load(path)
    save_file(load_file(saved), path, metadata={"format": "99", "descend": "{}", "sha256": ""})
    with pytest.raises(ModelFileError, match=r"format '99'.*newer descend"):
        descend.load(path)


def _lying(saved, change, tensors=None):
    """The saved file with its description changed and its checksum made right again."""
    from safetensors import safe_open

    from descend.models.file import _digest

    with safe_open(saved, framework="numpy") as opened:
        described = json.loads(opened.metadata()["descend"])
    tensors = tensors or load_file(saved)
    change(described)
    text = json.dumps(described)
    save_file(tensors, saved, {"format": "1", "descend": text, "sha256": _digest(text, tensors)})


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.pop("network"),
        lambda d: d["network"].update(layers=[]),
        lambda d: d["network"]["layers"][0].update(units=-3),
        lambda d: d["network"]["layers"][0].update(units=10**12),
        lambda d: d["network"]["layers"][0].update(kind="Conv"),
        lambda d: d["network"]["layers"][0].update(activation="evil"),
        lambda d: d.update(engine="evil"),
        lambda d: d.update(engine=3),
        lambda d: d.update(classes={"dtype": "V8", "values": [1]}),
        lambda d: d.update(classes={"dtype": "int64", "values": [1]}),
        lambda d: d.update(encoder={"kind": "Evil"}),
        lambda d: d.update(target={"mean": "x"}),
        lambda d: d.update(about=[1]),
    ],
)
def test_descriptions_that_lie_are_refused_in_one_line(saved, change):
    _lying(saved, change)
    with pytest.raises(ModelFileError) as caught:
        descend.load(saved)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(deviation=None),
        lambda c: c.update(mean="x"),
        lambda c: c.update(median=[1.0]),
        lambda c: c.update(had_missing=10**12),
        lambda c: c.update(name=["a"]),
        lambda c: c.update(surprise=1),
        lambda c: c.pop("mean"),
        lambda c: c.update(kind="evil"),
        lambda c: c.update(deviation=0.0),
    ],
)
def test_encoders_that_lie_are_refused_when_loaded(tmp_path, change):
    path = tmp_path / "m.safetensors"
    descend.fit({"a": np.arange(20.0), "y": np.arange(20.0) ** 2}, "y", epochs=1).model.save(path)
    _lying(path, lambda described: change(described["encoder"]["columns"][0]))
    with pytest.raises(ModelFileError) as caught:
        descend.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_no_rows_have_no_answers(engine):
    X = np.arange(60.0).reshape(20, 3)
    network = Network([Dense(2)], CrossEntropy())
    model = descend.train(network, X, np.arange(20) % 2, optimizer=SGD(1e-4), engine=engine).model
    for none in (np.empty((0, 3)), X[:0]):
        assert model.predict(none).shape == (0,)
        assert model.predict_proba(none).shape == (0, 2)


def test_weights_of_another_kind_are_refused(saved):
    for tensors in ({"0.weight": np.ones(())}, {n: a.astype(np.int32) for n, a in load_file(saved).items()}):
        _lying(saved, lambda d: None, tensors)
        with pytest.raises(ModelFileError):
            descend.load(saved)


@pytest.mark.parametrize("version", ["²", "", "-1", "1e3", "9" * 5000])
def test_odd_format_numbers_are_refused(saved, version):
    save_file(load_file(saved), saved, metadata={"format": version, "descend": "{}", "sha256": ""})
    with pytest.raises(ModelFileError, match="format"):
        descend.load(saved)


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(ModelFileError, match="no such model"):
        descend.load(tmp_path / "nothing")
    with pytest.raises(ModelFileError, match="has no model"):
        descend.load(tmp_path)


def test_wrong_inputs_are_named(model):
    with pytest.raises(DataError, match=r"\(rows, 3\), not \(2, 4\)"):
        model.predict(np.ones((2, 4)))
    with pytest.raises(DataError, match=r"reshape\(1, 3\)"):
        model.predict(np.ones(3))
    with pytest.raises(DataError, match="nan in row 1, column 2"):
        model.predict(np.array([[1, 1, 1], [1, 1, np.nan]]))
    with pytest.raises(DataError, match="must hold numbers"):
        model.predict(np.array([["a", "b", "c"]]))


def test_numbers_have_no_probabilities():
    parameters = {"0.weight": np.ones((1, 1)), "0.bias": np.zeros(1)}
    model = descend.Model(Network([Dense(1)], Huber()), parameters)
    with pytest.raises(OptionError, match="no probabilities"):
        model.predict_proba(np.ones((1, 1)))
    assert model.predict(np.ones((0, 1))).shape == (0,)
