"""The two-loop recursion against the BFGS formula written out."""

import numpy as np

from descend.solvers.memory import Memory


def test_the_direction_is_that_of_the_written_out_inverse():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 6))
    hessian = A @ A.T + np.eye(6)
    steps = rng.normal(size=(5, 6))
    memory = Memory(3)
    for step in steps:
        memory.add(step, hessian @ step)
    _, last = steps[-1], hessian @ steps[-1]
    H = np.eye(6) * (steps[-1] @ last) / (last @ last)
    for s in steps[-3:]:
        y = hessian @ s
        left = np.eye(6) - np.outer(s, y) / (s @ y)
        H = left @ H @ left.T + np.outer(s, s) / (s @ y)
    gradient = rng.normal(size=6)
    assert len(memory) == 3
    np.testing.assert_allclose(memory.direction(gradient), -H @ gradient, rtol=1e-10)


def test_without_pairs_the_direction_is_downhill():
    np.testing.assert_array_equal(Memory(3).direction(np.array([1.0, -2.0])), [-1.0, 2.0])


def test_pairs_without_curvature_are_left_out_and_forgotten_ones_are_gone():
    memory = Memory(3)
    memory.add(np.array([1.0, 0.0]), np.array([-1.0, 0.0]))
    memory.add(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    assert len(memory) == 0
    memory.add(np.ones(2), np.ones(2))
    memory.clear()
    assert len(memory) == 0
