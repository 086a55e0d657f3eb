import numpy as np
import pytest

import descend
from descend import (
    SGD,
    Adam,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Network,
    SquaredError,
    schedules,
)
from descend.errors import DataError, Diverged, OptionError

LINEAR = Network([Dense(1)], SquaredError())


def line(rows=100, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 2))
    return X, X @ [2.0, -3.4] + 4.2


def blobs(rows=120, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    return rng.normal(size=(rows, 2)) + 4 * np.eye(classes)[y][:, :2], y


def test_finds_the_line():
    X, y = line()
    run = descend.train(LINEAR, X, y, optimizer=SGD(0.1), epochs=60)
    assert np.allclose(run.model.parameters["0.weight"][:, 0], [2, -3.4], atol=1e-3)
    assert np.allclose(run.model.parameters["0.bias"], 4.2, atol=1e-3)
    assert run.model.predict(X).shape == (100,)
    assert run.model.predict(X) == pytest.approx(y, abs=0.01)


def test_history_counts_every_epoch_and_step():
    X, y = line(101)
    run = descend.train(
        LINEAR, X, y, optimizer=SGD(schedules.Exponential(0.1, 0.5)), epochs=3, validation=(X[:20], y[:20])
    )
    history = run.history
    assert history.epochs == 3
    assert history.step_loss.shape == (3 * 4,)
    assert history.rate == pytest.approx([0.1, 0.05, 0.025])
    assert history.validation_loss.shape == (3,)
    assert history.accuracy is None
    assert (np.diff(history.seconds) >= 0).all()
    # the last batch has five rows: the epoch's loss weighs it by them
    sizes = np.array([32, 32, 32, 5])
    assert history.loss[0] == pytest.approx(history.step_loss[:4] @ sizes / 101)
    assert list(history.columns()) == ["epoch", "loss", "validation_loss", "rate", "seconds"]
    assert (history["loss"] == history.loss).all()


def test_history_is_the_same_with_and_without_validation():
    X, y = line()
    runs = [descend.train(LINEAR, X, y, optimizer=Adam(0.01), epochs=4, validation=v) for v in (None, (X, y))]
    assert (runs[0].history.step_loss == runs[1].history.step_loss).all()
    assert (runs[0].model.parameters["0.weight"] == runs[1].model.parameters["0.weight"]).all()


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["cat", "dog", "eel"]),
        np.array([2**60, 2**60 + 1, 2**60 + 2]),
        np.array([0, 1, 2], np.uint8),
        np.array([-1.5, 0.0, 2.5]),
        np.array(["猫", "狗", "鱼"]),
    ],
)
def test_classes_come_back_in_the_users_type(labels):
    X, y = blobs()
    names = np.sort(labels)[y]
    network = Network([Dense(8, "tanh"), Dense(3)], CrossEntropy())
    run = descend.train(network, X, names, optimizer=Adam(0.03), epochs=30, validation=(X, names))
    assert run.model.classes.dtype == labels.dtype
    assert (run.model.predict(X) == names).mean() > 0.9
    assert run.model.predict(X).dtype == labels.dtype
    assert run.history.validation_accuracy[-1] == (run.model.predict(X) == names).mean()
    assert run.model.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(120), abs=1e-5)


def test_binary_models_have_two_probability_columns():
    X, y = blobs(classes=2)
    names = np.array([False, True])[y]
    run = descend.train(Network([Dense(1)], BinaryCrossEntropy()), X, names, optimizer=Adam(0.1))
    assert run.model.classes.tolist() == [False, True]
    p = run.model.predict_proba(X)
    assert p.shape == (120, 2)
    assert ((p[:, 1] > 0.5) == run.model.predict(X)).all()


def test_several_yes_no_columns():
    X, y = blobs()
    truth = np.eye(3)[y]
    run = descend.train(Network([Dense(3)], BinaryCrossEntropy()), X, truth, optimizer=Adam(0.1), epochs=40)
    assert run.model.classes is None
    assert run.model.predict(X).shape == (120, 3)
    assert (run.model.predict(X) == truth).mean() > 0.75


def test_several_targets():
    X, y = line()
    run = descend.train(Network([Dense(2)], SquaredError()), X, np.c_[y, -y], optimizer=SGD(0.1), epochs=60)
    assert run.model.predict(X)[:, 1] == pytest.approx(-y, abs=0.01)


def test_pixels_are_scaled():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 5)).astype(np.uint8)
    y = pixels[:, 0] / 255.0
    eight = descend.train(LINEAR, pixels, y, optimizer=SGD(0.1), seed=3, input_scale=1 / 255)
    wide = descend.train(LINEAR, (pixels * np.float32(1 / 255)), y, optimizer=SGD(0.1), seed=3)
    assert eight.model.parameters["0.weight"] == pytest.approx(wide.model.parameters["0.weight"], abs=1e-6)
    assert eight.model.predict(pixels) == pytest.approx(wide.model.predict(pixels / 255), abs=1e-5)


def test_initial_weights_and_explicit_batches():
    X, y = line(10)
    start = {"0.weight": np.ones((2, 1)), "0.bias": np.zeros(1)}
    run = descend.train(
        LINEAR, X, y, optimizer=SGD([0.1, 0.2]), initial=start, batches=[[0, 1], [2]], dtype="float64"
    )
    w, b = start["0.weight"], start["0.bias"]
    for rows, rate in (([0, 1], 0.1), ([2], 0.2)):
        r = X[rows] @ w + b - y[rows][:, None]
        w, b = w - rate * X[rows].T @ r / len(rows), b - rate * r.mean(axis=0)
    assert run.model.parameters["0.weight"] == pytest.approx(w, rel=1e-12)
    assert run.model.parameters["0.bias"] == pytest.approx(b, rel=1e-12)


def test_same_seed_same_bits_other_seed_other_bits():
    X, y = blobs()
    network = Network([Dense(5, "relu"), Dropout(0.3), Dense(3)], CrossEntropy())
    runs = [descend.train(network, X, y, optimizer=Adam(), seed=s) for s in (1, 1, 2)]
    weights = [run.model.parameters["0.weight"] for run in runs]
    assert (weights[0] == weights[1]).all()
    assert not (weights[0] == weights[2]).all()


def test_divergence_stops_and_keeps_the_last_finite_weights():
    X, y = line()
    with pytest.raises(Diverged, match=r"step \d+ \(epoch \d+, learning rate 50\): try") as caught:
        descend.train(LINEAR, X, y, optimizer=SGD(50.0), epochs=100)
    error = caught.value
    assert error.exit_code == 3
    assert all(np.isfinite(array).all() for array in error.parameters.values())
    # the kept weights are the ones of the last step before, not the first ones
    assert np.abs(error.parameters["0.weight"]).max() > 1e3


def test_gradient_overflow_keeps_the_weights_before_it():
    """The loss is finite but the update is not: the step before has the last finite weights."""
    X, y = np.full((4, 1), 1e18), np.ones(4)
    start = {"0.weight": np.array([[1.0]]), "0.bias": np.zeros(1)}
    with pytest.raises(Diverged) as caught:
        descend.train(LINEAR, X, y, optimizer=SGD(1e12), initial=start, epochs=5)
    assert caught.value.step == 1
    assert caught.value.parameters["0.weight"] == 1.0


@pytest.mark.parametrize("validation", [False, True])
def test_an_overflow_in_the_very_last_update_is_a_divergence(validation):
    X, y = line(40)
    with pytest.raises(Diverged, match="step 0") as caught:
        descend.train(
            LINEAR, X * 1e3, y, optimizer=SGD(3e38), batch_size=40, epochs=1,
            validation=(X, y) if validation else None,
        )  # fmt: skip
    assert all(np.isfinite(array).all() for array in caught.value.parameters.values())


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_a_loss_that_explodes_within_finite_numbers_is_a_divergence(engine):
    X, y = line()
    with pytest.raises(Diverged, match=r"the loss grew from [\d.]+ to \S+ at step \d+ .*rate 200\): try"):
        descend.train(
            LINEAR, X, y, optimizer=SGD(200.0), epochs=1, batch_size=8, dtype="float64", engine=engine
        )


@pytest.mark.parametrize("start", [3.0, 2.9])
def test_a_run_that_starts_at_its_end_does_not_explode(start):
    """The first loss is 0, or smaller than those of the steps that follow."""
    X = np.linspace(-1, 1, 40).reshape(-1, 1)
    weights = {"0.weight": np.array([[start]]), "0.bias": np.zeros(1)}
    noise = np.where(np.arange(40) < 4, 0.0, 0.1)
    run = descend.train(
        LINEAR,
        X,
        3 * X[:, 0] + noise,
        optimizer=Adam(0.1),
        initial=weights,
        shuffle=False,
        batch_size=2,
        epochs=3,
    )
    assert run.history.loss[-1] < 1


def test_a_run_whose_weights_overflow_ends():
    """Rates that overflow between steps once left the search for the last finite weights without an end."""
    X = np.random.default_rng(2).normal(size=(30, 2))
    network = Network([Dense(3, "gelu"), Dense(1)], SquaredError())
    for seed in range(8):
        with pytest.raises(Diverged):
            descend.train(
                network, X, X[:, 0], optimizer=SGD(10.0), batch_size=1, epochs=20, dtype="float64", seed=seed
            )


def test_seedless_runs_differ():
    X, y = line()
    network = Network([Dense(3), Dense(1)], SquaredError())
    first, second = (descend.train(network, X, y, optimizer=SGD(0.01), seed=None) for _ in range(2))
    assert (first.model.parameters["0.weight"] != second.model.parameters["0.weight"]).any()


def test_progress_is_told_on_standard_error_only_when_asked(capsys):
    X, y = line()
    descend.train(LINEAR, X, y, optimizer=SGD(0.1), epochs=3)
    assert capsys.readouterr() == ("", "")
    descend.train(LINEAR, X, y, optimizer=SGD(0.1), epochs=3, validation=(X, y), verbose=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 3/3" in err
    assert "rows/s" in err


BAD_ARRAYS = [
    ([[1, 2], [3]], np.ones(2), "training X is no array: row 1 has 1 values, row 0 has 2"),
    (np.ones(5), np.ones(5), "two dimensions"),
    (np.ones((5, 2, 2)), np.ones(5), r"reshape\(len\(X\), -1\)"),
    (np.ones((0, 2)), np.ones(0), "no rows"),
    (np.ones((5, 0)), np.ones(5), "no columns"),
    (np.ones((5, 2)), np.ones(4), "5 rows but y"),
    (np.array([["a", "b"]]), np.ones(1), "must hold numbers"),
    (np.array([[1.0, np.nan]]), np.ones(1), "nan in row 0, column 1"),
    (np.array([[1.0, 1e300]]), np.ones(1), r"1e\+300 in row 0, column 1"),
    (np.ones((2, 1)), np.array([1.0, np.inf]), "inf in row 1"),
    (np.ones((2, 1)), np.array(["a", "b"]), "y must hold numbers"),
    (np.ones((2, 1)), np.ones((2, 3)), "has 1 outputs"),
]


@pytest.mark.parametrize(("X", "y", "message"), BAD_ARRAYS)
def test_bad_arrays_are_named(X, y, message):
    with pytest.raises(DataError, match=message):
        descend.train(LINEAR, X, y, optimizer=SGD(0.1))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"batch_size": 0}, "batch_size must be"),
        ({"batch_size": 1.5}, "batch_size must be"),
        ({"epochs": -1}, "epochs must be"),
        ({"epochs": 10**30}, "more than 2"),
        ({"seed": -1}, "seed must be"),
        ({"seed": 2**64}, "seed must be"),
        ({"dtype": "float16"}, "float32 or float64"),
        ({"threads": 0}, "threads must be"),
        ({"engine": "nativ"}, "did you mean 'native'"),
        ({"last_batch": "skip"}, "choices: keep, drop, wrap"),
        ({"validation": 3}, "validation must be"),
        ({"batches": []}, "no step"),
        ({"batches": [[99999]]}, "outside 0"),
        ({"batches": [[0.5]]}, "row numbers"),
        ({"initial": {"0.weight": np.ones((2, 1))}}, "parameters are named"),
        ({"initial": {"0.weight": np.ones((3, 1)), "0.bias": np.ones(1)}}, r"shape \(3, 1\), expected"),
        ({"sample_weight": -np.ones(100)}, "at least 0"),
        ({"sample_weight": np.zeros(100)}, "0 in every row"),
        ({"sample_weight": np.ones(99)}, "100 numbers"),
        ({"optimizer": SGD([0.1, 0.1])}, "2 rates for 40 steps"),
        ({"optimizer": SGD(0.1, weight_decay={"0.wieght": 1})}, "did you mean '0.weight'"),
        ({"optimizer": 0.1}, "optimizer must be"),
        ({"verbose": 7}, "verbose"),
        ({"batches": 3}, "batches must list"),
        ({"sample_weight": np.full(100, 3e38)}, "finite sum"),
        ({"sample_weight": np.full(100, 1e-300)}, "0 in every row"),
    ],
)  # fmt: skip
def test_bad_options_are_named(option, message):
    X, y = line()
    with pytest.raises((OptionError, DataError), match=message):
        descend.train(LINEAR, X, y, **({"optimizer": SGD(0.1)} | option))


def test_labels_outside_the_classes_are_named():
    X, y = blobs()
    network = Network([Dense(3)], CrossEntropy())
    with pytest.raises(DataError, match="validation label 7 in row 1"):
        descend.train(network, X, y, optimizer=SGD(0.1), validation=(X[:2], np.array([0, 7])))
    with pytest.raises(DataError, match="4 different labels but the network has 3"):
        descend.train(network, X, np.arange(120) % 4 + 10, optimizer=SGD(0.1))


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [([2**70, 2**70 + 1], "object"), ([True, False], "bool"), ([3, 5], "int64"), (["b", "a"], "object")],
)
def test_labels_given_as_python_objects(labels, dtype, tmp_path):
    X, numbers = blobs(40, 2)
    y = np.array(labels, object)[numbers]
    run = descend.train(Network([Dense(2)], CrossEntropy()), X, y, optimizer=SGD(0.1))
    assert run.model.classes.dtype == dtype
    run.model.save(tmp_path / "m.safetensors")
    assert descend.load(tmp_path / "m.safetensors").classes.tolist() == sorted(labels)


@pytest.mark.parametrize(
    "y",
    [np.array([1, "a"] * 20, object), np.array([b"a", b"b"] * 20), np.array(["2020-01-01"] * 40, "M8[D]")],
)
def test_labels_that_cannot_be_are_refused(y):
    X, _ = blobs(40, 2)
    with pytest.raises(DataError, match="y must hold"):
        descend.train(Network([Dense(2)], CrossEntropy()), X, y, optimizer=SGD(0.1))


def test_what_is_no_network_is_refused():
    with pytest.raises(OptionError, match="must be a Network"):
        descend.train("linear", *line(), optimizer=SGD(0.1))


def test_a_training_run_prints_short():
    X, y = line()
    assert len(repr(descend.train(LINEAR, X, y, optimizer=SGD(0.1)))) < 120


def test_a_network_that_cannot_fit_is_refused():
    X, y = line()
    network = Network([Dense(10**9), Dense(10**6), Dense(1)], SquaredError())
    with pytest.raises(OptionError, match="GiB"):
        descend.train(network, X, y, optimizer=SGD(0.1))


def test_weights_are_repetitions():
    X, y = line(20)
    weight = np.arange(20) % 3
    weighted = descend.train(
        LINEAR, X, y, sample_weight=weight, optimizer=SGD(0.1), batch_size=99, dtype="float64", epochs=5
    )
    rows = np.repeat(np.arange(20), weight)
    repeated = descend.train(
        LINEAR, X[rows], y[rows], optimizer=SGD(0.1), batch_size=99, dtype="float64", epochs=5
    )
    assert weighted.model.parameters["0.weight"] == pytest.approx(
        repeated.model.parameters["0.weight"], rel=1e-12
    )


def test_last_batch_policies_count_their_steps():
    X, y = line(50)
    steps = {
        last: len(
            descend.train(LINEAR, X, y, optimizer=SGD(0.1), batch_size=20, epochs=2, last_batch=last)
            .history.step_loss
        )
        for last in ("keep", "drop", "wrap")
    }  # fmt: skip
    assert steps == {"keep": 6, "drop": 4, "wrap": 6}
