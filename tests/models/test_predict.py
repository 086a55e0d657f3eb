"""Arrays in, answers out: what is taken as it is, what is converted, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from descend.engines import finite
from descend.engines.registry import ENGINES
from descend.errors import DataError
from descend.models.model import Model
from descend.networks import BinaryCrossEntropy, CrossEntropy, Dense, Network, SquaredError

INPUTS = 45


def model(dtype: str = "float32", engine: str = "native") -> Model:
    network = Network([Dense(70, "tanh"), Dense(33, "relu"), Dense(7)], CrossEntropy())
    parameters = network.draw_parameters(INPUTS, 4)
    return Model(
        network,
        {name: array.astype(dtype) for name, array in parameters.items()},
        classes=np.array(list("abcdefg")),
        engine=engine,
    )


def rows(dtype: str = "float32", count: int = 40) -> np.ndarray:
    """Whole numbers over 256: exact in every type that can hold them."""
    return (np.random.default_rng(1).integers(-300, 300, (count, INPUTS)) / 256).astype(dtype)


def unaligned(x: np.ndarray) -> np.ndarray:
    memory = np.zeros(x.nbytes + 1, np.uint8)
    view = np.frombuffer(memory.data, x.dtype, x.size, offset=1).reshape(x.shape)
    view[...] = x
    assert not view.flags.aligned
    return view


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


FORMS = {
    "read-only": read_only,
    "Fortran order": np.asfortranarray,
    "every second row of twice as many": lambda x: np.repeat(x, 2, axis=0)[::2],
    "backwards": lambda x: x[:, ::-1].copy()[:, ::-1],
    "not aligned": unaligned,
    "swapped bytes": lambda x: x.astype(x.dtype.newbyteorder()),
    "a list": lambda x: x.tolist(),
    "float16": lambda x: x.astype("float16"),
    "float64": lambda x: x.astype("float64"),
    "longdouble": lambda x: x.astype("longdouble"),
    "a memory map": lambda x: x.view(np.memmap),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [1, 40])
def test_every_form_of_the_same_rows_has_the_same_bits(form: str, dtype: str, count: int) -> None:
    own, x = model(dtype), rows(dtype, count)
    given = FORMS[form](x)
    assert own.predict_proba(given).tobytes() == own.predict_proba(x).tobytes()
    np.testing.assert_array_equal(own.predict(given), own.predict(x))


@pytest.mark.parametrize("kind", ["int8", "int64", "bool", "uint16"])
def test_whole_numbers_count_as_they_are(kind: str) -> None:
    x = np.random.default_rng(2).integers(0, 2, (5, INPUTS)).astype(kind)
    assert model().predict_proba(x).tobytes() == model().predict_proba(x.astype("float32")).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [*range(1, 14), 31])
def test_a_row_alone_has_the_bits_it_has_in_a_batch(dtype: str, count: int) -> None:
    own, x = model(dtype), rows(dtype)
    whole = own.predict_proba(x)
    assert own.predict_proba(x[:count]).tobytes() == whole[:count].tobytes()
    assert own.predict_proba(x[count : count + 1]).tobytes() == whole[count : count + 1].tobytes()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_rows_are_not_changed(engine: str) -> None:
    if engine == "pytorch":
        pytest.importorskip("torch")
    x = rows()
    before = x.copy()
    model(engine=engine).predict(x)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 3), np.float32), f"X must have shape (rows, {INPUTS}), not (2, 3)"),
        (np.zeros(INPUTS, np.float32), f"not ({INPUTS},); one row is X.reshape(1, {INPUTS})"),
        (np.zeros((1, 1, INPUTS), np.float32), f"not (1, 1, {INPUTS})"),
        (np.float32(3), "not ()"),
        (np.zeros((1, INPUTS), complex), "X must hold numbers, not complex128"),
        (np.full((1, INPUTS), "x"), "X must hold numbers, not <U1"),
        (np.full((1, INPUTS), None), "X must hold numbers, not object"),
        ([[1, 2], [3]], "X is no array: row 1 has 1 values, row 0 has 2"),
        ([[1.0] * INPUTS, [[1.0]] * INPUTS], "X is no array: "),
        (np.ma.masked_equal(np.eye(INPUTS), 0), "X has masked values: fill them in or leave their rows out"),
    ],
)
def test_what_are_no_rows_is_refused(x: np.ndarray, message: str) -> None:
    with pytest.raises(DataError) as caught:
        model().predict(x)
    assert message in str(caught.value)


@pytest.mark.parametrize("extension", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("count", [1, 3, 4000])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
def test_the_place_of_what_is_not_finite_is_named(
    monkeypatch: pytest.MonkeyPatch, value: float, count: int, dtype: str, extension: bool
) -> None:
    if not extension:
        monkeypatch.setattr(finite, "_check", lambda: finite._check_in_numpy)
    own = model()
    for row, column in ((0, 0), (count // 2, 17), (count - 1, INPUTS - 1)):
        x = np.ones((count, INPUTS), dtype)
        x[row, column] = value
        with pytest.raises(DataError, match=f"X holds {x[row, column]} in row {row}, column {column}: "):
            own.predict(x)


def test_a_number_too_large_for_the_model_is_named_as_it_was_given() -> None:
    x = np.zeros((2, INPUTS))
    x[1, 3] = 1e300
    with pytest.raises(DataError, match=r"X holds 1e\+300 in row 1, column 3: .* fit float32"):
        model().predict(x)
    assert model("float64").predict(x).shape == (2,)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_smallest_and_subnormal_numbers_are_finite(dtype: str) -> None:
    info = np.finfo(dtype)
    values = np.array([info.max, -info.max, info.tiny, -info.smallest_subnormal, 0.0, -0.0], dtype)
    assert finite.all_finite(values)
    for bad in (np.nan, -np.nan, np.inf, -np.inf):
        for place in range(len(values)):
            found = values.copy()
            found[place] = bad
            assert not finite.all_finite(found)


def test_no_rows_have_no_answers() -> None:
    assert model().predict(np.empty((0, INPUTS), np.float32)).shape == (0,)
    assert model().predict_proba(rows()[:0]).shape == (0, 7)


def test_numbers_and_yes_or_no_columns_one_row_at_a_time() -> None:
    for loss, outputs in ((SquaredError(), 1), (SquaredError(), 3), (BinaryCrossEntropy(), 4)):
        network = Network([Dense(20, "relu"), Dense(outputs)], loss)
        own = Model(network, {k: v.astype("float32") for k, v in network.draw_parameters(INPUTS, 1).items()})
        whole = own.predict(rows())
        singly = np.concatenate([own.predict(row[None]) for row in rows()])
        assert singly.tobytes() == whole.tobytes()
