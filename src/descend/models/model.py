"""A trained model: encoder, network and weights in one piece."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from descend.engines.overflow import first_row_beyond, row_beyond
from descend.engines.protocol import Engine, Program, Rows
from descend.engines.registry import ENGINES, get_engine
from descend.engines.scale import check_input_scale
from descend.engines.threads import resolve_threads
from descend.errors import DataError, EngineUnavailable, OptionError, choices
from descend.models.about import check_about
from descend.models.classes import checked_classes
from descend.models.rows import Place, array_rows, place_in_array
from descend.networks import CrossEntropy, Network, Poisson
from descend.optimizers import SGD

if TYPE_CHECKING:  # polars need not be there to predict from arrays
    from descend.data.encoding import ImageEncoder, TableEncoder
    from descend.data.notices import Notices
    from descend.data.target import NumberTarget

Array = NDArray[Any]
_OWN = ("_program", "_lock", "_forks")  # what a process does not pass on
_forks = 0  # between this process and the first one: quicker to read than the process's number
_log = logging.getLogger("descend")
_log.addHandler(logging.NullHandler())  # the library never prints


class Model:
    """What a training run leaves behind, and what predicts.

    Attributes
    ----------
    network : the Network.
    parameters : weights and biases by name (``0.weight`` (inputs, units), ``0.bias`` (units,), …).
    classes : labels in class order, (classes,), in the user's own type; None where numbers are predicted.
    encoder : turns rows of a table or images into the network's inputs; None for a model of arrays.
    target : maps numbers back to the target's units; None where the network predicts them itself.
    input_scale : what every value is multiplied by on its way into the network, whatever its type: 1/255 for
        pixels from 0 to 255. By default the encoder's, or 1.
    engine : name of the engine that predicts.
    about : facts about its making (task, table, split, versions), plain JSON values.
    """

    def __init__(
        self,
        network: Network,
        parameters: Mapping[str, Array],
        *,
        classes: Array | None = None,
        encoder: TableEncoder | ImageEncoder | None = None,
        target: NumberTarget | None = None,
        input_scale: float | None = None,
        engine: str = "native",
        threads: int | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        first = parameters.get("0.weight")
        if first is None or first.ndim != 2:
            raise OptionError("parameters must hold 0.weight, (inputs, units)")
        network.check_parameters(first.shape[0], parameters)
        if first.dtype not in (np.float32, np.float64) or any(
            array.dtype != first.dtype for array in parameters.values()
        ):
            raise OptionError("parameters must all be float32 or all float64")
        if engine not in ENGINES:
            raise OptionError(f"unknown engine {engine!r}; {choices(engine, ENGINES)}")
        if classes is not None:
            classes = checked_classes(classes)
        _check_answers(network, classes, encoder, target)
        if encoder is not None and encoder.features != first.shape[0]:
            raise OptionError(
                f"the encoder gives {encoder.features} inputs, the network reads {first.shape[0]}"
            )
        check_about(about or {})
        own_scale = 1.0 if encoder is None else encoder.scale
        input_scale = own_scale if input_scale is None else check_input_scale(input_scale, str(first.dtype))
        if encoder is not None and input_scale != own_scale:
            raise OptionError(f"input_scale is {input_scale}, the encoder's {own_scale}")
        self.network = network
        self.parameters = dict(parameters)
        self.classes = classes
        self.encoder = encoder
        self.target = target
        self.input_scale = input_scale
        self.engine = engine
        self.threads = threads
        self.about = dict(about or {})
        self._inputs, self._dtype = int(first.shape[0]), first.dtype
        self._program: Program | None = None
        self._lock = threading.Lock()
        self._forks = _forks

    @property
    def inputs(self) -> int:
        """Width of the network's input."""
        return self._inputs

    @property
    def dtype(self) -> str:
        """float32 or float64."""
        return str(self._dtype)

    def predict(self, X: Any) -> Array:
        """One answer a row.

        X : (n, inputs) array or scipy.sparse table; for a model of tables or images a table, file or folder
            of such rows.

        Returns (n,) class labels in the user's own type, or (n,) numbers in the target's units (of a Poisson
        network the expected counts); (n, outputs) where there are several targets. A row's answer does not
        depend on its neighbours. Numbers are of the network's type; of a model of tables they are float64,
        rounded to the decimals that a float32 network can tell apart.

        Raises
        ------
        DataError : columns are missing, values cannot be read, the width does not fit, a row's answer is
            no finite number.

        Warns
        -----
        DataWarning : what was noticed in rows of a table or images, such as categories that training had not.
        """
        return self.answers(*self._encoded(X))

    def predict_proba(self, X: Any) -> Array:
        """Probabilities, (n, classes) in the order of ``classes``; (n, outputs) for several yes/no columns.

        Raises
        ------
        OptionError : the model predicts numbers.
        DataError : as ``predict``.

        Warns
        -----
        DataWarning : as ``predict``.
        """
        return self.probabilities(*self._encoded(X))

    def answers(self, x: Rows, place: Place = place_in_array) -> Array:
        """``predict`` on inputs that are already encoded, (n, inputs); ``place`` names a row in messages."""
        if self.classes is not None:
            return self.classes[self.class_numbers(x, place)]
        z = self._output(x, place, inverse_link=isinstance(self.network.loss, Poisson))
        if self.network.classifies:
            return (z > 0).astype(np.int64)
        if self.target is not None:
            with np.errstate(over="ignore"):  # found by the next line
                z = self.target.decode(z)
            if (beyond := first_row_beyond(z)) is not None:
                raise _no_answer(place(beyond), z.dtype)
        return z[:, 0] if z.shape[1] == 1 else z

    def class_numbers(self, x: Rows, place: Place = place_in_array) -> NDArray[np.int64]:
        """The class of each encoded row by its place in ``classes``, (n,)."""
        z = self._output(x, place, inverse_link=False)
        return z.argmax(axis=1) if z.shape[1] > 1 else (z[:, 0] > 0).astype(np.int64)

    def probabilities(self, x: Rows, place: Place = place_in_array) -> Array:
        """``predict_proba`` on inputs that are already encoded, (n, inputs)."""
        if not self.network.classifies:
            raise OptionError("this model predicts numbers: it has no probabilities")
        p = self._output(x, place, inverse_link=True)
        if self.classes is not None and not isinstance(self.network.loss, CrossEntropy):
            return np.concatenate((1 - p, p), axis=1)
        return p

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model file, whole or not at all. Raises OutputError where it cannot."""
        from descend.models.file import save_model

        save_model(self, Path(path))

    def encode(self, X: Any, notices: Notices | None = None) -> tuple[Rows, Place]:
        """The network's inputs for rows as the user has them, (n, inputs), and how messages name a row.

        notices : takes what the encoder noticed (unseen categories, columns not used, …).
        """
        if self.encoder is None:
            return array_rows(X, self._inputs, self._dtype, self.input_scale), place_in_array
        x = self.encoder.transform(X, self.dtype, notices)
        return x, self.encoder.places_of_last_use or place_in_array

    def _encoded(self, X: Any) -> tuple[Rows, Place]:
        """``encode``, with what was noticed as warnings at the line that called ``predict``."""
        if self.encoder is None:
            return self.encode(X)
        from descend.data.notices import Notices, tell

        notices = Notices()
        encoded = self.encode(X, notices)
        tell(notices.texts, stacklevel=3)
        return encoded

    def _output(self, x: Rows, place: Place, inverse_link: bool) -> Array:
        if self._forks != _forks:  # a fork may have copied the lock while it was held
            self._program, self._lock, self._forks = None, threading.Lock(), _forks
        with self._lock:  # a program serves one caller at a time
            if self._program is None:
                self._program = self._compile()
            output = self._program.output(x, self.input_scale, inverse_link)
            beyond = row_beyond(self._program, x, self.input_scale, output, inverse_link)
        if beyond is not None:
            raise _no_answer(place(beyond), output.dtype)
        return output

    def _compile(self) -> Program:
        program = _engine(self.engine).compile(
            self.network, self.network.widths(self.inputs), SGD(), self.dtype,
            resolve_threads(self.threads), 0,
        )  # fmt: skip
        program.load(self.parameters)
        return program

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _OWN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._program, self._lock, self._forks = None, threading.Lock(), _forks

    def __repr__(self) -> str:
        widths = "-".join(str(width) for width in self.network.widths(self.inputs))
        return f"<descend.Model {widths}, {type(self.network.loss).__name__}, {self.dtype}>"


def _check_answers(
    network: Network, classes: Array | None, encoder: object, target: NumberTarget | None
) -> None:
    """Raises OptionError unless classes and target are there where the network's answers need them, only."""
    one_of_many = network.classifies and (isinstance(network.loss, CrossEntropy) or network.outputs == 1)
    if classes is not None and len(classes) != max(network.outputs, 2):
        raise OptionError(f"{len(classes)} classes for a network of {network.outputs} outputs")
    if (classes is None and isinstance(network.loss, CrossEntropy)) or (
        classes is not None and not one_of_many
    ):
        raise OptionError("classes belong to networks that compare them, and those need them")
    if target is not None and network.classifies:
        raise OptionError("a target in units of its own belongs to networks that predict numbers")
    if encoder is not None and target is None and classes is None:
        raise OptionError("a model with an encoder has classes, or a target that it maps numbers back to")


def _engine(name: str) -> Engine:
    """The engine that trained the model, or the reference, which is always there."""
    try:
        return get_engine(name)
    except EngineUnavailable as error:
        _log.warning("%s; predicting with the reference engine", error)
        return get_engine("reference")


def _no_answer(place: str, dtype: np.dtype[Any]) -> DataError:
    return DataError(
        f"{place}: the model's answer is beyond {dtype}, for the row's values are too large; mend the row or "
        "leave it out"
    )


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)
