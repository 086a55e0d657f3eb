"""Dropout before the first layer, on rows with few zeros and many: native answers as the reference does."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from descend.engines.agreement import compare, promised
from descend.engines.protocol import Inputs
from descend.engines.registry import get_engine
from descend.errors import EngineUnavailable
from descend.networks import CrossEntropy, Dense, Dropout, Network
from descend.optimizers import SGD, Adam

ROWS, COLUMNS = 53, 70
BEFORE = {"none": [], "one": [Dropout(0.3)], "two": [Dropout(0.3), Dropout(0.4)]}
UNITS = (1, 16, 17, 40)  # narrow up to 16
ZEROS = (0.0, 0.81, 1.0)


def _network(before, units):
    return Network([*BEFORE[before], Dense(units, "tanh"), Dropout(0.2), Dense(3)], CrossEntropy())


def _rows(kind, zeros):
    rng = np.random.default_rng(4)
    filled = rng.random((ROWS, COLUMNS)) >= zeros
    drawn = rng.integers(1, 256, filled.shape) if kind == "uint8" else rng.normal(size=filled.shape)
    x = np.where(filled, drawn, 0)
    labels = rng.integers(0, 3, ROWS)
    if kind == "uint8":
        return Inputs(x.astype("uint8"), labels, None, 1 / 255)
    return Inputs(sparse.csr_array(x) if kind == "sparse" else x, labels)


@pytest.fixture(autouse=True)
def _native():
    try:
        get_engine("native")
    except EngineUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kind", ["float", "uint8", "sparse"])
@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("before", BEFORE)
def test_gradients_and_steps(before, units, kind):
    for zeros, dtype in itertools.product(ZEROS, ("float32", "float64")):
        agreement = compare(
            _network(before, units), _rows(kind, zeros), Adam(0.01), dtype=dtype, steps=2, batch_size=20,
            rejoin=True, threads=2,
        )  # fmt: skip
        assert agreement.within(promised(dtype, 1)), f"{zeros} zeros\n{agreement.report()}"


@pytest.mark.parametrize("kind", ["float", "uint8", "sparse"])
@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("before", BEFORE)
def test_outputs_and_evaluations(before, units, kind):
    network = _network(before, units)
    for zeros, dtype in itertools.product(ZEROS, ("float32", "float64")):
        given, eps = _rows(kind, zeros), float(np.finfo(dtype).eps)
        inputs = replace(given, x=given.x if kind == "uint8" else given.x.astype(dtype))
        native, reference = (
            get_engine(engine).compile(network, network.widths(COLUMNS), SGD(), dtype, 1, 3)
            for engine in ("native", "reference")
        )
        for rows in (inputs.x, inputs.x[:1]):
            output = native.output(rows, inputs.scale)
            np.testing.assert_allclose(output, reference.output(rows, inputs.scale), rtol=0, atol=60 * eps)
        sums, wanted = native.evaluate(inputs), reference.evaluate(inputs)
        assert sums.loss == pytest.approx(wanted.loss, rel=200 * eps)
        assert sums.correct == wanted.correct
