import json
import pickle
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from safetensors import safe_open
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
from descend.models import classes
from descend.models.description import network_from_json, network_to_json
from descend.models.file import _digest

FACTS = {
    "task": "classification", "table": "t", "target": "y", "ignore": [], "unit": "", "rows": 3, "seed": 0,
    "fingerprint": "0" * 64, "versions": {},
}  # fmt: skip


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
    with safe_open(saved, framework="numpy") as opened:
        described = json.loads(opened.metadata()["descend"])
    tensors = tensors or load_file(saved)
    change(described)
    text = json.dumps(described)
    save_file(tensors, saved, {"format": "2", "descend": text, "sha256": _digest(text, tensors)})


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
        lambda d: d.update(target={"mean": 0.0, "deviation": 1.0}),
        lambda d: d.update(about=[1]),
        lambda d: d.update(about={"fingerprint": "0" * 64}),
        lambda d: d.update(about={"made": float("nan")}),
        lambda d: d.update(surprise=1),
        lambda d: d.update(input_scale=0.0),
        lambda d: d.update(input_scale=float("inf")),
        lambda d: d.update(input_scale="1"),
        lambda d: d.update(input_scale=True),
        lambda d: d["classes"].update(dtype="U50000000"),
        lambda d: d["classes"].update(dtype="datetime64[s]"),
        lambda d: d["classes"].update(values=["a", "a", "b"]),
        lambda d: d["classes"].update(values=[["a"], ["b"], ["c"]]),
        lambda d: d["classes"].update(values={"a": 0, "b": 1, "c": 2}),
        lambda d: d["classes"].update(values=["a", "b", 1]),
        lambda d: d["classes"].update(values=["a", "b", "\ud800"]),
        lambda d: d["classes"].update(dtype="int8", values=[1, 2, 300]),
        lambda d: d["classes"].update(dtype="float64", values=[1.0, 2.0, float("nan")]),
        lambda d: d["classes"].update(dtype="bool", values=[0, 1, 2]),
        lambda d: d["network"]["loss"].update(label_smoothing=True),
        lambda d: d["network"]["loss"].update(class_weight=[1, 2, 10**400]),
    ],
)
def test_descriptions_that_lie_are_refused_in_one_line(saved, change):
    _refused(saved, change)


def _refused(path, change):
    """Quickly, in one line, and without building what the description promises."""
    import descend.data.encoding  # whose import is no part of what is measured

    _lying(path, change)
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(ModelFileError) as caught:
            descend.load(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert time.process_time() - started < 2
    assert str(caught.value).isprintable()


def test_labels_that_take_too_much_memory_are_refused(saved, monkeypatch):
    monkeypatch.setattr(classes, "_MOST_BYTES", 1000)
    _refused(saved, lambda d: d["classes"].update(values=["a", "b", "c" * 100]))


@pytest.mark.parametrize(
    "shape",
    [
        [100000, 100000, 3],
        [1e300, 1, 1],
        [2, 6, True],
        ["3", 4, 1],
        [3, 4],
        [12, 1, 1, 1],
        [-3, -4, 1],
        [3, 2, 2],
    ],
)
def test_shapes_of_images_are_compared_with_the_weights(tmp_path, shape):
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 4), np.uint8)
    path = tmp_path / "m.safetensors"
    descend.fit((images, np.arange(40) % 2), epochs=1).model.save(path)
    _refused(path, lambda d: d["encoder"].update(shape=shape))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(target=None),
        lambda d: d.update(input_scale=0.5),
        lambda d: d["target"].update(deviation=10**400),
        lambda d: d["target"].update(median=1.0),
        lambda d: d["encoder"].update(left_out=["a"]),
        lambda d: d["encoder"]["columns"].append(d["encoder"]["columns"][0]),
        lambda d: d["encoder"]["columns"][1].update(categories=["u", "u"]),
        lambda d: d["encoder"]["columns"][1].update(categories=["u", "\ud800"]),
        lambda d: d["encoder"]["columns"][1].update(rare=-1),
        *(
            lambda d, key=key, value=value: d["about"].update({key: value})
            for key, value in {
                "seed": "x", "rows": -1, "target": 1, "ignore": "a", "task": "evil", "fingerprint": "x",
                "unit": None, "table": [], "versions": {"descend": 1},
            }.items()
        ),
        lambda d: d["about"].pop("seed"),
    ],
)  # fmt: skip
def test_models_of_tables_that_lie_are_refused(tmp_path, change):
    path = tmp_path / "m.safetensors"
    table = {"a": np.arange(40.0) ** 0.5, "y": np.arange(40.0) ** 2}
    descend.fit(table | {"b": [*"uvw" * 13, "u"]}, "y", epochs=1).model.save(path)
    _refused(path, change)


def test_what_could_not_be_loaded_is_not_written(model, tmp_path):
    parts = {"network": model.network, "parameters": model.parameters}
    for labels in (
        ["a", "a", "b"],
        [["a", "b", "c"]],
        np.array([1, 2, np.nan]),
        np.array([1, "a", 2.5], object),
    ):
        with pytest.raises(OptionError, match="class"):
            descend.Model(**parts, classes=np.array(labels))
    with pytest.raises(OptionError, match="'seed'"):
        descend.Model(**parts, classes=model.classes, about=FACTS | {"seed": -1})
    for about in ({"when": object()}, {"loss": np.nan}, {"name": "\ud800"}):
        own = descend.Model(**parts, classes=model.classes, about=about)
        with pytest.raises(OptionError, match="cannot be described"):
            own.save(tmp_path / "m.safetensors")
        assert list(tmp_path.iterdir()) == []


def test_labels_are_no_wider_than_the_longest(model, tmp_path):
    wide = descend.Model(model.network, model.parameters, classes=np.array(["a", "b", "c"], "<U500"))
    big_endian = descend.Model(model.network, model.parameters, classes=np.array([1, 2, 3], ">i4"))
    for own, dtype in ((wide, "<U1"), (big_endian, "int32")):
        own.save(tmp_path / "m.safetensors")
        assert own.classes.dtype == descend.load(tmp_path / "m.safetensors").classes.dtype == np.dtype(dtype)


def test_files_of_an_earlier_format_are_named(saved):
    save_file(load_file(saved), saved, metadata={"format": "1", "descend": "{}", "sha256": ""})
    with pytest.raises(ModelFileError, match=r"written by an earlier descend \(format 1\); train again"):
        descend.load(saved)


def test_a_description_is_written_in_one_way(saved):
    with safe_open(saved, framework="numpy") as opened:
        text = opened.metadata()["descend"]
    tensors = load_file(saved)
    for other in (text.replace(": ", ":", 1), text[:-1] + ', "target": null}', " " + text):
        save_file(tensors, saved, {"format": "2", "descend": other, "sha256": _digest(other, tensors)})
        with pytest.raises(ModelFileError, match="not as descend writes it"):
            descend.load(saved)
    header = {"format": "2", "descend": text, "sha256": _digest(text, tensors)}
    save_file(tensors, saved, header | {"more": "x"})
    with pytest.raises(ModelFileError, match="checksum"):
        descend.load(saved)
    save_file(tensors, saved, header)
    descend.load(saved)


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
