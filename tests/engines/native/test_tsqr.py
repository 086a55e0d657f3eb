"""The factorization of tall tables: one result over threads and instruction sets; refused calls."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from descend import streams

_native = pytest.importorskip("descend.engines.native._native", reason="the extension is not built")


def table(rows, columns, targets=1):
    """Numbers that are the same on every machine."""
    units = streams.uniform(9, streams.SPLIT, 0, 0, rows * (columns + targets + 1))
    values = (2 * units - 1).reshape(rows, -1)
    X, y, weight = values[:, :columns], values[:, columns:-1], values[:, -1] + 1
    return np.ascontiguousarray(X), np.ascontiguousarray(y), np.where(weight < 0.3, 0, weight)


def results(cases, x, y, weight, instruction_set="", threads=1, scale=1.0, intercept=True):
    return cases.digest(_native.tall_skinny_qr(instruction_set, x, y, weight, scale, intercept, threads))


# All columns together; a row more than a chunk; panels with many targets, with few, and many panels.
SHAPES = [(1000, 3, 1), (4097, 20, 1), (9000, 33, 40), (13001, 50, 2), (5000, 130, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_one_hash_over_threads_and_instruction_sets(cases, fused_set, shape):
    x, y, weight = table(*shape)
    for given in (None, weight):
        expected = results(cases, x, y, given)
        for threads in (1, 2, 3, 4):
            assert results(cases, x, y, given, fused_set, threads) == expected


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
@pytest.mark.parametrize("instruction_set", ["", "generic"])
def test_layouts_give_the_same_bits(cases, dtype, instruction_set):
    x, y, weight = table(600, 7, 2)
    x = (100 * (x + 1)).astype(dtype)
    expected = results(cases, x, y, weight, instruction_set, scale=1 / 255)
    for same in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1].copy()[::-1]):
        assert results(cases, same, np.asfortranarray(y), weight, instruction_set, scale=1 / 255) == expected


@pytest.mark.parametrize("columns", [1, 4, 21, 45])
@pytest.mark.parametrize("instruction_set", ["generic", ""])
def test_the_factor_is_the_tables(columns, instruction_set):
    x, y, weight = table(5000, columns, 3)
    parts, rest, shift, power = _native.tall_skinny_qr(instruction_set, x, y, weight, 1.0, True, 2)
    rows = (np.hstack([x, y]) - shift) / power
    rows = np.hstack([np.ones((5000, 1)), rows]) * np.sqrt(weight)[:, None]
    q = columns + 1
    R, z = parts[:q].T, parts[q:].T
    assert not np.tril(R, -1).any()
    np.testing.assert_allclose(R.T @ R, rows[:, :q].T @ rows[:, :q], atol=1e-11)
    np.testing.assert_allclose(R.T @ z, rows[:, :q].T @ rows[:, q:], atol=1e-11)
    np.testing.assert_allclose(rest + (z**2).sum(axis=0), (rows[:, q:] ** 2).sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(R[0, 1:], 0, atol=1e-11)  # shifts are means
    assert np.array_equal(np.frexp(power)[0], np.full(columns + 3, 0.5))


X, Y = np.ones((6, 3)), np.ones((6, 1))
NAN = float("nan")


@pytest.mark.parametrize(
    "changes",
    [
        {"x": X[0, 0]}, {"x": np.ones((2, 2, 2))}, {"x": X[:0], "y": Y[:0]}, {"x": X[:, :0]}, {"y": Y[:, :0]},
        {"x": X.astype(np.int64)}, {"x": X.astype(">f8")}, {"x": X.astype(np.float16)}, {"x": None},
        {"x": X.tolist()}, {"y": Y[:5]}, {"y": None}, {"y": np.ones((6, 1), np.int32)},
        {"weight": np.ones(5)}, {"weight": Y}, {"weight": -np.ones(6)}, {"weight": np.full(6, NAN)},
        {"weight": np.zeros(6)}, {"weight": np.ones(6, np.uint8)}, {"weight": np.full(6, np.inf)},
        {"scale": NAN}, {"scale": np.inf}, {"scale": 1e308}, {"threads": 0}, {"threads": -1},
        {"threads": 10**6}, {"instruction_set": "sse9"}, {"x": X * NAN}, {"y": Y * np.inf},
        {"x": np.ones((1, 2**15 + 1)), "y": Y[:1]},
        {"x": np.frombuffer(b"\0" * 145, np.uint8)[1:].view(np.float64).reshape(6, 3)},
    ],
)  # fmt: skip
def test_calls_are_refused(changes):
    arguments = {
        "instruction_set": "", "x": X, "y": Y, "weight": None, "scale": 1.0, "intercept": True, "threads": 1,
    }  # fmt: skip
    with pytest.raises((ValueError, TypeError)):
        _native.tall_skinny_qr(**(arguments | changes))


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_bad_value_is_named(threads):
    x, y, _ = table(30000, 4)
    y[25000] = NAN
    x[20000, 2] = -np.inf
    with pytest.raises(ValueError, match=r"X\[20000, 2\] is -inf"):
        _native.tall_skinny_qr("", x, y, None, 1.0, True, threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_interrupting_ends_quickly(threads):
    row = np.random.default_rng(0).normal(size=(1, 400))
    x, y = np.broadcast_to(row, (2_000_000, 400)), np.broadcast_to(np.ones((1, 1)), (2_000_000, 1))
    sent = []

    def interrupt():
        time.sleep(0.4)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        _native.tall_skinny_qr("", x, y, None, 1.0, True, threads)
    assert time.perf_counter() - sent[0] < 0.5
    thread.join()
