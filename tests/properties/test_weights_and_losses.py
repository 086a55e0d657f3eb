"""What must hold for any rows: weights are repetition, losses know their invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descend.engines.protocol import Inputs
from descend.engines.reference import engine
from descend.engines.reference.loss import loss_terms
from descend.networks import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Huber,
    Network,
    Poisson,
    Quantile,
    SquaredError,
)
from descend.optimizers import SGD

LOSSES = [
    SquaredError(),
    AbsoluteError(),
    Huber(0.5),
    Quantile(0.3),
    Poisson(),
    CrossEntropy(0.1, (1.0, 2.0, 0.5)),
    BinaryCrossEntropy(0.1, (0.5, 2.0)),
]
quick = settings(max_examples=40, derandomize=True)
SEEDS = st.integers(0, 10_000)


def _rows(loss, rows, rng):
    x = rng.normal(size=(rows, 4))
    if isinstance(loss, CrossEntropy):
        return x, rng.integers(0, 3, rows)
    if isinstance(loss, BinaryCrossEntropy):
        return x, rng.integers(0, 2, (rows, 3)).astype(float)
    if isinstance(loss, Poisson):
        return x, rng.poisson(2.0, (rows, 3)).astype(float)
    return x, rng.normal(size=(rows, 3))


def _gradient(loss, x, y, weight=None):
    network = Network([Dense(5, "tanh"), Dense(3)], loss)
    program = engine().compile(network, (4, 5, 3), SGD(), "float64", 1, 1)
    program.bind(Inputs(x, y, weight))
    return program.gradient(np.arange(len(x)), 0)


def _agree(a, b):
    assert a[0] == pytest.approx(b[0], rel=1e-12)
    for name in a[1]:
        np.testing.assert_allclose(a[1][name], b[1][name], rtol=1e-10, atol=1e-13)


@quick
@given(SEEDS, st.sampled_from(LOSSES), st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_a_whole_weight_is_that_many_rows_and_zero_is_none(seed, loss, counts):
    counts = np.array(counts)
    if counts.sum() == 0:
        counts[0] = 1
    x, y = _rows(loss, len(counts), np.random.default_rng(seed))
    weighted = _gradient(loss, x, y, counts.astype(float))
    _agree(weighted, _gradient(loss, np.repeat(x, counts, axis=0), np.repeat(y, counts, axis=0)))
    _agree(weighted, _gradient(loss, x[counts > 0], y[counts > 0], counts[counts > 0].astype(float)))


@quick
@given(SEEDS, st.sampled_from(LOSSES), st.floats(1e-3, 1e3))
def test_only_the_weights_proportions_matter(seed, loss, factor):
    rng = np.random.default_rng(seed)
    x, y = _rows(loss, 8, rng)
    weight = rng.random(8) + 0.1
    _agree(_gradient(loss, x, y, weight), _gradient(loss, x, y, factor * weight))


@quick
@given(SEEDS, st.sampled_from(LOSSES))
def test_the_order_of_rows_does_not_matter(seed, loss):
    rng = np.random.default_rng(seed)
    x, y = _rows(loss, 9, rng)
    order = rng.permutation(9)
    _agree(_gradient(loss, x, y), _gradient(loss, x[order], y[order]))


@quick
@given(SEEDS, st.floats(-1e3, 1e3), st.floats(0, 1))
def test_cross_entropy_sees_differences_of_logits_only(seed, shift, smoothing):
    rng = np.random.default_rng(seed)
    z, y, weight = 5 * rng.normal(size=(6, 4)), rng.integers(0, 4, 6), rng.random(6)
    loss = CrossEntropy(smoothing, (1, 0.2, 3, 1))
    plain, shifted = (loss_terms(loss, values, y, weight) for values in (z, z + shift))
    assert shifted.mean == pytest.approx(plain.mean, rel=1e-10)
    np.testing.assert_allclose(shifted.derivative, plain.derivative, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(plain.derivative.sum(axis=1), 0, atol=1e-13)


@quick
@given(SEEDS, st.sampled_from(LOSSES))
def test_losses_are_never_negative(seed, loss):
    rng = np.random.default_rng(seed)
    _, y = _rows(loss, 6, rng)
    terms = loss_terms(loss, 20 * rng.normal(size=(6, 3)), y, rng.random(6))
    assert terms.total >= 0


@quick
@given(SEEDS, st.floats(0, 1))
def test_yes_and_no_are_symmetric(seed, smoothing):
    rng = np.random.default_rng(seed)
    z, y, weight = rng.normal(size=(6, 2)), rng.integers(0, 2, (6, 2)).astype(float), rng.random(6)
    one = loss_terms(BinaryCrossEntropy(smoothing, (2.0, 0.5)), z, y, weight)
    other = loss_terms(BinaryCrossEntropy(smoothing, (0.5, 2.0)), -z, 1 - y, weight)
    assert one.mean == pytest.approx(other.mean, rel=1e-12)
    np.testing.assert_allclose(one.derivative, -other.derivative, atol=1e-14)


@quick
@given(SEEDS, st.floats(0.1, 10))
def test_huber_lies_between_the_square_and_the_line(seed, delta):
    rng = np.random.default_rng(seed)
    z, y = 5 * rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
    ones = np.ones(6)
    huber = loss_terms(Huber(delta), z, y, ones).mean
    assert huber <= loss_terms(SquaredError(), z, y, ones).mean + 1e-12
    assert huber <= delta * loss_terms(AbsoluteError(), z, y, ones).mean + 1e-12
