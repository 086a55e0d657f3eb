"""Sparse rows (CSR): every engine ends with the bits of the dense table."""

import numpy as np
import pytest
from scipy import sparse

import descend
from descend.engines.agreement import compare, promised
from descend.engines.plan import Order, Plan
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import DataError
from descend.networks import CrossEntropy, Dense, Dropout, Network, SquaredError
from descend.optimizers import SGD, Adam
from descend.solvers.lbfgs import lbfgs

ROWS, COLUMNS = 61, 83
NETWORKS = {
    "narrow": Network([Dense(3, bias=False)], CrossEntropy()),
    "narrow-deep": Network([Dense(13, "tanh"), Dense(3)], CrossEntropy()),
    "wide": Network([Dense(70, "relu"), Dense(20, "gelu"), Dense(3)], CrossEntropy()),
    "wide-outputs": Network([Dense(40)], SquaredError()),
    "dropout": Network([Dropout(0.3), Dense(40, "tanh", bias=False), Dense(3)], CrossEntropy()),
}
OPTIMIZERS = {"sgd": SGD(), "momentum": SGD(momentum=0.9), "adam": Adam()}


def _table(dtype, seed=0):
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((ROWS, COLUMNS)) < 0.07, rng.normal(size=(ROWS, COLUMNS)), 0.0).astype(dtype)
    x[4] = 0  # a row of zeros
    x[:, 17] = 0  # and a column
    x[9] = 1.5  # and a row without any
    return x


def _inputs(network, x):
    rng = np.random.default_rng(1)
    if isinstance(network.loss, CrossEntropy):
        return Inputs(x, rng.integers(0, 3, ROWS))
    return Inputs(x, rng.normal(size=(ROWS, network.outputs)).astype(x.dtype))


def _plan(network, steps=12, decay=0.0, clip=None, size=16):
    decays = np.full(len(network.parameter_shapes(COLUMNS)), decay)
    return Plan(0, steps, Order(2, ROWS, size, "wrap"), np.full(steps, 0.1), decays, clip)


def _everything(engine_name, network, x, plan, optimizer, threads=1):
    """All that a program says, as bytes."""
    program = get_engine(engine_name).compile(
        network, network.widths(COLUMNS), optimizer, str(x.dtype), threads, 3
    )
    inputs = _inputs(network, x)
    program.bind(inputs)
    found = {"losses": program.run(plan, np.inf).step_loss.tobytes()}
    loss, gradient = program.gradient(np.arange(ROWS)[::-1].copy(), 5)
    found |= {f"gradient {name}": part.tobytes() for name, part in gradient.items()}
    found |= {"again": program.run(plan, np.inf).step_loss.tobytes()}
    found |= {name: array.tobytes() for name, array in program.state().items()}
    sums = program.evaluate(inputs)
    return found | {"loss": loss, "sums": sums, "output": program.output(x, 1.0, True).tobytes()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_sparse_and_dense_rows_end_with_the_same_bits(engine_name, network, optimizer, dtype):
    x = _table(dtype)
    for plan in (
        _plan(network),
        _plan(network, decay=0.01),
        _plan(network, clip=0.2),
        _plan(network, size=150),
    ):
        dense = _everything(engine_name, network, x, plan, optimizer)
        assert _everything(engine_name, network, sparse.csr_array(x), plan, optimizer) == dense
    assert _everything(engine_name, network, sparse.csr_matrix(x), plan, optimizer) == dense


@pytest.mark.parametrize("threads", [2, 3, 4])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_threads_leave_the_bits(network, threads):
    get_engine("native")
    x = sparse.csr_array(_table("float32"))
    plan = _plan(network, clip=0.3)
    alone = _everything("native", network, x, plan, Adam())
    assert _everything("native", network, x, plan, Adam(), threads) == alone


def test_one_program_takes_dense_and_sparse_rows_in_turns(engine_name):
    network = NETWORKS["narrow-deep"]
    x = _table("float64")
    program = get_engine(engine_name).compile(network, network.widths(COLUMNS), SGD(), "float64", 2, 3)
    outputs = [
        program.output(rows).tobytes() for rows in (x, sparse.csr_array(x), x[:7], sparse.csr_array(x))
    ]
    assert outputs[0] == outputs[1] == outputs[3]
    for rows in (x, sparse.csr_array(x), x):
        program.bind(_inputs(network, rows))
        program.run(_plan(network, 3), np.inf)


@pytest.mark.parametrize("start", [-0.0, 1e-40])
@pytest.mark.parametrize("outputs", [3, 40])
def test_signs_of_zero_are_the_dense_ones(outputs, start):
    """Sums that are −0 on their way: by a bias of −0, and by products that underflow."""
    network = Network([Dense(outputs)], SquaredError())
    x = np.zeros((ROWS, COLUMNS), np.float32)
    x[::2, 5] = -1e-30
    x[1::3, 60] = 1e-30
    weight = np.where(np.arange(COLUMNS * outputs).reshape(COLUMNS, outputs) % 3 == 0, 1e-20, -1e-20)
    found = []
    for rows in (x, sparse.csr_array(x)):
        program = get_engine("native").compile(network, network.widths(COLUMNS), SGD(), "float32", 1, 3)
        program.load({"0.weight": weight, "0.bias": np.full(outputs, start)})
        program.bind(Inputs(rows, np.full((ROWS, outputs), 1e-20, np.float32)))
        _, gradient = program.gradient(np.arange(ROWS), 0)
        program.run(_plan(network, 5), np.inf)
        parts = [*gradient.values(), *program.state().values(), program.output(rows)]
        found.append([np.ascontiguousarray(part).tobytes() for part in parts])
    assert found[0] == found[1]


def test_weights_that_overflow_stop_the_run_at_the_same_step(engine_name):
    """0 · ∞ is NaN: a column that no later row uses must not hide it."""
    network = Network([Dense(40, bias=False), Dense(1)], SquaredError())
    x = np.zeros((4, COLUMNS), np.float32)
    x[0, 3], x[1:, 50] = 1e30, 1.0
    y = np.array([[1e8], [0], [0], [0]], np.float32)
    stops = []
    for rows in (x, sparse.csr_array(x)):
        program = get_engine(engine_name).compile(network, network.widths(COLUMNS), SGD(), "float32", 1, 3)
        start = {"0.weight": np.full((COLUMNS, 40), 1e-31), "1.weight": np.ones((40, 1)), "1.bias": [0.0]}
        program.load(start)
        program.bind(Inputs(rows, y))
        plan = Plan(0, 4, Order(0, 4, 1, shuffle=False), np.full(4, 1e3), np.zeros(3))
        chunk = program.run(plan, np.inf)
        stops.append((chunk.done, chunk.stopped, chunk.step_loss.tobytes()))
    assert stops[0][:2] == (1, "nonfinite")
    assert stops[0] == stops[1]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_engines_follow_the_reference(follower, network, dtype):
    inputs = _inputs(network, _table("float64"))
    rows = Inputs(sparse.csr_array(inputs.x), inputs.y)
    agreement = compare(
        network, rows, Adam(lr=0.01), (follower, "reference"), dtype=dtype, steps=10, rejoin=True
    )
    assert agreement.within(promised(dtype, 1)), agreement.report()


def _damaged():
    """Name, table and what is said of it."""

    def changed(**parts):
        x = sparse.csr_array(_table("float64"))
        for name, (place, value) in parts.items():
            getattr(x, name)[place] = value
        return x

    good = sparse.csr_array(_table("float64"))
    fourth = int(good.indptr[9])
    return {
        "column": (changed(indices=(fourth, COLUMNS)), f"names column {COLUMNS} in row 9"),
        "negative": (changed(indices=(fourth, -1)), "names column -1 in row 9"),
        "order": (changed(indices=(fourth + 1, 0)), "do not ascend in row 9"),
        "starts": (changed(indptr=(7, 10**6)), "row starts do not"),
        "first": (changed(indptr=(0, 1)), "row starts do not fit"),
        "end": (changed(indptr=(ROWS, 10**6)), "row starts do not fit"),
        "dtype": (good.astype("float32"), "must hold float64, not float32"),
        "format": (sparse.csc_array(good), "use X.tocsr()"),
    }


@pytest.mark.parametrize("name", _damaged())
def test_damaged_rows_are_refused(engine_name, name):
    x, message = _damaged()[name]
    network = NETWORKS["narrow"]
    program = get_engine(engine_name).compile(network, network.widths(COLUMNS), SGD(), "float64", 1, 3)
    y = np.zeros(ROWS, np.int64)
    for use in (
        lambda: program.bind(Inputs(x, y)),
        lambda: program.output(x),
        lambda: program.evaluate(Inputs(x, y)),
    ):
        with pytest.raises(DataError) as caught:
            use()
        assert message in str(caught.value)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_train_and_predict_take_any_sparse_table(engine):
    x, y = _table("float64"), np.arange(ROWS) % 3
    network = Network([Dense(20, "relu"), Dense(3)], CrossEntropy())
    options = {"optimizer": Adam(0.01), "epochs": 3, "engine": engine, "validation": (x[:20], y[:20])}
    dense = descend.train(network, x, y, **options)
    doubled = sparse.coo_array(
        (np.repeat(x[x != 0] / 2, 2), tuple(np.repeat(np.nonzero(x), 2, axis=1))), x.shape
    )
    unsorted = sparse.csr_array(x)
    unsorted.indices[:2], unsorted.data[:2] = unsorted.indices[1::-1].copy(), unsorted.data[1::-1].copy()
    unsorted.has_sorted_indices = unsorted.has_canonical_format = False
    kept = unsorted.indices.copy()
    for table in (sparse.csr_array(x), sparse.csc_matrix(x), doubled, unsorted):
        options["validation"] = (table.tocsr()[:20], y[:20])
        run = descend.train(network, table, y, **options)
        for name, array in dense.model.parameters.items():
            assert run.model.parameters[name].tobytes() == array.tobytes()
        assert (run.history.validation_loss == dense.history.validation_loss).all()
        assert run.model.predict_proba(table).tobytes() == dense.model.predict_proba(x).tobytes()
        assert (run.model.predict(table) == dense.model.predict(x)).all()
    assert (unsorted.indices == kept).all()


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_values_of_one_place_are_added_up_whatever_their_type(dtype):
    twice = sparse.coo_array((np.array([100, 100, 100, 1], dtype), ([0, 0, 0, 1], [0, 0, 0, 1])), (2, 2))
    network, own = Network([Dense(1)], SquaredError()), {"0.weight": np.ones((2, 1)), "0.bias": np.zeros(1)}
    model = descend.Model(network, own)
    assert model.predict(twice).tolist() == [300, 1]


def test_many_models_share_a_sparse_table():
    x, y = _table("float32"), np.arange(ROWS) % 3
    variations = [{"seed": 1}, {"lr": 0.1}, {"rows": np.arange(30)}]
    dense, thin = (
        descend.train_many(NETWORKS["wide"], table, y, variations=variations, optimizer=Adam(0.01), epochs=2)
        for table in (x, sparse.csr_array(x))
    )
    for one, other in zip(dense, thin, strict=True):
        for name, array in one.model.parameters.items():
            assert other.model.parameters[name].tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (sparse.csr_array(np.array([[0, np.nan], [1, 0]])), "X holds nan in row 0, column 1"),
        (sparse.csr_array(np.array([[0, 1], [0, 1e300]])), "X holds 1e+300 in row 1, column 1"),
        (sparse.csr_array(np.eye(2, dtype=complex)), "must hold numbers, not complex128"),
        (sparse.csr_array((2, 0)), "two dimensions"),
        (sparse.coo_array(np.array([1.0, 2.0])), "two dimensions"),
    ],
)
def test_tables_that_hold_something_else_are_refused(table, message):
    with pytest.raises(DataError) as caught:
        descend.train(Network([Dense(1)], SquaredError()), table, np.ones(2), optimizer=SGD())
    assert message in str(caught.value)


def test_a_solver_reads_sparse_rows():
    network = Network([Dense(3)], CrossEntropy())
    x = _table("float64")
    found = []
    for rows in (x, sparse.csr_array(x)):
        program = get_engine("native").compile(network, network.widths(COLUMNS), SGD(), "float64", 1, 3)
        found.append(lbfgs(program, network, _inputs(network, rows), l2=0.01, tol=1e-8))
    assert found[1].converged
    assert found[0].objective == found[1].objective
