"""The kernels' own exp, log, log1p, tanh and erf, against mpmath: at most 2 units in the last place."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest
from numpy.typing import NDArray

_native = pytest.importorskip("descend.engines.native._native", reason="the extension is not built")

FUSED = [name for name in (*_native.instruction_sets(), "x86-64-v3-wide") if name != "generic"]
FUSED = [name for name in FUSED if name != "x86-64-v3-wide" or "x86-64-v3" in FUSED]
DTYPES = ["float32", "float64"]


def apply(name: str, x: NDArray[np.floating], instruction_set: str = "") -> NDArray[np.floating]:
    call = _native._apply32 if x.dtype == np.float32 else _native._apply64
    return call(instruction_set, name, np.ascontiguousarray(x))


def points(name: str, dtype: str) -> NDArray[np.floating]:
    rng = np.random.default_rng(20)
    single = dtype == "float32"
    tiny = np.finfo(dtype).smallest_subnormal
    wide = 10.0 ** rng.uniform(-37 if single else -300, 3, 400) * rng.choice([-1.0, 1.0], 400)
    match name:
        case "exp":
            edge = (-103.0, 88.7) if single else (-745.0, 709.7)
            parts = [rng.uniform(*edge, 1500), rng.uniform(-1, 1, 500)]
        case "log":
            magnitudes = 10.0 ** rng.uniform(-44 if single else -320, 38 if single else 308, 1500)
            parts = [magnitudes, rng.uniform(0.4, 2.5, 1500), [1.0, float(tiny)]]
        case "log1p":
            parts = [
                rng.uniform(-0.999, 3, 1500),
                10.0 ** rng.uniform(-30, 30, 500),
                -(10.0 ** rng.uniform(-30, 0, 500)) * 0.9,
            ]
        case "tanh":
            parts = [rng.uniform(-1, 1, 1000), rng.uniform(-23, 23, 1000), wide]
        case _:
            parts = [rng.uniform(-1.2, 1.2, 1000), rng.uniform(-6.5, 6.5, 1000), wide]
    return np.concatenate([np.asarray(part) for part in parts]).astype(dtype)


def units_in_last_place(found: NDArray[np.floating], x: NDArray[np.floating], exact: Callable) -> float:
    worst = 0.0
    with mpmath.workprec(200):
        for value, at in zip(found.tolist(), x.tolist(), strict=True):
            true = exact(mpmath.mpf(at))
            unit = float(np.spacing(np.abs(found.dtype.type(float(true)))))
            worst = max(worst, abs(float((mpmath.mpf(value) - true) / unit)))
    return worst


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "log", "log1p", "tanh", "erf"])
def test_two_units_in_the_last_place(name: str, dtype: str) -> None:
    if not FUSED:
        pytest.skip("this machine has no fused multiply-add, which the bound is for")
    x = points(name, dtype)
    assert units_in_last_place(apply(name, x), x, getattr(mpmath, name)) <= 2.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "log", "log1p", "tanh", "erf"])
def test_every_instruction_set_gives_the_same_bits(name: str, dtype: str) -> None:
    x = points(name, dtype)
    results = {apply(name, x, instruction_set).tobytes() for instruction_set in FUSED}
    assert len(results) <= 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("exp", [-np.inf, np.inf, 0.0, -0.0, 1000.0, -1000.0], [0.0, np.inf, 1.0, 1.0, np.inf, 0.0]),
        ("log", [0.0, -0.0, 1.0, np.inf, -1.0, -np.inf], [-np.inf, -np.inf, 0.0, np.inf, np.nan, np.nan]),
        ("log1p", [-1.0, 0.0, np.inf, -2.0, -np.inf], [-np.inf, 0.0, np.inf, np.nan, np.nan]),
        ("tanh", [-np.inf, np.inf, 0.0, 30.0], [-1.0, 1.0, 0.0, 1.0]),
        ("erf", [-np.inf, np.inf, 0.0, 30.0], [-1.0, 1.0, 0.0, 1.0]),
    ],
)
def test_extreme_arguments(name: str, at: list[float], expected: list[float], dtype: str) -> None:
    np.testing.assert_array_equal(apply(name, np.array(at, dtype)), np.array(expected, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "log", "log1p", "tanh", "erf"])
def test_nan_passes_through(name: str, dtype: str) -> None:
    assert np.isnan(apply(name, np.full(40, np.nan, dtype))).all()


@pytest.mark.parametrize("name", ["log1p", "tanh", "erf"])
def test_smallest_numbers_are_kept(name: str) -> None:
    tiny = np.finfo(np.float64).smallest_subnormal * np.array([1.0, -3.0])
    expected = tiny if name != "erf" else np.round(tiny / tiny[0] * 1.1283791670955126) * tiny[0]
    np.testing.assert_array_equal(apply(name, tiny), expected)
