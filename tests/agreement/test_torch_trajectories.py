"""Twenty and a hundred steps beside a plain loop in torch, written here and sharing nothing with descend."""

import functools

import numpy as np
import pytest

from descend.engines.plan import Explicit, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Huber,
    Network,
    Poisson,
    SquaredError,
)
from descend.networks.activations import ACTIVATIONS
from descend.optimizers import SGD, Adam, AdamW, RMSprop, parameter_decay

torch = pytest.importorskip("torch", reason="torch is not installed")
functional = torch.nn.functional

ROWS, COLUMNS, HIDDEN, OUTPUTS, BATCH = 40, 5, 8, 3, 12
CLASS_WEIGHT, PAIR = (1.1, 2.3, 0.7), (0.3, 2.9)
SMOOTHING = 0.1
OPTIMIZERS = {
    "sgd": (SGD, {"lr": 0.05}),
    "sgd-momentum": (SGD, {"lr": 0.05, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.01}),
    "sgd-nesterov": (SGD, {"lr": 0.02, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "rmsprop": (RMSprop, {"lr": 0.002, "alpha": 0.9, "weight_decay": 0.05}),
    "rmsprop-centered": (RMSprop, {"lr": 0.001, "momentum": 0.7, "centered": True}),
    "adam": (Adam, {"lr": 0.01, "betas": (0.8, 0.99), "weight_decay": 0.05}),
    "adam-amsgrad": (Adam, {"lr": 0.01, "amsgrad": True}),
    "adamw": (AdamW, {"lr": 0.01, "weight_decay": 0.2}),
    "adamw-amsgrad": (AdamW, {"lr": 0.02, "amsgrad": True}),
}
LOSSES = {
    "squared": SquaredError(),
    "absolute": AbsoluteError(),
    "huber": Huber(0.7),
    "poisson": Poisson(),
    "cross": CrossEntropy(),
    "cross-weighted": CrossEntropy(SMOOTHING, CLASS_WEIGHT),
    "binary": BinaryCrossEntropy(),
    "binary-weighted": BinaryCrossEntropy(SMOOTHING, PAIR),
}
# A residual near 0 changes |r|'s derivative from −1 to 1: a hundred steps in float32 come too near.
SMOOTH_LOSSES = [name for name in LOSSES if name != "absolute"]


def _binary(z, y, weighted):
    if not weighted:
        return functional.binary_cross_entropy_with_logits(z, y)
    factor = PAIR[0] + (PAIR[1] - PAIR[0]) * y
    target = (1 - SMOOTHING) * y + SMOOTHING / 2
    terms = functional.binary_cross_entropy_with_logits(z, target, weight=factor, reduction="sum")
    return terms / factor.sum()


TORCH_LOSSES = {
    "squared": lambda z, y: 0.5 * functional.mse_loss(z, y),
    "absolute": functional.l1_loss,
    "huber": lambda z, y: functional.huber_loss(z, y, delta=0.7),
    "poisson": functional.poisson_nll_loss,
    "cross": functional.cross_entropy,
    "cross-weighted": lambda z, y: functional.cross_entropy(
        z, y, weight=torch.tensor(CLASS_WEIGHT, dtype=z.dtype), label_smoothing=SMOOTHING
    ),
    "binary": lambda z, y: _binary(z, y, weighted=False),
    "binary-weighted": lambda z, y: _binary(z, y, weighted=True),
}
TORCH_ACTIVATIONS = {
    "identity": lambda z: z,
    "sigmoid": torch.sigmoid,
    # torch's hardsigmoid multiplies by a float32 1/6 going backward, even in float64
    "hard_sigmoid": lambda z: torch.clamp(z / 6 + 0.5, 0, 1),
    "tanh": torch.tanh,
    "relu": torch.relu,
    "gelu": functional.gelu,
    "gelu_tanh": functools.partial(functional.gelu, approximate="tanh"),
}


@functools.cache
def _data(loss_name, dtype):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(ROWS, COLUMNS)).astype(dtype)
    if loss_name.startswith("cross"):
        y = rng.integers(0, OUTPUTS, ROWS)
    elif loss_name.startswith("binary"):
        y = rng.integers(0, 2, (ROWS, OUTPUTS)).astype(dtype)
    elif loss_name == "poisson":
        y = rng.poisson(1.5, (ROWS, OUTPUTS)).astype(dtype)
    else:
        y = rng.normal(size=(ROWS, OUTPUTS)).astype(dtype)
    start = {
        "0.weight": rng.normal(size=(COLUMNS, HIDDEN)) / 2,
        "0.bias": rng.normal(size=HIDDEN) / 4,
        "1.weight": rng.normal(size=(HIDDEN, OUTPUTS)) / 3,
        "1.bias": rng.normal(size=OUTPUTS) / 4,
    }
    return x, y, {name: w.astype(dtype) for name, w in start.items()}


def _batches(steps):
    rng = np.random.default_rng(4)
    return [rng.permutation(ROWS)[: BATCH - step % 3] for step in range(steps)]


@functools.cache
def _torch_trajectory(activation, loss_name, optimizer_name, dtype, steps):
    x, y, start = _data(loss_name, dtype)
    x, y = torch.tensor(x), torch.tensor(y)
    w0, b0, w1, b1 = parameters = [torch.tensor(w, requires_grad=True) for w in start.values()]
    kind, options = OPTIMIZERS[optimizer_name]
    optimizer = getattr(torch.optim, kind.__name__)(parameters, **options)
    losses = []
    for rows in _batches(steps):
        hidden = TORCH_ACTIVATIONS[activation](x[rows] @ w0 + b0)
        loss = TORCH_LOSSES[loss_name](hidden @ w1 + b1, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), {n: w.detach().numpy() for n, w in zip(start, parameters, strict=True)}


def _trajectory(engine_name, activation, loss_name, optimizer_name, dtype, steps):
    x, y, start = _data(loss_name, dtype)
    network = Network([Dense(HIDDEN, activation), Dense(OUTPUTS)], LOSSES[loss_name])
    kind, options = OPTIMIZERS[optimizer_name]
    optimizer = kind(**options)
    program = get_engine(engine_name).compile(network, network.widths(COLUMNS), optimizer, dtype, 1, 0)
    program.load(start)
    program.bind(Inputs(x, y))
    batches = _batches(steps)
    offsets = np.cumsum([0, *map(len, batches)])
    rate = np.full(steps, optimizer.lr)
    decay = parameter_decay(optimizer.weight_decay, list(start))
    chunk = program.run(Plan(0, steps, Explicit(np.concatenate(batches), offsets), rate, decay), np.inf)
    assert chunk.done == steps
    return chunk.step_loss, program.state()


def _check(case, tolerance):
    _, activation, loss_name, optimizer_name, dtype, steps = case
    losses, weights = _trajectory(*case)
    torch_losses, torch_weights = _torch_trajectory(activation, loss_name, optimizer_name, dtype, steps)
    assert np.linalg.norm(losses - torch_losses) <= tolerance * np.linalg.norm(torch_losses)
    for name, theirs in torch_weights.items():
        assert np.linalg.norm(weights[name] - theirs) <= tolerance * np.linalg.norm(theirs), name


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_twenty_steps_in_float64(engine_name, activation, loss, optimizer):
    _check((engine_name, activation, loss, optimizer, "float64", 20), 1e-10)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_hundred_steps_in_float32(engine_name, activation, optimizer):
    place = list(ACTIVATIONS).index(activation) + list(OPTIMIZERS).index(optimizer)
    loss = SMOOTH_LOSSES[place % len(SMOOTH_LOSSES)]
    _check((engine_name, activation, loss, optimizer, "float32", 100), 1e-4)


@pytest.mark.full
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("loss", SMOOTH_LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_hundred_steps_in_float32_whole(engine_name, activation, loss, optimizer):
    _check((engine_name, activation, loss, optimizer, "float32", 100), 1e-4)
