"""L-BFGS: closed forms, independent optima, every engine, and how runs end."""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from descend import (
    BinaryCrossEntropy,
    CrossEntropy,
    Dense,
    Dropout,
    Huber,
    Network,
    Poisson,
    SquaredError,
)
from descend.engines.protocol import Inputs
from descend.errors import Diverged, OptionError
from descend.networks import AbsoluteError
from descend.solvers.lbfgs import lbfgs


def softmax_objective(X, y, outputs, l2):
    """Mean cross-entropy + ½ l2 ‖W‖², its gradient and Hessian, by (W, b) as one vector, in plain NumPy."""
    A = np.hstack([X, np.ones((len(X), 1))])
    penalty = np.full((A.shape[1], outputs), l2)
    penalty[-1] = 0.0

    def value(v):
        return (logsumexp(z := A @ v.reshape(-1, outputs), axis=1) - z[np.arange(len(y)), y]).mean() + 0.5 * (
            penalty.ravel() @ v**2
        )

    def gradient(v):
        z = A @ v.reshape(-1, outputs)
        p = np.exp(z - logsumexp(z, axis=1, keepdims=True))
        p[np.arange(len(y)), y] -= 1
        return (A.T @ p / len(y)).ravel() + penalty.ravel() * v

    def hessian(v):
        z = A @ v.reshape(-1, outputs)
        p = np.exp(z - logsumexp(z, axis=1, keepdims=True))
        width = A.shape[1]
        H = np.zeros((width, outputs, width, outputs))
        for j in range(outputs):
            for k in range(outputs):
                H[:, j, :, k] = (A * (p[:, j] * ((j == k) - p[:, k]))[:, None]).T @ A / len(y)
        return H.reshape(width * outputs, -1) + np.diag(penalty.ravel())

    return value, gradient, hessian


def newton_optimum(X, y, outputs, l2):
    """The optimum by damped Newton steps, to a gradient of 1e-12."""
    value, gradient, hessian = softmax_objective(X, y, outputs, l2)
    v = np.zeros((X.shape[1] + 1) * outputs)
    for _ in range(100):
        g = gradient(v)
        if np.abs(g).max() < 1e-12:
            return v, value(v)
        direction = -np.linalg.lstsq(hessian(v), g, rcond=1e-14)[0]
        step = 1.0
        while value(v + step * direction) > value(v) + 1e-4 * step * (g @ direction) + 1e-15:
            step /= 2
        v = v + step * direction
    raise AssertionError("Newton did not converge")


def linear_problem(outputs=3):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 6)) * [0.1, 1.0, 1.0, 5.0, 1.0, 10.0] + [0, 3, 0, 20, 0, 0]
    Y = X @ rng.normal(size=(6, outputs)) / [1, 2, 3][:outputs] + rng.normal(size=(200, outputs)) + 7
    return X, Y, rng.uniform(0.0, 2.0, 200)


def ridge(X, Y, weight, l2):
    """W, b that make Σ weight ½ ‖xW + b − y‖² / (Σ weight · outputs) + ½ l2 ‖W‖² smallest."""
    share = weight / weight.sum() / Y.shape[1]
    mean_x, mean_y = share @ X / share.sum(), share @ Y / share.sum()
    A, B = X - mean_x, Y - mean_y
    W = np.linalg.solve(A.T @ (A * share[:, None]) + l2 * np.eye(X.shape[1]), A.T @ (B * share[:, None]))
    return W, mean_y - mean_x @ W


def test_ridge_is_the_solution_of_the_normal_equations(engine_name, compiled):
    X, Y, weight = linear_problem()
    network = Network([Dense(3)], SquaredError())
    found = lbfgs(
        compiled(network, 6, engine_name), network, Inputs(X, Y, weight), l2=0.1, tol=1e-9, max_iter=500
    )
    W, b = ridge(X, Y, weight, 0.1)
    assert found.converged, found.message
    np.testing.assert_allclose(found.parameters["0.weight"], W, rtol=1e-8, atol=1e-8 * np.abs(W).max())
    np.testing.assert_allclose(found.parameters["0.bias"], b, rtol=1e-8)


def test_squared_error_of_one_layer_takes_one_step(compiled):
    X, Y, _ = linear_problem()
    network = Network([Dense(3)], SquaredError())
    found = lbfgs(compiled(network, 6), network, Inputs(X, Y), l2=0.1, tol=1e-6)
    assert found.converged
    assert found.evaluations <= 4


@pytest.mark.parametrize("l2", [1e-1, 1e-3])
def test_logistic_regression_reaches_the_newton_optimum(classes, compiled, l2):
    X, y = classes
    outputs = int(y.max()) + 1
    network = Network([Dense(outputs, init="zeros")], CrossEntropy())
    found = lbfgs(compiled(network, X.shape[1]), network, Inputs(X, y), l2=l2, tol=1e-8, max_iter=2000)
    optimum, smallest = newton_optimum(X, y, outputs, l2)
    assert found.converged, found.message
    assert found.objective <= smallest * (1 + 1e-8)
    W = optimum.reshape(-1, outputs)[:-1]
    assert np.linalg.norm(found.parameters["0.weight"] - W) <= 1e-5 * np.linalg.norm(W)


def test_engines_reach_the_same_optimum(engine_name, compiled):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 4))
    y = (X @ rng.normal(size=(4, 3)) + rng.normal(size=(150, 3))).argmax(axis=1)
    network = Network([Dense(3)], CrossEntropy())
    found = lbfgs(compiled(network, 4, engine_name), network, Inputs(X, y), l2=0.01, tol=1e-9, max_iter=500)
    assert found.converged, found.message
    assert found.objective == pytest.approx(newton_optimum(X, y, 3, 0.01)[1], rel=1e-10)


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), Huber(0.5), Poisson()])
def test_other_losses_reach_the_optimum_another_solver_finds(loss, compiled):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 5))
    z = X @ rng.normal(size=(5, 2)) + rng.normal(size=(300, 2))
    Y = (z > 0).astype(float) if isinstance(loss, BinaryCrossEntropy) else z
    if isinstance(loss, Poisson):
        Y = rng.poisson(np.exp(z / 2)).astype(float)
    network = Network([Dense(2)], loss)
    program = compiled(network, 5)
    # Where rounding moves F by 2⁻⁵²·F, gradients below √(2·2⁻⁵²·F·curvature) no longer make it smaller:
    # here |F| ≤ 2 and the curvature at most 5, so 7e-8. An objective that close is within tol²/(2·0.02) of
    # the least.
    found = lbfgs(program, network, Inputs(X, Y), l2=0.02, tol=1e-7, max_iter=500)

    def value(v):
        r = X @ v[:10].reshape(5, 2) + v[10:]
        if isinstance(loss, Huber):
            each = np.where(np.abs(r - Y) <= 0.5, 0.5 * (r - Y) ** 2, 0.5 * (np.abs(r - Y) - 0.25))
        elif isinstance(loss, Poisson):
            each = np.exp(r) - Y * r
        else:
            each = np.logaddexp(0, r) - Y * r
        return each.mean() + 0.01 * (v[:10] ** 2).sum()

    other = minimize(value, np.zeros(12), method="BFGS", options={"gtol": 1e-7})
    assert found.converged, found.message
    assert found.objective == pytest.approx(other.fun, rel=1e-9)


def test_a_weight_counts_as_repetitions(compiled):
    X, y = np.random.default_rng(1).normal(size=(60, 3)), np.arange(60) % 3
    times = np.arange(60) % 4
    network = Network([Dense(3, init="zeros")], CrossEntropy())
    options = {"l2": 0.01, "tol": 1e-10, "max_iter": 500}
    weighted = lbfgs(compiled(network, 3), network, Inputs(X, y, times.astype(float)), **options)
    repeated = lbfgs(
        compiled(network, 3), network, Inputs(np.repeat(X, times, axis=0), np.repeat(y, times)), **options
    )
    assert weighted.objective == pytest.approx(repeated.objective, rel=1e-12)
    for name in ("0.weight", "0.bias"):
        np.testing.assert_allclose(weighted.parameters[name], repeated.parameters[name], atol=1e-8)


def test_an_mlp_only_ever_gets_better(engine_name, compiled):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(120, 5)), rng.integers(0, 3, 120)
    network = Network([Dense(8, "tanh"), Dense(3)], CrossEntropy())
    seen = []
    found = lbfgs(
        compiled(network, 5, engine_name), network, Inputs(X, y), l2=1e-3, tol=1e-6, max_iter=200,
        callback=lambda progress: seen.append(progress.objective),
    )  # fmt: skip
    # An increase by the rounding of the objective itself is not seen by the line search.
    assert all(after <= before * (1 + 1e-15) for before, after in itertools.pairwise(seen))
    assert found.iterations == len(seen)
    assert found.objective == seen[-1] < 0.5 * seen[0]


def test_float32_ends_near_the_float64_optimum_and_says_why(compiled):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(500, 6)).astype(np.float32)
    y = rng.integers(0, 4, 500)
    network = Network([Dense(4, init="zeros")], CrossEntropy())
    found = lbfgs(compiled(network, 6, dtype="float32"), network, Inputs(X, y), l2=0.01, tol=0.0)
    assert found.stopped == "rounding"
    assert "rounding in float32" in found.message
    assert found.parameters["0.weight"].dtype == np.float32
    assert found.objective == pytest.approx(newton_optimum(X.astype(float), y, 4, 0.01)[1], rel=1e-6)


def test_a_coarse_program_leads_to_the_same_float64_optimum(classes, compiled):
    X, y = classes
    network = Network([Dense(int(y.max()) + 1, init="zeros")], CrossEntropy())
    coarse = compiled(network, X.shape[1], dtype="float32"), Inputs(X.astype(np.float32), y)
    options = {"l2": 0.01, "tol": 1e-9, "max_iter": 500}
    alone = lbfgs(compiled(network, X.shape[1]), network, Inputs(X, y), **options)
    led = lbfgs(compiled(network, X.shape[1]), network, Inputs(X, y), coarse=coarse, **options)
    assert led.converged, led.message
    assert led.objective == pytest.approx(alone.objective, rel=1e-12)
    assert led.parameters["0.weight"].dtype == np.float64


def test_8_bit_rows_are_scaled(compiled):
    rng = np.random.default_rng(6)
    X, y = rng.integers(0, 256, (200, 5)).astype(np.uint8), rng.integers(0, 3, 200)
    network = Network([Dense(3, init="zeros")], CrossEntropy())
    options = {"l2": 0.01, "tol": 1e-9, "max_iter": 200}
    bytes_ = lbfgs(compiled(network, 5), network, Inputs(X, y, scale=1 / 255), **options)
    floats = lbfgs(compiled(network, 5), network, Inputs(X * (1 / 255), y), **options)
    assert bytes_.objective == pytest.approx(floats.objective, rel=1e-12)


def test_the_optimum_is_left_alone(compiled):
    X, Y, _ = linear_problem()
    network = Network([Dense(3)], SquaredError())
    program = compiled(network, 6)
    first = lbfgs(program, network, Inputs(X, Y), l2=0.1, tol=1e-7, max_iter=200)
    again = lbfgs(program, network, Inputs(X, Y), l2=0.1, tol=1e-7)
    assert (again.iterations, again.evaluations, again.converged) == (0, 1, True)
    np.testing.assert_array_equal(again.parameters["0.weight"], first.parameters["0.weight"])


def test_a_start_is_used_and_the_program_holds_the_end(compiled):
    X, Y, _ = linear_problem()
    network = Network([Dense(3)], SquaredError())
    program = compiled(network, 6)
    start = {"0.weight": np.full((6, 3), 0.5), "0.bias": np.ones(3)}
    kept = lbfgs(program, network, Inputs(X, Y), start=start, max_iter=0)
    np.testing.assert_array_equal(kept.parameters["0.weight"], start["0.weight"])
    assert kept.stopped == "iterations"
    ended = lbfgs(program, network, Inputs(X, Y), l2=0.1)
    np.testing.assert_array_equal(program.state()["0.weight"], ended.parameters["0.weight"])


def test_one_class_is_learnt_without_complaint(compiled):
    X = np.random.default_rng(7).normal(size=(50, 3))
    network = Network([Dense(2, init="zeros")], CrossEntropy())
    found = lbfgs(compiled(network, 3), network, Inputs(X, np.zeros(50, np.int64)), l2=0.1)
    assert found.converged
    assert found.objective < 1e-3


def test_columns_without_variation_or_penalty_and_more_columns_than_rows(compiled):
    X = np.random.default_rng(8).normal(size=(20, 40))
    X[:, 3], X[:, 4], X[:, 5] = 0.0, 2.0, X[:, 6]
    Y = X[:, :1] - X[:, 6:7] + 1
    network = Network([Dense(1)], SquaredError())
    found = lbfgs(compiled(network, 40), network, Inputs(X, Y), tol=1e-9, max_iter=500)
    assert found.converged, found.message
    assert found.objective < 1e-14


def test_a_layer_without_bias(compiled):
    X, Y, weight = linear_problem(1)
    network = Network([Dense(1, bias=False)], SquaredError())
    found = lbfgs(compiled(network, 6), network, Inputs(X, Y, weight), l2=0.1, tol=1e-8, max_iter=500)
    A = X * (weight / weight.sum())[:, None]
    W = np.linalg.solve(A.T @ X + 0.1 * np.eye(6), A.T @ Y)
    np.testing.assert_allclose(found.parameters["0.weight"], W, rtol=1e-8, atol=1e-8)


def test_rows_without_weight_leave_the_penalty_alone(compiled):
    X, y = np.ones((5, 2)), np.zeros(5, np.int64)
    network = Network([Dense(2)], CrossEntropy())
    found = lbfgs(compiled(network, 2), network, Inputs(X, y, np.zeros(5)), l2=1.0, tol=1e-12)
    assert found.converged
    np.testing.assert_allclose(found.parameters["0.weight"], 0.0, atol=1e-12)


def test_the_callback_sees_every_iteration_and_can_end_the_run(compiled):
    X, Y, _ = linear_problem()
    network = Network([Dense(4, "tanh"), Dense(3)], SquaredError())
    seen = []
    found = lbfgs(
        compiled(network, 6), network, Inputs(X / np.abs(X).max(axis=0), Y),
        callback=lambda progress: seen.append(progress) or len(seen) == 3,
    )  # fmt: skip
    assert [progress.iteration for progress in seen] == [1, 2, 3]
    assert found.stopped == "callback"
    assert (found.objective, found.optimality) == (seen[-1].objective, seen[-1].optimality)


def test_two_runs_are_equal(compiled):
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(100, 6)), rng.integers(0, 3, 100)
    network = Network([Dense(3)], CrossEntropy())
    ends = [
        lbfgs(compiled(network, 6, threads=threads), network, Inputs(X, y), l2=0.01) for threads in (1, 1, 2)
    ]
    for end in ends[1:]:
        np.testing.assert_array_equal(end.parameters["0.weight"], ends[0].parameters["0.weight"])


def test_rows_that_are_not_finite_are_told(engine_name, compiled):
    X = np.ones((4, 2))
    X[2, 1] = np.inf
    network = Network([Dense(1)], SquaredError())
    with pytest.raises(Diverged, match="not finite at the start"):
        lbfgs(compiled(network, 2, engine_name), network, Inputs(X, np.ones((4, 1))))


def test_a_step_into_overflow_is_taken_back(compiled):
    # From this start a step along the gradient overflows float32.
    X = np.array([[1e10], [2e10], [-1e10]], np.float32)
    network = Network([Dense(4, "identity"), Dense(1)], SquaredError())
    found = lbfgs(
        compiled(network, 1, dtype="float32"), network, Inputs(X, X * np.float32(1e-10)), max_iter=50, tol=0.0
    )
    assert np.isfinite(found.objective)
    assert all(np.isfinite(array).all() for array in found.parameters.values())


@pytest.mark.parametrize(
    ("network", "options", "says"),
    [
        (Network([Dense(1)], SquaredError()), {"l2": -1.0}, "l2 must be"),
        (Network([Dense(1)], SquaredError()), {"l2": float("nan")}, "l2 must be"),
        (Network([Dense(1)], SquaredError()), {"tol": -1.0}, "tol and max_iter"),
        (Network([Dense(1)], SquaredError()), {"tol": float("nan")}, "tol and max_iter"),
        (Network([Dense(1)], SquaredError()), {"max_iter": -1}, "tol and max_iter"),
        (Network([Dense(1)], SquaredError()), {"start": {"0.weight": np.zeros((2, 1))}}, "parameters are"),
        (Network([Dropout(0.5), Dense(1)], SquaredError()), {}, "Dropout"),
        (Network([Dense(1)], AbsoluteError()), {}, "AbsoluteError"),
    ],
)
def test_what_cannot_be_solved_is_refused(network, options, says, compiled):
    with pytest.raises(OptionError, match=says):
        lbfgs(compiled(network, 2), network, Inputs(np.ones((3, 2)), np.ones((3, 1))), **options)
