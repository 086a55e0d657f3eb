"""Losses that grow beyond all measure though they are finite, and the weights that are kept."""

import numpy as np
import pytest

from descend import (
    SGD,
    Adam,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    MLPClassifier,
    MLPRegressor,
    Network,
    Poisson,
    SquaredError,
    fit,
    train,
    train_many,
)
from descend.engines.protocol import Chunk, Inputs
from descend.errors import Diverged
from descend.training.divergence import LossLimit, last_finite

LINEAR = Network([Dense(1)], SquaredError())


def _table(rows=40):
    X = np.random.default_rng(0).normal(size=(rows, 3))
    return X, X @ [1.0, -2.0, 0.5] + 1


def _limit(y=(1.0, 2.0), network=LINEAR, weight=None, first=None):
    y = np.array(y, float).reshape(-1, 1)
    return LossLimit(network, Inputs(np.ones((len(y), 1)), y, weight), first)


def _found(limit, losses, weights=None):
    losses = np.array(losses, float)
    return limit.first_beyond(losses, np.ones(len(losses)) if weights is None else np.array(weights, float))


@pytest.mark.parametrize("engine", ["native", "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_finite_loss_that_grows_too_much_is_a_divergence(engine, dtype):
    X, y = _table()
    message = r"grew from [\d.]+ to \d.\d+e\+\d+ at step 2 \(epoch 2, learning rate 10000\): "
    with pytest.raises(Diverged, match=message + "try a learning rate of 1000 or lower") as caught:
        train(
            LINEAR, X, y, optimizer=SGD(1e4), batch_size=20, epochs=2, engine=engine, dtype=dtype,
            initial={"0.weight": np.zeros((3, 1)), "0.bias": np.zeros(1)},
        )  # fmt: skip
    assert caught.value.step == 2
    kept = caught.value.parameters
    assert 0 < np.mean((X @ kept["0.weight"] + kept["0.bias"] - y[:, None]) ** 2) < 1e13


def test_models_trained_together_diverge_as_alone():
    X, y = _table()
    lost, kept = train_many(
        LINEAR,
        X,
        y,
        variations=[{"lr": 1e4}, {"lr": 0.1}],
        optimizer=SGD(1.0),
        batch_size=20,
        epochs=2,
        seed=4,
    )
    assert kept.diverged is None
    with pytest.raises(Diverged) as alone:
        train(LINEAR, X, y, optimizer=SGD(1e4), batch_size=20, epochs=2, seed=4)
    assert str(lost.diverged) == str(alone.value)
    for name, value in alone.value.parameters.items():
        assert lost.diverged.parameters[name].tobytes() == value.tobytes()
    assert len(lost.history.step_loss) == lost.diverged.step


def test_fit_says_so_too(tmp_path):
    with pytest.raises(Diverged, match="the loss grew from"):
        fit("houses", optimizer="sgd", lr=1e4, epochs=1, out=tmp_path / "run")
    assert (tmp_path / "run" / "last-good.safetensors").exists()


@pytest.mark.parametrize("estimator", [MLPClassifier, MLPRegressor])
def test_perceptrons_say_so_too(estimator):
    X, y = _table()
    y = np.round(y) if estimator is MLPRegressor else y > 1
    options = {"solver": "sgd", "momentum": 0.0, "activation": "identity", "learning_rate_init": 1e7}
    with pytest.raises(Diverged, match="the loss grew from"):
        estimator(
            hidden_layer_sizes=(8,), **options, batch_size=20, max_iter=3, dtype="float64", alpha=0
        ).fit(X, y)


def test_a_perceptron_of_several_outputs_is_told_its_own_rate():
    X, y = _table()
    model = MLPRegressor(
        hidden_layer_sizes=(8,), solver="sgd", momentum=0.0, activation="identity", learning_rate_init=1e7,
        batch_size=20, max_iter=3, dtype="float64", alpha=0,
    )  # fmt: skip
    with pytest.raises(Diverged, match=r"learning rate 1e\+07\): try a learning rate of 1e\+06"):
        model.fit(X, np.c_[y, y, -y])


def test_a_perceptron_fed_in_parts_is_held_against_its_first_part():
    X, y = _table()
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", momentum=0.0, learning_rate_init=1e4, dtype="float64", alpha=0
    )

    def all_parts():
        for _ in range(5):
            model.partial_fit(X, y)

    with pytest.raises(Diverged, match="the loss grew from"):
        all_parts()


def test_the_first_bad_step_is_told_however_a_run_is_cut(monkeypatch):
    """In pieces of a step each, and in one that ends with a loss that is not finite."""
    X, y = _table()
    said = set()
    for seconds in (0.0, 10.0):
        monkeypatch.setattr("descend.training.loop.CHUNK_SECONDS", seconds)
        with pytest.raises(Diverged) as caught:
            train(LINEAR, X, y, optimizer=SGD(1e4), batch_size=5, epochs=20)
        said.add((str(caught.value), caught.value.step))
    assert len(said) == 1


@pytest.mark.parametrize(
    ("losses", "place"),
    [
        ([2.0, 1e13], 1),
        ([2.0, 1e12], None),
        ([2.0, 3.0, 1e20, 1e30], 2),
        ([1e-30, 1e5], None),
        ([0.0, 9.0], None),
    ],
)
def test_losses_are_held_against_the_first_and_against_zeros_loss(losses, place):
    assert _found(_limit(), losses) == place


def test_the_first_step_with_a_weight_is_the_first():
    assert _found(_limit(), [0.0, 50.0, 2e13, 9e13], [0, 1, 1, 1]) == 3
    limit = _limit()
    assert _found(limit, [0.0], [0]) is None
    assert limit.first is None
    assert _found(limit, []) is None


def test_where_a_run_goes_on_its_first_loss_counts():
    limit = _limit(first=7.0)
    assert _found(limit, [6e12]) is None
    assert _found(limit, [8e12]) == 0


def test_targets_of_zero_and_weights_of_zero_measure_nothing():
    assert _found(_limit(y=(0.0, 0.0)), [0.0, 1e30]) is None
    assert _found(_limit(weight=np.zeros(2)), [0.0, 1e30]) is None
    assert _found(_limit(y=(1e200, 1e200)), [0.0, 1e30]) is None


def test_losses_below_zero_are_no_measure():
    poisson = Network([Dense(1)], Poisson())
    assert _found(_limit(network=poisson), [-5.0, -7.0, 9.0]) is None
    assert _found(_limit(network=poisson), [-5.0, 2e12]) == 1


def test_a_start_at_the_optimum_is_left_in_peace():
    """Adam's first steps are as long as its rate: from a loss of 1e-30 to one of 1e-6 and back."""
    X, y = _table()
    start = {"0.weight": np.array([[1.0], [-2.0], [0.5]]), "0.bias": np.ones(1)}
    run = train(LINEAR, X, y, optimizer=Adam(0.01), initial=start, dtype="float64", epochs=30)
    assert run.history.step_loss.max() > 1e12 * run.history.step_loss[0]
    assert run.history.loss[-1] < 1e-3


@pytest.mark.parametrize("spread", [1e7, 1e-7])
def test_targets_of_very_different_sizes_are_left_in_peace(spread):
    """Batches of one row whose losses differ by fourteen powers of ten."""
    X = np.eye(4)
    y = np.array([1.0, spread, 1.0, spread])
    start = {"0.weight": np.zeros((4, 1)), "0.bias": np.zeros(1)}
    run = train(
        LINEAR,
        X,
        y,
        optimizer=SGD(0.5),
        initial=start,
        batch_size=1,
        shuffle=False,
        epochs=40,
        dtype="float64",
    )
    assert run.history.loss[-1] < 1e-3 * run.history.loss[0]


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy()])
def test_classes_that_were_surely_right_may_be_wrong_once(loss):
    """A first row that fits perfectly has a loss of 1e-40; the next one's is of ordinary size."""
    binary = isinstance(loss, BinaryCrossEntropy)
    X = np.array([[90.0], [-0.1]])
    start = {
        "0.weight": np.array([[1.0]] if binary else [[-1.0, 1.0]]),
        "0.bias": np.zeros(1 if binary else 2),
    }
    run = train(
        Network([Dense(1 if binary else 2)], loss), X, np.array([1, 1]), optimizer=SGD(0.1), initial=start,
        batch_size=1, shuffle=False, epochs=2, dtype="float64",
    )  # fmt: skip
    assert run.history.step_loss[1] > 0.5


class _Stuck:
    """A program whose next step's loss is never finite."""

    def __init__(self, bad_after):
        self.bad_after, self.loads = bad_after, 0

    def load(self, state):
        self.made, self.loads = int(state["made"]), self.loads + 1

    def run(self, plan, seconds):
        done = max(0, min(plan[1], self.bad_after) - self.made)
        self.made += done
        nothing = np.empty(done)
        return Chunk(done, nothing, nothing, nothing, nothing, 0.0, "nonfinite")

    def state(self):
        return {"w": np.array([np.nan if self.made == self.bad_after else float(self.made)])}


@pytest.mark.parametrize(("bad_after", "kept"), [(9, 8.0), (3, 0.0), (2, 2.0)])
def test_a_run_that_makes_no_step_is_not_waited_for(bad_after, kept):
    program, safe = _Stuck(bad_after), {"made": np.array(2), "w": np.array([0.0 if bad_after > 2 else 2.0])}
    found = last_finite(program, lambda first, end: (first, end), 2, safe, 12, ("w",))
    assert found["w"].tolist() == [kept]
    assert program.loads <= 2
