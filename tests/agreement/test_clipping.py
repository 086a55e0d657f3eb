"""Gradients clipped by their norm: every engine against the reference, and against torch's own clipping."""

import numpy as np
import pytest

import descend
from descend.engines.agreement import compare, promised
from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import OptionError
from descend.networks import CrossEntropy, Dense, Dropout, Network, SquaredError
from descend.optimizers import SGD, Adam, AdamW, RMSprop

NETWORK = Network([Dropout(0.1), Dense(40, "tanh"), Dense(9, "gelu"), Dense(3)], CrossEntropy())
OPTIMIZERS = {
    "sgd": SGD(lr=0.1),
    "decayed": SGD(lr=0.1, momentum=0.9, weight_decay=0.1),
    "rmsprop": RMSprop(lr=0.002),
    "adam": Adam(lr=0.01),
    "adamw": AdamW(lr=0.01, weight_decay=0.1),
}


def _inputs(rows=60, columns=37, dtype="float64"):
    rng = np.random.default_rng(0)
    return Inputs(rng.normal(size=(rows, columns)).astype(dtype), rng.integers(0, 3, rows))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("clip", [0.01, 0.7, 1e6])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_engines_follow_the_reference(follower, optimizer, clip, dtype):
    steps = {"float64": 20, "float32": 60}[dtype]
    agreement = compare(
        NETWORK, _inputs(), optimizer, (follower, "reference"), dtype=dtype, steps=steps, batch_size=16,
        seed=4, threads=2 if follower == "native" else 1, clip=clip,
    )  # fmt: skip
    assert agreement.within(promised(dtype, steps)), agreement.report()


def _program(engine_name, optimizer, threads=1, dtype="float64", network=NETWORK):
    inputs = _inputs(dtype=dtype)
    program = get_engine(engine_name).compile(
        network, network.widths(inputs.x.shape[1]), optimizer, dtype, threads, 4
    )
    program.bind(inputs)
    return program


def _plan(steps, clip, network=NETWORK, size=16):
    decay = np.full(len(network.parameter_shapes(1)), 0.01)
    return Plan(0, steps, Order(1, 60, size), np.full(steps, 0.1), decay, clip)


def test_one_step_is_torchs(engine_name):
    """Clipped before the decay is added, over all parameters together."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    program = _program(engine_name, SGD())
    start = program.state()
    plan = _plan(1, 0.05)
    _, gradient = program.gradient(plan.batches.epoch(0)[:16], 0)
    parameters = [torch.tensor(start[name], requires_grad=True) for name in gradient]
    for parameter, g in zip(parameters, gradient.values(), strict=True):
        parameter.grad = torch.tensor(g)
    assert torch.nn.utils.clip_grad_norm_(parameters, 0.05) > 0.06
    torch.optim.SGD(parameters, lr=0.1, weight_decay=0.01).step()
    program.run(plan, np.inf)
    after = program.state()
    for name, parameter in zip(gradient, parameters, strict=True):
        np.testing.assert_allclose(after[name], parameter.detach().numpy(), rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_norm_that_is_never_reached_leaves_the_bits(engine_name, optimizer, dtype):
    states = []
    for clip in (None, 1e9):
        program = _program(engine_name, optimizer, dtype=dtype)
        losses = program.run(_plan(9, clip), np.inf).step_loss
        states.append((program.state(), losses))
    assert states[0][1].tobytes() == states[1][1].tobytes()
    for name, array in states[0][0].items():
        assert array.tobytes() == states[1][0][name].tobytes(), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [16, 1])
def test_clipped_training_has_the_same_bits_on_every_number_of_threads(dtype, size):
    found = set()
    for threads in (1, 2, 3, 4):
        program = _program("native", Adam(), threads, dtype)
        program.run(_plan(12, 0.05, size=size), np.inf)
        found.add(b"".join(array.tobytes() for array in program.state().values()))
    assert len(found) == 1


def test_a_step_is_never_longer_than_the_norm_allows():
    X, y = np.linspace(-1, 1, 50).reshape(-1, 1), np.linspace(-900, 900, 50)
    network = Network([Dense(1, init="zeros")], SquaredError())
    options = {"optimizer": SGD(0.5), "epochs": 1, "batch_size": 50, "dtype": "float64"}
    free, held = (descend.train(network, X, y, clip_norm=norm, **options) for norm in (None, 2.0))
    moved = [
        np.linalg.norm(np.concatenate([p.ravel() for p in run.model.parameters.values()]))
        for run in (free, held)
    ]
    assert moved[0] > 100
    assert moved[1] == pytest.approx(0.5 * 2.0, rel=1e-6)


def test_many_models_clip_as_one_alone():
    inputs = _inputs(dtype="float32")
    options = {"optimizer": Adam(0.01), "clip_norm": 0.05, "epochs": 3}
    many = descend.train_many(NETWORK, inputs.x, inputs.y, variations=[{"seed": 1}, {"seed": 2}], **options)
    for seed, run in zip((1, 2), many, strict=True):
        alone = descend.train(NETWORK, inputs.x, inputs.y, seed=seed, **options)
        for name, array in alone.model.parameters.items():
            assert array.tobytes() == run.model.parameters[name].tobytes()


@pytest.mark.parametrize("norm", [0, -1.0, np.nan, np.inf, "1", True])
def test_a_norm_that_is_no_number_above_0_is_refused(norm):
    inputs = _inputs()
    with pytest.raises(OptionError, match="clip_norm must be"):
        descend.train(NETWORK, inputs.x, inputs.y, optimizer=SGD(), clip_norm=norm)
