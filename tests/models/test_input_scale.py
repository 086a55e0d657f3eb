"""A number means the same in any type; what it is multiplied by on the way in is said, kept and stored."""

import warnings

import numpy as np
import pytest
from scipy import sparse

import descend
from descend import SGD, Adam, CrossEntropy, Dense, Dropout, Model, Network, SquaredError
from descend.engines.registry import ENGINES, get_engine
from descend.errors import DataError, DataWarning, EngineUnavailable, OptionError

PIXEL = 1 / 255
ROWS, INPUTS = 90, 21
LINEAR = Network([Dense(1)], SquaredError())
NETWORKS = {
    "narrow": [Dense(3)],
    "wide": [Dense(40, "relu"), Dense(3)],
    "dropout first": [Dropout(0.2), Dense(33, "tanh"), Dense(3)],
}
FORMS = {
    "float32": lambda x: x.astype(np.float32),
    "float64": lambda x: x.astype(np.float64),
    "int64": lambda x: x.astype(np.int64),
    "csr float64": lambda x: sparse.csr_array(x.astype(np.float64)),
    "csr uint8": sparse.csr_array,
    "coo int32": lambda x: sparse.coo_matrix(x.astype(np.int32)),
}


@pytest.fixture(params=ENGINES)
def engine(request):
    try:
        get_engine(request.param)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    return request.param


def bytes_and_labels(most=256):
    rng = np.random.default_rng(5)
    x = rng.integers(0, most, (ROWS, INPUTS)).astype(np.uint8)
    x[rng.random(x.shape) < 0.5] = 0
    return x, np.arange(ROWS) % 3


def weights(run):
    return np.concatenate([array.ravel() for array in run.model.parameters.values()])


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("scale", [PIXEL, 1.0])
def test_a_number_means_the_same_in_any_type(engine, layers, scale):
    x, y = bytes_and_labels(200 if scale == PIXEL else 3)
    weight = np.linspace(0, 1, ROWS)
    network = Network(layers, CrossEntropy())
    options = {
        "optimizer": Adam(0.01), "epochs": 1, "engine": engine, "dtype": "float64", "input_scale": scale,
        "sample_weight": weight,
    }  # fmt: skip
    eight = descend.train(network, x, y, validation=(x[:30], y[:30]), **options)
    scaled = descend.train(
        network, x * scale, y, validation=(x[:30] * scale, y[:30]), **{**options, "input_scale": 1.0}
    )
    assert weights(eight) == pytest.approx(weights(scaled), rel=1e-9, abs=1e-12)
    for form in (FORMS["float64"], FORMS["csr uint8"]):
        run = descend.train(network, form(x), y, validation=(form(x)[:30], y[:30]), **options)
        assert weights(run) == pytest.approx(weights(eight), rel=1e-9, abs=1e-12)
        assert run.history.validation_loss == pytest.approx(eight.history.validation_loss, rel=1e-9)
    for form in FORMS.values():
        assert eight.model.predict_proba(form(x)) == pytest.approx(eight.model.predict_proba(x), rel=1e-9)
        assert (eight.model.predict(form(x)) == eight.model.predict(x)).all()


def test_zeros_and_ones_in_8_bits_are_zeros_and_ones():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (200, 4)).astype(np.uint8)
    y = x @ [3.0, -2.0, 1.0, 0.0]
    eight, wide = (
        descend.train(LINEAR, given, y, optimizer=SGD(0.3), epochs=30) for given in (x, x.astype(np.float32))
    )
    assert weights(eight) == pytest.approx(weights(wide), abs=1e-6)
    assert eight.model.predict(x) == pytest.approx(y, abs=0.05)
    assert eight.model.predict(x.astype(float)) == pytest.approx(eight.model.predict(x), abs=1e-5)
    assert wide.model.predict(x) == pytest.approx(y, abs=0.05)


def test_8_bits_stay_8_bits_in_memory(monkeypatch):
    from descend.engines.native.program import NativeProgram

    seen = []
    bind = NativeProgram.bind
    monkeypatch.setattr(NativeProgram, "bind", lambda self, inputs: seen.append(inputs) or bind(self, inputs))
    x, y = bytes_and_labels(100)
    for scale in (1.0, PIXEL):
        descend.train(Network([Dense(3)], CrossEntropy()), x, y, optimizer=SGD(1e-4), input_scale=scale)
    assert [(inputs.x.dtype, inputs.scale) for inputs in seen] == [(np.uint8, 1.0), (np.uint8, PIXEL)]


def test_the_scale_is_kept_and_stored(tmp_path):
    x, y = bytes_and_labels()
    run = descend.train(
        Network([Dense(3)], CrossEntropy()), x, y, optimizer=SGD(0.1), epochs=1, input_scale=PIXEL
    )
    (many,) = descend.train_many(
        Network([Dense(3)], CrossEntropy()), x, y, optimizer=SGD(0.1), epochs=1, input_scale=PIXEL,
        variations=[{}],
    )  # fmt: skip
    run.model.save(tmp_path / "m.safetensors")
    loaded = descend.load(tmp_path / "m.safetensors")
    assert run.model.input_scale == many.model.input_scale == loaded.input_scale == PIXEL
    assert weights(run).tobytes() == weights(many).tobytes()
    assert loaded.predict_proba(x).tobytes() == run.model.predict_proba(x).tobytes()
    assert loaded.predict_proba(x.astype(float)) == pytest.approx(run.model.predict_proba(x), rel=1e-5)


def test_a_model_of_images_has_the_scale_of_its_encoder(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 4), np.uint8)
    model = descend.fit((images, np.arange(40) % 2), epochs=1).model
    assert model.input_scale == PIXEL
    model.save(tmp_path / "m.safetensors")
    assert descend.load(tmp_path / "m.safetensors").input_scale == PIXEL
    with pytest.raises(OptionError, match=r"input_scale is 2\.0, the encoder's 0\.0039"):
        Model(model.network, model.parameters, classes=model.classes, encoder=model.encoder, input_scale=2.0)


@pytest.mark.parametrize("scale", [0, -1, np.nan, np.inf, "1", None, True, 1e-60, 1e60])
def test_a_scale_that_is_none_is_refused(scale):
    x, y = bytes_and_labels()
    with pytest.raises(OptionError, match="input_scale must be a number above 0"):
        descend.train(LINEAR, x, y, optimizer=SGD(), input_scale=scale)


def test_a_scaled_value_beyond_the_type_is_named():
    x = np.ones((3, 2))
    x[1, 1] = 1e30
    with pytest.raises(DataError, match=r"1e\+30 in row 1, column 1: .* times input_scale"):
        descend.train(LINEAR, x, np.ones(3), optimizer=SGD(), input_scale=1e20)
    model = Model(LINEAR, {"0.weight": np.ones((2, 1), np.float32), "0.bias": np.zeros(1, np.float32)},
                  input_scale=1e20)  # fmt: skip
    with pytest.raises(DataError, match=r"1e\+30 in row 1, column 1: .* times input_scale"):
        model.predict(x)
    with pytest.raises(DataError, match=r"in row 1, column 1: .* times input_scale"):
        model.predict(sparse.csr_array(x))


def test_8_bit_numbers_that_look_like_pixels_are_told_of_the_scale():
    x, y = bytes_and_labels()
    network = Network([Dense(3)], CrossEntropy())
    with pytest.warns(DataWarning, match=r"up to 2\d\d.*input_scale=1/255") as caught:
        descend.train(network, x, y, optimizer=SGD(1e-6), epochs=1)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with pytest.warns(DataWarning, match="input_scale=1/255") as caught:
        descend.train_many(
            network, x, y, optimizer=SGD(1e-6), epochs=1, variations=[{}, {}], validation=(x, y)
        )
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        descend.train(network, x, y, optimizer=SGD(1e-6), epochs=1, input_scale=PIXEL)
        descend.train(network, x.astype(np.float32), y, optimizer=SGD(1e-6), epochs=1)
        descend.train(network, x // 2, y, optimizer=SGD(1e-6), epochs=1)
