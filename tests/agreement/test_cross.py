"""Activations × losses × optimizers × dtypes × kinds of data: every engine follows the reference."""

import itertools
import random

import numpy as np
import pytest

from descend.engines.agreement import compare, promised
from descend.engines.protocol import Inputs
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Huber,
    Network,
    Poisson,
    Quantile,
    SquaredError,
)
from descend.networks.activations import ACTIVATIONS
from descend.optimizers import SGD, Adam, AdamW, RMSprop
from descend.optimizers.schedules import Cosine

LOSSES = {
    "squared": SquaredError(),
    "absolute": AbsoluteError(),
    "huber": Huber(0.7),
    "quantile": Quantile(0.8),
    "poisson": Poisson(),
    "cross": CrossEntropy(),
    "cross-weighted": CrossEntropy(label_smoothing=0.1, class_weight=(1.1, 2.3, 0.7)),
    "binary": BinaryCrossEntropy(),
    "binary-weighted": BinaryCrossEntropy(label_smoothing=0.1, class_weight=(0.3, 2.1)),
}
OPTIMIZERS = {
    "sgd": SGD(lr=0.05),
    "sgd-momentum": SGD(lr=Cosine(0.05), momentum=0.9, dampening=0.3, weight_decay=0.02),
    "sgd-nesterov": SGD(lr=0.02, momentum=0.8, nesterov=True, weight_decay={"0.weight": 0.1}),
    "rmsprop": RMSprop(lr=0.002, weight_decay=0.01),
    "rmsprop-centered": RMSprop(lr=0.001, alpha=0.9, momentum=0.5, centered=True),
    "adam": Adam(lr=0.01, weight_decay=0.05),
    "adam-amsgrad": Adam(lr=0.01, betas=(0.8, 0.95), amsgrad=True),
    "adam-eps-hat": Adam(lr=0.01, betas=(0.9, 0.99), eps=1e-3, eps_hat=True),
    "adamw": AdamW(lr=0.01, weight_decay=0.1),
}
DTYPES = ("float64", "float32")
HIDDEN = (9, 5)
PLAIN = {"rows": 50, "columns": 6, "outputs": 3, "batch_size": 16}
DATA = {
    "plain": {},
    "dropout": {"dropout": 0.3},
    "weights": {"weighted": True},
    "drop": {"last_batch": "drop"},
    "wrap": {"last_batch": "wrap", "dropout": 0.5},
    "replacement": {"replacement": True, "weighted": True},
    "one-class-a-batch": {"rows": 48, "grouped": True, "shuffle": False},
    "one-row": {"rows": 1, "batch_size": 1},
    "one-column": {"columns": 1, "outputs": 1},
    "uint8": {"uint8": True, "columns": 33, "last_batch": "wrap"},
    "no-hidden-layer": {"hidden": (), "columns": 40},
    "wide": {"hidden": (70,), "columns": 37, "outputs": 3, "batch_size": 7, "dropout": 0.2},
}


def _targets(loss, rows, outputs, grouped, rng):
    if isinstance(loss, CrossEntropy):
        labels = rng.integers(0, outputs, rows)
        return np.sort(labels) if grouped else labels
    if isinstance(loss, BinaryCrossEntropy):
        labels = rng.integers(0, 2, (rows, outputs))
        return np.sort(labels, axis=0) if grouped else labels
    if isinstance(loss, Poisson):
        return rng.poisson(1.5, (rows, outputs))
    return rng.normal(size=(rows, outputs))


def _compare(follower, activation, loss_name, optimizer_name, dtype, data_name, steps, rejoin):
    data = PLAIN | DATA[data_name]
    loss = LOSSES[loss_name]
    outputs = 3 if isinstance(loss, CrossEntropy) else data["outputs"]
    rng = np.random.default_rng(5)
    shape = (data["rows"], data["columns"])
    x = rng.integers(0, 256, shape, dtype=np.uint8) if data.get("uint8") else rng.normal(size=shape)
    weight = rng.integers(0, 3, data["rows"]) * rng.random(data["rows"]) if data.get("weighted") else None
    y = _targets(loss, data["rows"], outputs, data.get("grouped"), rng)
    layers = []
    for units in data.get("hidden", HIDDEN):
        layers += [Dropout(data["dropout"])] if "dropout" in data else []
        layers += [Dense(units, activation)]
    bounded = "tanh" if isinstance(loss, Poisson) else "identity"  # these rates are too large for exp(z)
    return compare(
        Network([*layers, Dense(outputs, bounded)], loss),
        Inputs(x, y, weight, 1 / 255 if data.get("uint8") else 1.0),
        OPTIMIZERS[optimizer_name],
        (follower, "reference"),
        dtype=dtype,
        steps=steps,
        batch_size=data["batch_size"],
        last_batch=data.get("last_batch", "keep"),
        shuffle=data.get("shuffle", True),
        replacement=data.get("replacement", False),
        seed=11,
        threads=2 if follower == "native" else 1,
        rejoin=rejoin,
    )


def _stays_clear(loss_name, dtype, data_name):
    """Whether a trajectory stays clear of kinks at r = 0 and of gradients that are mathematically 0.

    Slopes that AbsoluteError and Quantile sum may cancel; one row is soon fitted to float32's last digit.
    """
    return loss_name not in ("absolute", "quantile") and (dtype == "float64" or data_name != "one-row")


def _disagreement(follower, activation, loss_name, optimizer_name, dtype, data_name, steps):
    """The report of the trajectory's disagreement, or None."""
    rejoin = not _stays_clear(loss_name, dtype, data_name)
    agreement = _compare(follower, activation, loss_name, optimizer_name, dtype, data_name, steps, rejoin)
    excess, what = agreement.excess(promised(dtype, 1 if rejoin else steps))
    if excess <= 1.0:
        return None
    case = f"{activation}, {loss_name}, {optimizer_name}, {data_name}"
    return f"{case}: {what} {excess:.3g} times what is allowed\n{agreement.report()}"


def _sample():
    """Every activation × loss once and every kind of data often, with all else drawn by a fixed seed."""
    drawn = random.Random(2)
    pairs = itertools.product(ACTIVATIONS, LOSSES)
    return [
        (activation, loss, drawn.choice(list(OPTIMIZERS)), dtype, list(DATA)[(place + shift) % len(DATA)])
        for place, (activation, loss) in enumerate(pairs)
        for shift, dtype in ((0, "float64"), (5, "float32"))
    ]


@pytest.mark.parametrize(("activation", "loss", "optimizer", "dtype", "data"), _sample())
def test_sample(follower, activation, loss, optimizer, dtype, data):
    steps = {"float64": 20, "float32": 100}[dtype]
    disagreement = _disagreement(follower, activation, loss, optimizer, dtype, data, steps)
    assert disagreement is None, disagreement


@pytest.mark.parametrize(("activation", "loss", "optimizer", "dtype", "data"), _sample())
def test_single_steps(follower, activation, loss, optimizer, dtype, data):
    agreement = _compare(follower, activation, loss, optimizer, dtype, data, steps=6, rejoin=True)
    assert agreement.within(promised(dtype, 1)), agreement.report()


@pytest.mark.full
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_whole(follower, activation, loss, dtype):
    found = [
        _disagreement(follower, activation, loss, optimizer, dtype, data, steps=20)
        for optimizer, data in itertools.product(OPTIMIZERS, DATA)
    ]
    parted = [report for report in found if report]
    assert not parted, "\n".join(parted)
