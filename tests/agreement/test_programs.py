"""What every engine's program does, whatever it computes with."""

import threading

import numpy as np
import pytest

from descend.engines.agreement import compare, promised
from descend.engines.plan import Explicit, Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import EngineBusy, OptionError
from descend.networks import BinaryCrossEntropy, CrossEntropy, Dense, Dropout, Network, SquaredError
from descend.optimizers import SGD, Adam, RMSprop

NETWORK = Network([Dropout(0.2), Dense(6, "tanh"), Dense(3)], CrossEntropy(class_weight=(1, 2, 0.5)))
ORDER = Order(seed=3, rows=40, size=16)


def _inputs(dtype="float64", weighted=False):
    rng = np.random.default_rng(0)
    weight = rng.random(40).astype(dtype) if weighted else None
    return Inputs(rng.normal(size=(40, 5)).astype(dtype), rng.integers(0, 3, 40), weight)


def _program(engine_name, optimizer=Adam(lr=0.01), dtype="float64", inputs=None, network=NETWORK):  # noqa: B008 - a frozen declaration
    inputs = inputs or _inputs(dtype)
    widths = network.widths(inputs.x.shape[1])
    program = get_engine(engine_name).compile(network, widths, optimizer, dtype, 1, 3)
    program.bind(inputs)
    return program


def _plan(first, steps, network=NETWORK, rate=0.01, batches=ORDER):
    count = len(network.parameter_shapes(1))
    return Plan(first, steps, batches, np.full(steps, rate), np.zeros(count))


def _same(a, b):
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_starts_with_the_seeds_weights(engine_name, dtype):
    state = _program(engine_name, dtype=dtype).state()
    for name, drawn in NETWORK.draw_parameters(5, 3).items():
        assert state[name].dtype == dtype
        np.testing.assert_array_equal(state[name], drawn.astype(dtype))
        assert not state[f"exp_avg.{name}"].any()
    assert state["updates"] == 0


@pytest.mark.parametrize(
    "optimizer",
    [SGD(momentum=0.9, dampening=0.5), RMSprop(centered=True, momentum=0.5), Adam(amsgrad=True)],
    ids=["sgd", "rmsprop", "adam"],
)
def test_a_run_that_is_cut_and_resumed_ends_with_the_same_bits(engine_name, optimizer):
    whole = _program(engine_name, optimizer)
    losses = whole.run(_plan(0, 9), np.inf).step_loss
    half = _program(engine_name, optimizer)
    half.run(_plan(0, 4), np.inf)
    resumed = _program(engine_name, optimizer)
    resumed.load(half.state())
    np.testing.assert_array_equal(resumed.run(_plan(4, 5), np.inf).step_loss, losses[4:])
    _same(resumed.state(), whole.state())


def test_states_are_copies(engine_name):
    program = _program(engine_name)
    program.run(_plan(0, 2), np.inf)
    state = program.state()
    kept = {name: array.copy() for name, array in state.items()}
    program.run(_plan(2, 3), np.inf)
    _same(state, kept)
    program.load(state)
    state["0.weight"][...] = 99.0
    assert program.state()["0.weight"].max() < 99.0


def test_the_run_reports_each_batchs_sums(engine_name):
    inputs = _inputs(weighted=True)
    program = _program(engine_name, inputs=inputs)
    chunk = program.run(_plan(0, 3), np.inf)
    order = ORDER.epoch(0)
    factor = np.array([1, 2, 0.5])[inputs.y]
    for step, rows in enumerate((order[:16], order[16:32], order[32:])):
        assert chunk.step_rows[step] == pytest.approx(inputs.weight[rows].sum(), rel=1e-14)
        assert chunk.step_weight[step] == pytest.approx((inputs.weight * factor)[rows].sum(), rel=1e-14)
        assert 0 <= chunk.step_correct[step] <= chunk.step_rows[step]
    assert chunk.done == 3
    assert chunk.stopped is None
    assert chunk.seconds > 0


def test_the_gradient_is_that_of_the_steps_mask(engine_name):
    program = _program(engine_name, SGD(lr=0.1))
    rows = ORDER.epoch(0)[:16]
    before = program.state()
    loss, gradient = program.gradient(rows, 0)
    other, _ = program.gradient(rows, 1)
    _same(program.state(), before)
    chunk = program.run(_plan(0, 1, rate=0.1), np.inf)
    assert loss == pytest.approx(chunk.step_loss[0], rel=1e-14)
    assert other != loss
    for name, g in gradient.items():
        np.testing.assert_allclose(before[name] - program.state()[name], 0.1 * g, atol=1e-15)


def test_a_batch_that_weighs_nothing_changes_nothing(engine_name):
    inputs = _inputs()
    nothing = Inputs(inputs.x, inputs.y, np.zeros(40))
    program = _program(engine_name, inputs=nothing)
    before = program.state()
    chunk = program.run(_plan(0, 3), np.inf)
    assert chunk.done == 3
    assert chunk.step_loss.tolist() == [0, 0, 0]
    assert chunk.step_weight.tolist() == [0, 0, 0]
    _same(program.state(), before)
    loss, gradient = program.gradient(np.arange(40), 0)
    assert loss == 0
    assert not any(g.any() for g in gradient.values())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_stops_before_its_update(engine_name, bad):
    inputs = _inputs()
    x = inputs.x.copy()
    x[ORDER.epoch(0)[20]] = bad  # in the second batch
    network = Network([Dense(6, "relu"), Dense(3)], CrossEntropy())
    program = _program(engine_name, inputs=Inputs(x, inputs.y), network=network)
    chunk = program.run(_plan(0, 3, network), np.inf)
    assert chunk.stopped == "nonfinite"
    assert chunk.done == 1
    sound = _program(engine_name, inputs=inputs, network=network)
    sound.run(_plan(0, 1, network), np.inf)
    _same(program.state(), sound.state())


@pytest.mark.parametrize("units", [3, 40])
@pytest.mark.parametrize("optimizer", [SGD(), SGD(momentum=0.9), RMSprop(eps=0.0), Adam(eps=0.0)])
def test_a_program_that_overflowed_is_as_new_once_loaded(engine_name, optimizer, units):
    network = Network([Dense(units, "relu"), Dense(3)], SquaredError())
    inputs = Inputs(_inputs().x, np.eye(3)[_inputs().y])
    whole = _program(engine_name, optimizer, inputs=inputs, network=network)
    start = whole.state()
    spoilt = _program(engine_name, optimizer, inputs=inputs, network=network)
    spoilt.load({name: 1e60 * array for name, array in start.items() if name[0].isdigit()})
    spoilt.run(_plan(0, 6, network, 1e308), np.inf)
    assert not all(np.isfinite(array).all() for array in spoilt.state().values())
    spoilt.load(start)
    chunks = [program.run(_plan(0, 6, network, 1e-3), np.inf) for program in (spoilt, whole)]
    np.testing.assert_array_equal(chunks[0].step_loss, chunks[1].step_loss)
    assert chunks[0].done == 6
    _same(spoilt.state(), whole.state())


def test_it_stops_when_its_time_is_up_and_can_go_on(engine_name):
    program = _program(engine_name)
    chunk = program.run(_plan(0, 100_000), 0.05)
    assert chunk.stopped == "time"
    assert 1 <= chunk.done < 100_000
    assert chunk.seconds < 5
    assert program.run(_plan(chunk.done, 1), 0.0).done == 1
    whole = _program(engine_name)
    whole.run(_plan(0, chunk.done + 1), np.inf)
    _same(program.state(), whole.state())


def test_a_second_caller_is_refused_at_once(engine_name):
    program = _program(engine_name)
    runner = threading.Thread(target=program.run, args=(_plan(0, 10_000_000), 1.0))
    runner.start()
    refused = False
    while runner.is_alive() and not refused:
        try:
            program.state()
        except EngineBusy:
            refused = True
    runner.join()
    assert refused
    program.state()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_outputs_and_probabilities(engine_name, dtype):
    program = _program(engine_name, dtype=dtype)
    x = _inputs(dtype).x
    state = program.state()
    z = np.tanh(x @ state["0.weight"] + state["0.bias"]) @ state["1.weight"] + state["1.bias"]
    output = program.output(x)
    assert output.dtype == dtype
    np.testing.assert_allclose(output, z, rtol=0, atol=50 * np.finfo(dtype).eps)
    shares = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(
        program.output(x, inverse_link=True), shares, rtol=0, atol=50 * np.finfo(dtype).eps
    )
    assert program.output(x[:0]).shape == (0, 3)


def test_probabilities_of_yes_no_columns(engine_name):
    network = Network([Dense(2)], BinaryCrossEntropy())
    inputs = Inputs(_inputs().x, np.zeros((40, 2)))
    program = _program(engine_name, inputs=inputs, network=network)
    z = program.output(inputs.x)
    np.testing.assert_allclose(program.output(inputs.x, inverse_link=True), 1 / (1 + np.exp(-z)), rtol=1e-14)


def test_evaluation_counts_without_dropout(engine_name):
    inputs = _inputs(weighted=True)
    program = _program(engine_name, inputs=inputs)
    sums = program.evaluate(inputs)
    shares = program.output(inputs.x, inverse_link=True)
    weight = inputs.weight * np.array([1, 2, 0.5])[inputs.y]
    assert sums.weight == pytest.approx(weight.sum(), rel=1e-14)
    assert sums.loss == pytest.approx(-(weight * np.log(shares[np.arange(40), inputs.y])).sum(), rel=1e-13)
    assert sums.rows == pytest.approx(inputs.weight.sum(), rel=1e-14)
    right = shares.argmax(axis=1) == inputs.y
    assert sums.correct == pytest.approx(inputs.weight[right].sum(), rel=1e-14)


def test_eight_bit_rows_are_scaled_on_the_way_in(engine_name):
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (40, 5), dtype=np.uint8)
    labels = rng.integers(0, 3, 40)
    program = _program(engine_name, inputs=Inputs(pixels, labels, None, 1 / 255))
    wide = _program(engine_name, inputs=Inputs(pixels * (1 / 255), labels))
    np.testing.assert_allclose(program.output(pixels, 1 / 255), wide.output(pixels * (1 / 255)), rtol=1e-13)
    program.run(_plan(0, 5), np.inf)
    wide.run(_plan(0, 5), np.inf)
    np.testing.assert_allclose(program.state()["0.weight"], wide.state()["0.weight"], rtol=1e-11)


def test_explicit_batches_may_repeat_rows(engine_name):
    network = Network([Dense(1)], SquaredError())
    x, y = np.array([[1.0], [2.0]]), np.array([[1.0], [0.0]])
    program = _program(engine_name, SGD(lr=0.1), inputs=Inputs(x, y), network=network)
    program.load({"0.weight": np.array([[1.0]]), "0.bias": np.zeros(1)})
    batches = Explicit(np.array([1, 1, 0]), np.array([0, 3]))
    chunk = program.run(_plan(0, 1, network, 0.1, batches), np.inf)
    assert chunk.step_loss.tolist() == pytest.approx([4 / 3])
    assert program.state()["0.weight"][0, 0] == pytest.approx(1 - 0.1 * 8 / 3)
    assert program.state()["0.bias"][0] == pytest.approx(-0.1 * 4 / 3)


def test_decay_and_rate_may_differ_by_parameter_and_step(engine_name):
    network = Network([Dense(1)], SquaredError())
    inputs = Inputs(np.zeros((4, 1)), np.zeros((4, 1)))  # no gradient for the weight: decay alone moves it
    program = _program(engine_name, SGD(lr=0.1), inputs=inputs, network=network)
    program.load({"0.weight": np.array([[1.0]]), "0.bias": np.zeros(1)})
    plan = Plan(0, 2, Order(0, 4, 4), np.array([0.1, 0.5]), np.array([[1.0, 0.0], [0.2, 0.0]]))
    program.run(plan, np.inf)
    assert program.state()["0.weight"][0, 0] == pytest.approx((1 - 0.1) * (1 - 0.1))


def test_what_does_not_fit_is_not_loaded(engine_name):
    program = _program(engine_name)
    before = program.state()
    with pytest.raises(OptionError, match=r"shape \(2, 2\), expected \(5, 6\)"):
        program.load(before | {"0.weight": np.ones((2, 2))})
    _same(program.state(), before)


def test_read_only_and_strided_rows_are_read(engine_name):
    inputs = _inputs()
    backing = np.asfortranarray(inputs.x)
    backing.flags.writeable = False
    program = _program(engine_name)
    np.testing.assert_allclose(program.output(backing), program.output(inputs.x), rtol=1e-13)
    np.testing.assert_allclose(program.output(backing[::-1]), program.output(inputs.x)[::-1], rtol=1e-13)


def test_the_helper_sees_a_difference(follower, monkeypatch):
    """A derivative that is one part in 10⁹ off is a disagreement; the report names it."""
    from descend.engines.reference import backward

    sound = backward.activation_derivative
    monkeypatch.setattr(backward, "activation_derivative", lambda *given: sound(*given) * (1 + 1e-9))
    agreement = compare(NETWORK, _inputs(), SGD(lr=0.1), (follower, "reference"), batch_size=16)
    assert not agreement.within(promised("float64", 20))
    excess, what = agreement.excess(promised("float64", 20))
    assert excess > 1
    assert "weight" in what or "bias" in what
    assert f"{follower} against reference, float64, 20 steps" in agreement.report()
