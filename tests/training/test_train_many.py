"""Models trained side by side end with the bits of models trained alone."""

import numpy as np
import pytest

import descend
from descend import SGD, Adam, CrossEntropy, Dense, Dropout, Network, SquaredError, train, train_many
from descend.errors import DataError, Diverged, OptionError

RNG = np.random.default_rng(7)
BYTES = RNG.integers(0, 256, (230, 37)).astype(np.uint8)
SCALE = 1 / 255
LABELS = (BYTES[:, 0] > 127).astype(np.int64) + (BYTES[:, 1] > 127)
NETWORKS = {
    "softmax": [Dense(3)],
    "wide": [Dense(40, "relu"), Dropout(0.3), Dense(3)],
    "dropout first": [Dropout(0.2), Dense(33, "tanh"), Dense(3)],
}


def same(one, other):
    a, b = one.model.parameters, other.model.parameters
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("layers", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_each_has_the_bits_of_training_alone(layers, dtype, threads):
    network = Network(layers, loss=CrossEntropy())
    shared = {"batch_size": 50, "epochs": 3, "dtype": dtype, "last_batch": "wrap", "input_scale": SCALE}
    fold = np.flatnonzero(np.arange(230) % 5)
    drawn = network.draw_parameters(37, 99)
    variations = [
        {"lr": 0.001},
        {"lr": descend.schedules.Cosine(0.01)},
        {"weight_decay": 0.1, "seed": 3},
        {"initial": drawn},
        {"rows": fold},
        {"rows": fold, "seed": 4, "lr": 0.003},
    ]
    together = train_many(
        network, BYTES, LABELS, variations=variations, optimizer=Adam(0.01), threads=threads, **shared
    )
    alone = [
        train(network, BYTES, LABELS, optimizer=Adam(0.001), **shared),
        train(network, BYTES, LABELS, optimizer=Adam(descend.schedules.Cosine(0.01)), **shared),
        train(network, BYTES, LABELS, optimizer=Adam(0.01, weight_decay=0.1), seed=3, **shared),
        train(network, BYTES, LABELS, optimizer=Adam(0.01), initial=drawn, **shared),
        train(network, BYTES[fold], LABELS[fold], optimizer=Adam(0.01), **shared),
        train(network, BYTES[fold], LABELS[fold], optimizer=Adam(0.003), seed=4, **shared),
    ]
    for one, other in zip(together, alone, strict=True):
        assert same(one, other)
        assert np.array_equal(one.history.step_loss, other.history.step_loss)
    assert not same(together[0], together[1])


def test_dropout_varies():
    network = Network(NETWORKS["wide"], loss=CrossEntropy())
    rates = [0.0, 0.6]
    together = train_many(
        network,
        BYTES,
        LABELS,
        variations=[{"dropout": rate} for rate in rates],
        optimizer=SGD(0.1),
        input_scale=SCALE,
    )
    for rate, one in zip(rates, together, strict=True):
        layers = [Dense(40, "relu"), Dropout(rate), Dense(3)]
        assert same(
            one,
            train(Network(layers, loss=CrossEntropy()), BYTES, LABELS, optimizer=SGD(0.1), input_scale=SCALE),
        )


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_validation_weights_and_regression(engine):
    x = RNG.normal(size=(90, 4))
    y, weight = x @ [1.0, -2.0, 3.0, 0.5], RNG.uniform(0, 2, 90)
    network, judged = Network([Dense(1)], SquaredError()), (x[:20], y[:20])
    shared = {"validation": judged, "sample_weight": weight, "engine": engine, "dtype": "float64"}
    rates = [0.01, 0.1, 0.3]
    together = train_many(
        network, x, y, variations=[{"lr": lr} for lr in rates], optimizer=SGD(1.0), threads=2, **shared
    )
    for lr, one in zip(rates, together, strict=True):
        alone = train(network, x, y, optimizer=SGD(lr), **shared)
        assert same(one, alone)
        assert np.array_equal(one.history.validation_loss, alone.history.validation_loss)
        assert one.diverged is None


def test_one_that_diverges_leaves_the_others_alone():
    x = RNG.normal(size=(60, 3))
    y = x @ [1.0, 2.0, 3.0]
    network = Network([Dense(1)], SquaredError())
    lost, kept = train_many(
        network, x, y, variations=[{"lr": 1e6}, {"lr": 0.1}], optimizer=SGD(1.0), threads=1, epochs=50
    )
    with pytest.raises(Diverged) as alone:
        train(network, x, y, optimizer=SGD(1e6), epochs=50)
    assert str(lost.diverged) == str(alone.value)
    assert lost.history.step_loss.tolist() == [pytest.approx(8.72, abs=0.01)]  # before the step that grew
    assert np.isfinite(lost.model.parameters["0.weight"]).all()
    assert same(kept, train(network, x, y, optimizer=SGD(0.1), epochs=50))
    np.testing.assert_allclose(kept.model.parameters["0.weight"][:, 0], [1, 2, 3], atol=1e-2)


@pytest.mark.parametrize(
    ("variations", "message"),
    [
        ([], "at least one"),
        ({"lr": 0.1}, "at least one"),
        ([{"lr": 0.1}, {"learning_rate": 0.1}], r"variations\[1\]: unknown key 'learning_rate'"),
        ([3], r"variations\[0\]: must be a mapping"),
        ([{"lr": -1.0}], r"variations\[0\]"),
        ([{"dropout": 0.5}], r"variations\[0\]: dropout names"),
        ([{"rows": []}], r"variations\[0\]: rows must be"),
        ([{"rows": [0, 230]}], r"variations\[0\]: rows names a row outside"),
        ([{"rows": [True] * 230}], r"variations\[0\]: rows must be"),
        ([{"seed": -1}], r"variations\[0\]"),
    ],
)
def test_wrong_variations_are_refused(variations, message):
    network = Network([Dense(3)], loss=CrossEntropy())
    with pytest.raises((OptionError, DataError), match=message):
        train_many(network, BYTES, LABELS, variations=variations, optimizer=SGD(0.1), input_scale=SCALE)
