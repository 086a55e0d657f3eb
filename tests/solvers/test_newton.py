"""Newton's methods for cross-entropy: derivatives by differences, optima, the dual bound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize

from descend.solvers.cross_entropy import CrossEntropyObjective
from descend.solvers.design import Design
from descend.solvers.newton import newton
from descend.solvers.newton_systems import solve_symmetric
from descend.solvers.optimality import judged
from descend.solvers.proximal_newton import proximal_newton
from descend.solvers.row_curvature import RowCurvature
from descend.solvers.sparse_quadratic import SparseQuadratic


def problem(classes=3, rows=40, inputs=4, seed=0, l2=0.01, l1=0.0, intercept=True, kind=np.asarray):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, inputs)) * 10.0 ** rng.integers(-2, 3, inputs) + rng.normal(size=inputs)
    y = rng.integers(0, classes, rows)
    y[:classes] = np.arange(classes)
    return CrossEntropyObjective(
        Design(kind(x), intercept), y, classes, rng.uniform(0, 2, rows), l2, l1
    )  # fmt: skip


def start(objective):
    return objective.at(np.zeros((objective.design.width, objective.outputs)))


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_design_answers_for_the_columns_as_they_were(kind, intercept):
    objective = problem(kind=kind, intercept=intercept)
    design, rng = objective.design, np.random.default_rng(1)
    weight, bias = rng.normal(size=(4, 3)), rng.normal(size=3) * intercept
    dense = np.asarray(design._x.todense() if sparse.issparse(design._x) else design._x)
    np.testing.assert_allclose(design.dot(design.scaled(weight, bias)), dense @ weight + bias, atol=1e-9)
    back = design.original(design.scaled(weight, bias))
    np.testing.assert_allclose(back[0], weight)
    np.testing.assert_allclose(back[1], bias, atol=1e-12)
    values = rng.normal(size=(40, 3))
    gradient = design.original_gradient(design.transposed_dot(values))
    np.testing.assert_allclose(gradient[:4], dense.T @ values, atol=1e-9)
    blocks = np.vstack([block for _, block in design.blocks(np.array([1, 3]))])
    whole = np.vstack([block for _, block in design.blocks()])
    np.testing.assert_array_equal(blocks, whole[:, [1, 3]])
    np.testing.assert_allclose(design.squares_dot(values), (whole**2).T @ values)


def test_a_table_too_large_to_keep_gives_the_same_products(monkeypatch):
    kept = problem(rows=5000).design
    monkeypatch.setattr("descend.solvers.design._MOST_KEPT", 10)
    made = problem(rows=5000).design
    values = np.random.default_rng(0).normal(size=(5000, 2))
    np.testing.assert_allclose(made.transposed_dot(values), kept.transposed_dot(values), rtol=1e-12)
    np.testing.assert_allclose(made.dot(values[:5]), kept.dot(values[:5]), rtol=1e-12)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_gradient_and_curvature_are_those_of_central_differences(classes):
    objective = problem(classes)
    rng = np.random.default_rng(2)
    w = rng.normal(size=(objective.design.width, objective.outputs)) / 3
    point, step = objective.at(w), 1e-5
    gradient = objective.gradient(point).ravel()
    every = np.arange(w.size)
    hessian = objective.curvature(point, every)
    bent = np.zeros((w.size, w.size))
    for j in every:
        moved = np.zeros(w.size)
        moved[j] = step
        ahead, behind = (objective.at(w + sign * moved.reshape(w.shape)) for sign in (1, -1))
        assert (ahead.value - behind.value) / (2 * step) == pytest.approx(gradient[j], abs=1e-9)
        bent[j] = (objective.gradient(ahead) - objective.gradient(behind)).ravel() / (2 * step)
    if classes > 2:  # what is added along the direction that moves the intercepts alike
        last = every[-objective.outputs :]
        hessian[np.ix_(last, last)] -= 1 / objective.outputs
    np.testing.assert_allclose(hessian, bent, atol=1e-8)
    direction = rng.normal(size=w.shape)
    np.testing.assert_allclose(
        objective.curvature_times(point, direction).ravel(), bent @ direction.ravel(), atol=1e-8
    )
    np.testing.assert_allclose(objective.curvature_diagonal(point).ravel(), np.diag(bent), atol=1e-8)
    for k in range(objective.outputs):
        own = every[k :: objective.outputs]
        np.testing.assert_allclose(objective.class_curvature(point, k), bent[np.ix_(own, own)], atol=1e-8)


@pytest.mark.parametrize("factored", [True, False])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("classes", [2, 4])
def test_newton_finds_what_scipy_finds(classes, kind, factored):
    objective = problem(classes, kind=kind)
    point, _, ended = newton(objective, start(objective), factored=factored)
    assert ended == "optimum"

    def value(flat):
        at = objective.at(flat.reshape(point.coefficients.shape))
        return at.value, objective.gradient(at).ravel()

    found = minimize(
        value, np.zeros(point.coefficients.size), jac=True, method="BFGS", options={"gtol": 1e-9}
    )
    assert point.value <= found.fun + 1e-12
    other = objective.at(found.x.reshape(point.coefficients.shape))
    np.testing.assert_allclose(other.probabilities, point.probabilities, atol=1e-5)


def test_wide_tables_are_preconditioned_by_the_diagonal_alone():
    objective = problem(3, rows=60, inputs=300, l2=0.05)
    point, _, ended = newton(objective, start(objective))
    assert ended == "optimum"
    assert judged(objective, point).gap < 1e-12


def test_the_run_ends_where_its_products_are_used():
    objective = problem(3)
    _, iterations, ended = newton(objective, start(objective), factored=False, most_products=3)
    assert ended == "iterations"
    assert iterations <= 3


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    classes=st.integers(2, 4),
    strength=st.floats(1e-4, 0.3),
    ratio=st.sampled_from([0.0, 0.3, 1.0]),
    rows=st.integers(6, 40),
    inputs=st.integers(1, 12),
)
def test_the_gap_bounds_the_distance_to_the_optimum(seed, classes, strength, ratio, rows, inputs):
    """At the optimum it vanishes, and wherever one stops before, it is no less than the true distance."""
    objective = problem(
        classes, rows, inputs, seed, l2=(1 - ratio) * strength, l1=ratio * strength
    )  # fmt: skip
    solve = proximal_newton if ratio else newton
    best, _, ended = solve(objective, start(objective))
    assert ended == "optimum"
    # With L1 alone the gap falls with the gradient, not with its square, and flat directions hide the last.
    assert judged(objective, best).gap <= (1e-9 if ratio < 1 else 1e-7)
    for stop in (0, 1, 2):
        point, _, _ = solve(objective, start(objective), max_iter=stop)
        assert judged(objective, point).gap >= (point.value - best.value) * (1 - 1e-9) - 1e-15


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), size=st.integers(1, 12), rank=st.integers(1, 12))
def test_sparse_quadratics_reach_a_point_where_no_subgradient_is_left(seed, size, rank):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(rank, size))
    linear = half.T @ rng.normal(size=rank)  # within the span of H, so that there is a minimum
    l1 = rng.uniform(0.01, 1, size) * (rng.random(size) < 0.9)
    model = SparseQuadratic(half.T @ half, linear, l1)
    w = model.minimum(rng.normal(size=size) * (rng.random(size) < 0.5))
    gradient = model.hessian @ w + linear
    off = np.where(w == 0, np.maximum(np.abs(gradient) - l1, 0), np.abs(gradient + l1 * np.sign(w)))
    assert off.max() < 1e-8


def test_a_singular_system_gets_a_short_solution():
    matrix = np.ones((3, 3))
    found = solve_symmetric(matrix, np.ones(3))
    np.testing.assert_allclose(matrix @ found, np.ones(3), rtol=1e-9)
    assert np.abs(found).max() < 10


@pytest.mark.parametrize("classes", [2, 4])
def test_products_on_the_rows_that_bend_are_those_of_all_rows(classes):
    objective = problem(classes, rows=200)
    rng = np.random.default_rng(3)
    point = objective.at(rng.normal(size=(objective.design.width, objective.outputs)) * 8)
    direction = rng.normal(size=point.coefficients.shape)
    whole = objective.curvature_times(point, direction)
    exact, coarse = (RowCurvature(objective, point, coarse) for coarse in (False, True))
    np.testing.assert_allclose(exact.times(direction), whole, atol=1e-13)
    trace = objective.curvature_diagonal(point).sum()
    assert np.abs(coarse.times(direction) - whole).max() <= 2e-4 * trace * np.linalg.norm(direction)
    assert len(coarse._rows) < len(exact._rows)
    # Far beyond float32, in both directions.
    np.testing.assert_allclose(coarse.times(1e200 * direction), 1e200 * coarse.times(direction), rtol=1e-5)
    np.testing.assert_allclose(coarse.times(1e-200 * direction), 1e-200 * coarse.times(direction), rtol=1e-5)
    for k in range(objective.outputs):
        np.testing.assert_allclose(exact.block(k), objective.class_curvature(point, k), atol=1e-13)


def test_some_of_the_hessian_is_a_part_of_the_whole():
    objective = problem(3)
    point = objective.at(np.random.default_rng(4).normal(size=(5, 3)))
    some = np.array([0, 4, 5, 11, 14])
    np.testing.assert_allclose(
        objective.curvature(point, some), objective.curvature(point)[np.ix_(some, some)], atol=1e-14
    )
