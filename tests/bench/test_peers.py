"""Every peer makes the steps that descend makes."""

import sys

import numpy as np
import pytest

import descend
from descend.bench import ours, peers
from descend.bench.losses import expected_loss, training_loss
from descend.errors import OptionError

PACKAGES = {"pytorch": "torch", "book": "torch", "jax": "jax", "scikit-learn": "sklearn"}


def _peer(name):
    pytest.importorskip(PACKAGES[name])
    return peers.find_peers((name,))[0][name]


@pytest.mark.parametrize("name", peers.NAMES)
@pytest.mark.parametrize("hidden", [(), (5,), (7, 5)])
def test_one_full_batch_step_is_the_same_step(name, hidden, images):
    """With all rows in a batch the order does not matter, so weights agree and not only losses."""
    work = images(hidden, 230)
    theirs = _peer(name).trainer(work, 1)(3)
    own = ours.trainer(work, 1)(3)
    assert set(theirs) == set(own)
    for key, value in own.items():
        np.testing.assert_allclose(theirs[key], value, rtol=2e-4, atol=2e-5, err_msg=key)


@pytest.mark.parametrize("name", peers.NAMES)
def test_minibatches_with_a_short_last_one_reach_the_same_loss(name, images, line):
    for work in (images((6,), 32), line):
        expected = expected_loss(work, 1)
        assert expected.agrees(training_loss(work, _peer(name).trainer(work, 1)(work.loss_epochs)))


@pytest.mark.parametrize("name", peers.NAMES)
def test_training_twice_starts_at_the_same_weights(name, images):
    train = _peer(name).trainer(images((6,), 230), 1)
    first, again = train(1), train(1)
    for key, value in first.items():
        np.testing.assert_allclose(again[key], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", peers.NAMES)
def test_one_row_is_answered_as_descend_answers_it(name, images):
    work = images((6,), 32, "predict")
    call = _peer(name).predictor(work, 1)
    if name == "book":
        assert call is None
        return
    numbers = np.asarray(call()).ravel()
    answer = numbers.argmax() if numbers.size > 1 else numbers[0]
    assert answer == ours.predictor(work, 1)()[0]


def test_the_loss_is_the_networks_own_in_float64(images):
    work = images((6,), 32)
    x = work.x / 255.0
    p = {name: value.astype(np.float64) for name, value in work.initial.items()}
    z = np.maximum(x @ p["0.weight"] + p["0.bias"], 0) @ p["1.weight"] + p["1.bias"]
    own = -np.mean(z[np.arange(230), work.y] - np.log(np.exp(z).sum(axis=1)))
    assert training_loss(work, work.initial) == pytest.approx(own, rel=1e-5)


def test_a_wrong_rate_or_an_epoch_too_few_is_noticed(images):
    work = images((6,), 32)
    expected = expected_loss(work, 1)
    assert expected.agrees(training_loss(work, ours.trainer(work, 1, seed=99)(work.loss_epochs)))
    assert not expected.agrees(training_loss(work, ours.trainer(work, 1)(work.loss_epochs - 2)))
    slower = descend.train(
        work.network, work.x, work.y, optimizer=descend.SGD(work.rate / 2), batch_size=32,
        epochs=work.loss_epochs, initial=work.initial, input_scale=1 / 255,
    )  # fmt: skip
    assert not expected.agrees(training_loss(work, slower.model.parameters))
    assert not expected.agrees(float("nan"))


@pytest.mark.parametrize("package", ["jax", "torch"])
def test_a_missing_peer_is_said_to_be_missing(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)  # what an import of it finds
    found, versions = peers.find_peers(())
    gone = {name for name, needs in PACKAGES.items() if needs == package}
    assert gone.isdisjoint(found)
    assert all(versions[name] == "not installed" for name in gone)
    assert "scikit-learn" in found


def test_peers_by_name():
    assert peers.find_peers(("none",)) == ({}, {})
    assert set(peers.find_peers(("scikit-learn",))[1]) == {"scikit-learn"}
    with pytest.raises(OptionError, match=r"unknown peer 'torch'; .*choices: pytorch, book, jax"):
        peers.find_peers(("torch",))
