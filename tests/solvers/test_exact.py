"""Least squares against other libraries and in the corners."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from descend.errors import DataError, OptionError
from descend.solvers.exact import least_squares


@pytest.mark.parametrize("shape", [(2, 1), (7, 3), (40, 5), (1000, 20), (4500, 31), (9000, 34), (700, 90)])
@pytest.mark.parametrize("intercept", [True, False])
def test_same_as_numpy(way, random_problem, shape, intercept):
    X, y = random_problem(*shape, targets=3)
    found = least_squares(X, y, fit_intercept=intercept, threads=2)
    design = np.column_stack([np.ones(len(X)), X]) if intercept else X
    sizes = np.abs(design).max(axis=0)
    right = np.linalg.lstsq(design / sizes, y, rcond=None)[0] / sizes[:, None]
    np.testing.assert_allclose(
        found.coef * sizes[-shape[1] :, None], right[-shape[1] :] * sizes[-shape[1] :, None], atol=1e-9
    )
    assert found.coef.shape == (shape[1], 3)
    residual = ((y - X @ found.coef - found.intercept) ** 2).sum(axis=0)
    np.testing.assert_allclose(found.residual_sum_of_squares, residual, atol=1e-12 * (y**2).sum())
    total = ((y - (y.mean(axis=0) if intercept else 0)) ** 2).sum(axis=0)
    np.testing.assert_allclose(found.total_sum_of_squares, total, rtol=1e-11)
    assert found.rank == shape[1]


def test_exact_fractions(way, exact):
    X = np.array([[1.0, 0.5], [2.0, 0.25], [4.0, 3.0], [0.0, -1.0], [7.0, 2.0]])
    y, weight = np.array([1.0, 2.0, 0.5, -3.0, 4.0]), np.array([1.0, 0.5, 2.0, 3.0, 0.25])
    found = least_squares(X, y, sample_weight=weight)
    right = [float(value) for value in exact(X, y, weight)]
    np.testing.assert_allclose([found.intercept, *found.coef], right, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.int32, np.bool_, np.float16])
@pytest.mark.parametrize("layout", ["C", "F", "reversed", "strided", "unaligned", "swapped"])
def test_types_and_layouts(way, dtype, layout):
    rng = np.random.default_rng(1)
    X = rng.integers(0, 2 if dtype == np.bool_ else 200, (300, 5)).astype(dtype)
    y = rng.normal(size=300).astype(np.float32)
    right = LinearRegression().fit(X.astype(float), y.astype(float))
    shifted = np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:]
    given = {
        "C": X,
        "F": np.asfortranarray(X),
        "reversed": X[::-1].copy()[::-1],
        "strided": np.repeat(X, 3, axis=1)[:, ::3],
        "unaligned": shifted.view(X.dtype).reshape(X.shape),
        "swapped": X.astype(X.dtype.newbyteorder()),
    }[layout]
    given.flags.writeable = False
    found = least_squares(given, y)
    np.testing.assert_allclose(found.coef, right.coef_, rtol=1e-9)
    assert found.intercept == pytest.approx(right.intercept_, rel=1e-9)


def test_bytes_are_scaled(way):
    rng = np.random.default_rng(2)
    X, y = rng.integers(0, 256, (500, 4)).astype(np.uint8), rng.normal(size=500)
    np.testing.assert_allclose(
        least_squares(X, y, scale=1 / 255).coef, least_squares(X / 255, y).coef, rtol=1e-12
    )


def test_whole_weights_are_repeated_rows(way, random_problem):
    X, y = random_problem(5000, 6)
    weight = np.random.default_rng(3).integers(0, 4, 5000)
    weighted = least_squares(X, y, sample_weight=weight)
    repeated = least_squares(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-10)
    assert weighted.residual_sum_of_squares == pytest.approx(repeated.residual_sum_of_squares, rel=1e-12)
    assert weighted.total_sum_of_squares == pytest.approx(repeated.total_sum_of_squares, rel=1e-12)


@pytest.mark.parametrize("size", [1e-300, 1e-20, 1.0, 1e25, 1e300])
def test_weights_of_any_size(way, random_problem, size):
    X, y = random_problem(400, 3)
    weight = np.random.default_rng(4).uniform(0.5, 1, 400)
    weight[::7] = 0
    found = least_squares(X, y, sample_weight=weight * size)
    kept = weight > 0
    right = LinearRegression().fit(X[kept], y[kept], weight[kept])
    np.testing.assert_allclose(found.coef, right.coef_, rtol=1e-9)


def test_rows_without_weight_may_be_huge(way, random_problem):
    X, y = random_problem(400, 3)
    weight = np.ones(400)
    weight[5] = 0
    right = least_squares(X, y, sample_weight=weight)
    X[5] = 1e300
    np.testing.assert_allclose(least_squares(X, y, sample_weight=weight).coef, right.coef, rtol=1e-12)


@pytest.mark.parametrize("exponent", [-1050, -1000, -300, 300, 900, 1015])
def test_columns_of_any_size(way, random_problem, exponent):
    X, y = random_problem(300, 4)
    X = np.clip(X, -100, 100)
    scaled = X.copy()
    scaled[:, 2] = np.ldexp(scaled[:, 2], exponent)
    X[:, 2] = np.ldexp(scaled[:, 2], -exponent)  # what is left of subnormal numbers
    y *= 1e-20 if exponent < 0 else 1
    right, found = least_squares(X, y), least_squares(scaled, y)
    assert found.rank == 4
    np.testing.assert_allclose(np.delete(found.coef, 2), np.delete(right.coef, 2), rtol=1e-9)
    assert np.ldexp(found.coef[2], exponent) == pytest.approx(right.coef[2], rel=1e-9)


def test_a_coefficient_beyond_float64_is_refused(way):
    x = np.ldexp(np.arange(10.0), -1060)
    with pytest.raises(DataError, match="coefficient of X's column 1 is beyond float64"):
        least_squares(np.column_stack([np.ones(10), x]), np.arange(10.0) * 1e9)


def test_means_far_above_the_spread(way):
    rng = np.random.default_rng(5)
    base = rng.integers(-50, 50, (2000, 3)).astype(float)
    y = base @ [1.0, -2.0, 0.5] + 3 + rng.normal(size=2000)
    right = least_squares(base, y)
    found = least_squares(base + 1e12, y)
    assert found.rank == 3
    np.testing.assert_allclose(found.coef, right.coef, rtol=1e-12)


@pytest.mark.parametrize("rows", [60, 9000])
def test_constant_columns(way, random_problem, rows):
    X, y = random_problem(rows, 3)
    right = least_squares(X, y)
    for constant in (0.0, 1.0, 0.1, -1e17, 1e-200):
        found = least_squares(np.insert(X, 1, constant, axis=1), y)
        assert (found.rank, found.condition) == (3, np.inf)
        assert found.coef[1] == 0.0
        np.testing.assert_allclose(np.delete(found.coef, 1), right.coef, rtol=1e-9)
    alone = least_squares(np.full((rows, 1), 0.1), y)
    assert (alone.rank, alone.coef[0]) == (0, 0.0)
    assert alone.intercept == pytest.approx(y.mean(), rel=1e-12)


def shortest_solution_is_known_to(X, coef, column, apart):
    """How far the shortest solution may be off where ``column`` stands in X twice, ``apart`` times as large.

    QR of q columns is that of columns moved by q·2⁻⁵³ of their length (N. J. Higham, "Accuracy and
    Stability of Numerical Algorithms", 2002, theorem 19.4). Beside an intercept what counts is the spread,
    which is shorter than the column. The null vector turns by as much times the condition, and what it takes
    from one of the two columns comes back ``apart`` times as large in the other. 4 is for what is added up on
    the way.
    """
    spread = np.linalg.norm(X - X.mean(axis=0), axis=0)
    condition = np.linalg.cond((X - X.mean(axis=0)) / spread)
    moved = 4 * (X.shape[1] + 1) * 2.0**-53 * np.linalg.norm(X[:, column]) / spread[column]
    return moved * condition * apart * np.abs(coef * spread).max() / spread[column]


@pytest.mark.parametrize("rows", [50, 20000])
@pytest.mark.parametrize("factor", [1.0, 1e-6, 3e7])
def test_dependent_columns_share_the_shortest_solution(way, random_problem, rows, factor):
    X, y = random_problem(rows, 4)
    X /= np.abs(X).max(axis=0)
    right = least_squares(X, y)
    found = least_squares(np.column_stack([X, factor * X[:, 1]]), y)
    assert found.rank == 4
    total = right.coef[1]
    expected = [*right.coef, 0.0]
    expected[1], expected[4] = total / (1 + factor**2), total * factor / (1 + factor**2)
    known = shortest_solution_is_known_to(X, right.coef, 1, max(factor, 1 / factor))
    np.testing.assert_allclose(found.coef, expected, rtol=0, atol=known)
    assert found.residual_sum_of_squares == pytest.approx(right.residual_sum_of_squares, rel=1e-10)


def test_sums_of_columns_are_found_dependent(way, random_problem):
    X, y = random_problem(30000, 5)
    found = least_squares(np.column_stack([X, X @ [1.0, 2.0, -0.3, 0.7, 1e-3], X.sum(axis=1) + 5]), y)
    assert found.rank == 5


@pytest.mark.parametrize("intercept", [True, False])
def test_fewer_rows_than_columns(way, intercept):
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(8, 30)) + 1, rng.normal(size=(8, 2))
    found = least_squares(X, y, fit_intercept=intercept)
    right = LinearRegression(fit_intercept=intercept).fit(X, y)
    assert found.rank == 8 - intercept
    np.testing.assert_allclose(found.coef.T, right.coef_, rtol=1e-10)
    np.testing.assert_allclose(found.residual_sum_of_squares, 0, atol=1e-24)
    assert len(found.triangle.R) == 8


def test_one_row(way):
    found = least_squares([[2.0, 3.0]], [7.0])
    assert (found.rank, found.intercept, found.residual_sum_of_squares) == (0, 7.0, 0.0)
    np.testing.assert_array_equal(found.coef, [0.0, 0.0])
    without = least_squares([[3.0, 4.0]], [50.0], fit_intercept=False)
    assert without.rank == 1
    np.testing.assert_allclose(without.coef, [6.0, 8.0], rtol=1e-14)


@pytest.mark.parametrize("rows", [20, 5000])
@pytest.mark.parametrize("l2", [1e-8, 1.0, 1e6])
def test_penalty_is_ridge(way, random_problem, rows, l2):
    X, y = random_problem(rows, 6, targets=2)
    X /= np.abs(X).max(axis=0)
    weight = np.random.default_rng(7).uniform(0, 2, rows)
    found = least_squares(X, y, sample_weight=weight, l2=l2)
    right = Ridge(l2, solver="svd").fit(X, y, weight)
    np.testing.assert_allclose(found.coef.T, right.coef_, rtol=1e-8)
    np.testing.assert_allclose(found.intercept, right.intercept_, rtol=1e-8)
    residual = (weight[:, None] * (y - X @ found.coef - found.intercept) ** 2).sum(axis=0)
    np.testing.assert_allclose(found.residual_sum_of_squares, residual, rtol=1e-9)


X, Y = np.ones((6, 3)), np.arange(6.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"X": X[0]}, "two dimensions"), ({"X": X[:0], "y": Y[:0]}, "at least one row"),
        ({"X": X[:, :0]}, "at least one row and one column"), ({"X": X.astype(str)}, "numbers"),
        ({"X": X.astype(complex)}, "numbers"), ({"X": [[1.0], [2.0, 3.0]]}, "differ in length"),
        ({"y": Y[:5]}, "X has 6 rows but y has 5"), ({"y": Y.reshape(1, 2, 3)}, "shape"),
        ({"y": np.array(1.0)}, "shape"), ({"y": np.ones((6, 0))}, "shape"),
        ({"X": np.where(np.eye(6, 3), np.nan, X)}, r"X\[0, 0\] is nan"),
        ({"X": np.where(np.eye(6, 3, -3), np.inf, X).astype(np.float32)}, r"X\[3, 0\] is inf"),
        ({"y": np.where(Y == 4, -np.inf, Y)}, r"y\[4, 0\] is -inf"),
        ({"sample_weight": np.ones(5)}, "sample_weight has 5"), ({"sample_weight": X}, "one dimension"),
        ({"sample_weight": -Y}, r"sample_weight\[1\] is -1.0"), ({"sample_weight": 0 * Y}, "0 for every row"),
        ({"sample_weight": Y * np.nan}, r"sample_weight\[0\] is nan"),
    ],
)  # fmt: skip
def test_bad_data_is_refused(way, changes, message):
    with pytest.raises(DataError, match=message):
        least_squares(**({"X": X, "y": Y} | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"l2": -1.0}, "l2 must be a finite number of at least 0"), ({"l2": np.nan}, "l2"),
        ({"l2": True}, "l2"), ({"l2": "1"}, "l2"), ({"scale": np.inf}, "scale must be a finite number"),
        ({"threads": 0}, "threads"),
    ],
)  # fmt: skip
def test_bad_options_are_refused(changes, message):
    with pytest.raises(OptionError, match=message):
        least_squares(X, Y, **changes)
