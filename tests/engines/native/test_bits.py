"""The same bits for every number of threads, instruction set, cut of a plan and batch of predictions."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from descend.errors import EngineUnavailable
from descend.optimizers import SGD

DTYPES = ["float32", "float64"]


def trained(cases, dtype, threads, cuts=(9,), size=128):
    program = cases.program(dtype, threads)
    program.bind(cases.data(dtype))
    first, losses = 0, []
    for steps in cuts:
        chunk = program.run(cases.plan(first, steps, size), 100.0)
        assert chunk.stopped is None
        losses.append(chunk.step_loss)
        first += steps
    return cases.digest([*program.state().values(), np.concatenate(losses)])


@functools.cache
def expected(cases_type, dtype):
    return trained(cases_type(), dtype, 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 2, 3, 4])
@pytest.mark.parametrize("instruction_set", ["x86-64-v3", "x86-64-v3-wide", "x86-64-v4", "neon"])
def test_one_hash_over_threads_and_instruction_sets(cases, monkeypatch, instruction_set, threads, dtype):
    monkeypatch.delenv("DESCEND_ISA", raising=False)
    if cases.program().instruction_set == "generic":
        pytest.skip("this machine has no fused multiply-add")
    reference = expected(type(cases), dtype)
    monkeypatch.setenv("DESCEND_ISA", instruction_set)
    try:
        found = trained(cases, dtype, threads)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    assert found == reference


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_generic_kernels_have_one_hash_over_threads(cases, monkeypatch, threads, dtype):
    monkeypatch.setenv("DESCEND_ISA", "generic")
    assert trained(cases, dtype, threads) == trained(cases, dtype, 1)


@pytest.mark.parametrize("cuts", [(1,) * 9, (4, 5), (2, 1, 6)])
def test_cutting_a_plan_leaves_the_bits(cases, cuts):
    assert trained(cases, "float32", 2, cuts) == trained(cases, "float32", 2)


def test_stopping_for_time_and_going_on_leaves_the_bits(cases):
    program = cases.program()
    program.bind(cases.data())
    done = 0
    while done < 9:
        chunk = program.run(cases.plan(done, 9 - done), 0.0)
        assert chunk.done == 1 or chunk.stopped is None
        done += chunk.done
    whole = cases.program()
    whole.bind(cases.data())
    whole.run(cases.plan(0, 9), 100.0)
    assert cases.digest(program.state().values()) == cases.digest(whole.state().values())


def test_a_saved_state_goes_on_with_the_same_bits(cases):
    first = cases.program()
    first.bind(cases.data())
    first.run(cases.plan(0, 4), 100.0)
    second = cases.program(threads=2)
    second.load(first.state())
    second.bind(cases.data())
    for program in (first, second):
        program.run(cases.plan(4, 5), 100.0)
    assert cases.digest(first.state().values()) == cases.digest(second.state().values())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("instruction_set", ["generic", "x86-64-v3", "x86-64-v3-wide", "x86-64-v4", "neon"])
def test_a_row_is_predicted_alike_in_every_batch(cases, monkeypatch, instruction_set, dtype, probabilities):
    monkeypatch.setenv("DESCEND_ISA", instruction_set)
    try:
        program = cases.program(dtype, threads=4)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    x = cases.data(dtype, rows=2500).x

    def predicted(size):
        parts = [program.output(x[i : i + size], 1.0, probabilities) for i in range(0, len(x), size)]
        return cases.digest([np.concatenate(parts)])

    assert len({predicted(size) for size in (1, 2, 3, 4, 5, 7, 11, 1000, 2500)}) == 1


def test_a_batch_larger_than_the_workspace_equals_the_sum_of_its_rows(cases):
    """Blocks of rows continue the same sums: the gradient is that of the reference, and repeats."""
    data = cases.data("float64", rows=9000)
    rows = np.arange(9000, dtype=np.int64)
    results = {}
    for engine, threads in (("reference", 1), ("native", 1), ("native", 3)):
        program = cases.program("float64", threads, engine=engine)
        program.bind(data)
        results[engine, threads] = program.gradient(rows, 2)
    loss, gradient = results["reference", 1]
    assert results["native", 1][0] == pytest.approx(loss, rel=1e-12)
    for name, expected_part in gradient.items():
        np.testing.assert_allclose(results["native", 1][1][name], expected_part, rtol=1e-9, atol=1e-14)
        np.testing.assert_array_equal(results["native", 1][1][name], results["native", 3][1][name])


def test_a_gradient_is_the_one_the_update_uses(cases):
    program = cases.program("float64", optimizer=SGD())
    program.bind(cases.data("float64"))
    before = program.state()
    plan = cases.plan(0, 1)
    rows = plan.batches.epoch(0)[: plan.batches.size]
    _, gradient = program.gradient(rows, 0)
    program.run(plan, 100.0)
    after = program.state()
    for number, name in enumerate(gradient):
        expected_part = before[name] - 0.01 * (gradient[name] + plan.decay[number] * before[name])
        np.testing.assert_allclose(after[name], expected_part, rtol=1e-14, atol=1e-17)
