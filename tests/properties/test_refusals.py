"""Any declared value out of its range is refused with one line that names it."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descend.errors import OptionError
from descend.networks import BinaryCrossEntropy, CrossEntropy, Dense, Dropout, Huber
from descend.networks.activations import ACTIVATIONS
from descend.networks.initialisation import SCHEMES
from descend.optimizers import SGD, Adam, AdamW, RMSprop

quick = settings(max_examples=60, derandomize=True)
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


def _below(limit):
    return NUMBERS.filter(lambda v: not (limit <= v < math.inf))


def _outside(low, high, *, closed):
    return NUMBERS.filter(lambda v: not (low <= v < high or (closed and v == high)))


def _refused(make, name):
    with pytest.raises(OptionError, match=name) as caught:
        make()
    assert "\n" not in str(caught.value)


@quick
@given(_below(0), st.sampled_from([SGD, RMSprop, Adam, AdamW]))
def test_rates_and_decay(value, kind):
    _refused(lambda: kind(lr=value), "lr must be a finite number of at least 0")
    _refused(lambda: kind(weight_decay=value), "weight_decay must be a finite number of at least 0")


@quick
@given(_outside(0, 1, closed=False))
def test_fractions(value):
    _refused(lambda: Adam(betas=(value, 0.9)), "beta1 must be")
    _refused(lambda: AdamW(betas=(0.9, value)), "beta2 must be")
    _refused(lambda: RMSprop(alpha=value), "alpha must be")
    _refused(lambda: Dropout(value), "Dropout rate must be at least 0 and below 1")


@quick
@given(_outside(0, 1, closed=True), st.sampled_from([CrossEntropy, BinaryCrossEntropy]))
def test_smoothing(value, kind):
    _refused(lambda: kind(label_smoothing=value), "label_smoothing must be a number from 0 to 1")


@quick
@given(NUMBERS.filter(lambda v: not 0 < v < math.inf))
def test_delta(value):
    _refused(lambda: Huber(value), "Huber delta must be a finite number above 0")


@quick
@given(st.one_of(st.integers(max_value=0), st.floats(), st.text(), st.none(), st.booleans()))
def test_units(value):
    _refused(lambda: Dense(value), "Dense units must be a whole number of at least 1")


@quick
@given(st.text().filter(lambda name: name not in ACTIVATIONS and name != "softmax"))
def test_names_of_activations(name):
    _refused(lambda: Dense(1, name), "choices: " + ", ".join(ACTIVATIONS))


@quick
@given(st.text().filter(lambda name: name not in SCHEMES and not name.startswith("normal(")))
def test_names_of_schemes(name):
    _refused(lambda: Dense(1, init=name), "choices: auto, zeros, normal")
