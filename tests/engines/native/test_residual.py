"""What a solution leaves of the normal equations: exact sums, the same over threads and instruction sets."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

_native = pytest.importorskip("descend.engines.native._native", reason="the extension is not built")


def problem(rows, columns, targets, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(rows, columns)), rng.normal(size=(rows, targets))
    weight = np.where(rng.random(rows) < 0.1, 0.0, rng.uniform(0.1, 1, rows))
    c = rng.normal(size=(targets, columns + 1))
    return x, y, weight, np.stack([c, c * 1e-17], axis=-1)


def residual(x, y, weight, c, instruction_set="", threads=1, intercept=True, powers=None, scale=1.0):
    powers = np.ones(x.shape[1] + y.shape[1]) if powers is None else powers
    return _native.normal_residual(
        instruction_set, x, y, weight, scale, intercept, 1.0, powers, c[:, 1 - intercept :].copy(), threads
    )


@pytest.mark.parametrize("instruction_set", ["", "generic"])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_sums_are_those_of_fractions(instruction_set, intercept, weighted):
    x, y, weight, c = problem(300, 3, 2)
    gradient, squares = residual(x, y, weight if weighted else None, c, instruction_set, 2, intercept)
    exact = [[Fraction(float(v)) for v in ([1.0] if intercept else []) + list(row)] for row in x]
    used = [[Fraction(float(h)) + Fraction(float(t)) for h, t in target] for target in c[:, 1 - intercept :]]
    for target, coefficients in enumerate(used):
        rest = [
            Fraction(float(b)) - sum(a * g for a, g in zip(row, coefficients, strict=True))
            for row, b in zip(exact, y[:, target], strict=True)
        ]
        w = [Fraction(float(v)) for v in weight] if weighted else [Fraction(1)] * len(rest)
        sizes = [abs(v * r) for v, r in zip(w, rest, strict=True)]
        for column in range(len(coefficients)):
            right = sum(v * row[column] * r for v, row, r in zip(w, exact, rest, strict=True))
            scale = sum(abs(row[column]) * size for row, size in zip(exact, sizes, strict=True))
            found = sum(Fraction(float(part)) for part in gradient[target, column])
            assert abs(found - right) < scale * Fraction(2) ** -98
        assert squares[target] == pytest.approx(
            float(sum(v * r * r for v, r in zip(w, rest, strict=True))), rel=1e-15
        )


@pytest.mark.parametrize("shape", [(40, 1, 1), (4097, 20, 1), (9000, 33, 3)])
def test_one_hash_over_threads_and_instruction_sets(cases, fused_set, shape):
    x, y, weight, c = problem(*shape)
    for given in (None, weight):
        expected = cases.digest(residual(x, y, given, c))
        for threads in (1, 2, 3, 4):
            assert cases.digest(residual(x, y, given, c, fused_set, threads)) == expected


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8])
def test_layouts_give_the_same_bits(cases, dtype):
    x, y, weight, c = problem(600, 7, 2)
    x = (30 * (x + 4)).clip(0, 255).astype(dtype)
    powers = np.ldexp(1.0, -np.arange(9))
    expected = cases.digest(residual(x, y, weight, c, powers=powers, scale=1 / 255))
    for same in (np.asfortranarray(x), np.repeat(x, 2, axis=0)[::2], x[::-1].copy()[::-1]):
        found = residual(same, np.asfortranarray(y), weight, c, powers=powers, scale=1 / 255)
        assert cases.digest(found) == expected


def test_targets_without_memory_of_their_own():
    x, _, _, c = problem(500, 3, 2)
    found = residual(x, np.broadcast_to(np.zeros(1), (500, 2)), None, c)
    right = residual(x, np.zeros((500, 2)), None, c)
    np.testing.assert_array_equal(found[0], right[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"powers": np.full(4, 3.0)}, "powers of two"), ({"powers": np.ones(3)}, "powers"),
        ({"c": np.ones((1, 4, 1))}, "coefficients"), ({"threads": 0}, "threads"),
        ({"weight": np.zeros(9)}, "every weight is zero"), ({"y": np.ones((8, 1))}, "9 rows"),
    ],
)  # fmt: skip
def test_bad_calls_are_refused(changes, message):
    given = {"x": np.ones((9, 3)), "y": np.ones((9, 1)), "weight": None, "c": np.ones((1, 4, 2))} | changes
    with pytest.raises(ValueError, match=message):
        residual(**given)
