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

from descend.engines.finite import all_finite
from descend.engines.protocol import Engine, Program, Rows
from descend.engines.registry import ENGINES, get_engine
from descend.engines.sparse import as_csr, is_sparse
from descend.engines.threads import resolve_threads
from descend.errors import DataError, EngineUnavailable, OptionError, choices
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
        if classes is not None and len(classes) != max(network.outputs, 2):
            raise OptionError(f"{len(classes)} classes for a network of {network.outputs} outputs")
        if (classes is None and isinstance(network.loss, CrossEntropy)) or (
            classes is not None and not network.classifies
        ):
            raise OptionError("classes belong to networks that compare them, and those need them")
        self.network = network
        self.parameters = dict(parameters)
        self.classes = classes
        self.encoder = encoder
        self.target = target
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
        DataError : columns are missing, values cannot be read, the width does not fit.

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

    def answers(self, x: Rows, scale: float = 1.0) -> Array:
        """``predict`` on inputs that are already encoded, (n, inputs)."""
        if self.classes is not None:
            return self.classes[self.class_numbers(x, scale)]
        z = self._output(x, scale, inverse_link=isinstance(self.network.loss, Poisson))
        if self.network.classifies:
            return (z > 0).astype(np.int64)
        if self.target is not None:
            z = self.target.decode(z)
        return z[:, 0] if z.shape[1] == 1 else z

    def class_numbers(self, x: Rows, scale: float = 1.0) -> NDArray[np.int64]:
        """The class of each encoded row by its place in ``classes``, (n,)."""
        z = self._output(x, scale, inverse_link=False)
        return z.argmax(axis=1) if z.shape[1] > 1 else (z[:, 0] > 0).astype(np.int64)

    def probabilities(self, x: Rows, scale: float = 1.0) -> Array:
        """``predict_proba`` on inputs that are already encoded, (n, inputs)."""
        if not self.network.classifies:
            raise OptionError("this model predicts numbers: it has no probabilities")
        p = self._output(x, scale, inverse_link=True)
        if self.classes is not None and not isinstance(self.network.loss, CrossEntropy):
            return np.concatenate((1 - p, p), axis=1)
        return p

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model file, whole or not at all. Raises OutputError where it cannot."""
        from descend.models.file import save_model

        save_model(self, Path(path))

    def encode(self, X: Any, notices: Notices | None = None) -> tuple[Rows, float]:
        """The network's inputs for rows as the user has them: (n, inputs) and the scale of 8-bit values.

        notices : takes what the encoder noticed (unseen categories, columns not used, …).
        """
        if self.encoder is None:
            return self._matrix(X)
        return self.encoder.transform(X, self.dtype, notices), self.encoder.scale

    def _encoded(self, X: Any) -> tuple[Rows, float]:
        """``encode``, with what was noticed as warnings at the line that called ``predict``."""
        if self.encoder is None:
            return self._matrix(X)
        from descend.data.notices import Notices, tell

        notices = Notices()
        encoded = self.encode(X, notices)
        tell(notices.texts, stacklevel=3)
        return encoded

    def _matrix(self, X: Any) -> tuple[Rows, float]:
        if type(X) is not np.ndarray and is_sparse(X):
            self._check_shape(X.shape)
            return as_csr(X, self.dtype, "X"), 1.0
        x = np.asarray(X)
        self._check_shape(x.shape)
        if x.dtype == self._dtype and x.flags.carray:
            inputs = x
        elif x.dtype == np.uint8:
            return np.ascontiguousarray(x), 1.0 / 255.0
        elif x.dtype.kind in "biuf":
            with np.errstate(over="ignore"):  # found below, and named as it was given
                inputs = np.require(x, self._dtype, ("C", "A"))
        else:
            raise DataError(f"X must hold numbers, not {x.dtype}")
        if not all_finite(inputs):
            row, column = np.argwhere(~np.isfinite(inputs))[0]
            raise DataError(
                f"X holds {x[row, column]} in row {row}, column {column}: values must be finite "
                f"and fit {self.dtype}"
            )
        return inputs, 1.0

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 2 or shape[1] != self._inputs:
            hint = f"; one row is X.reshape(1, {self.inputs})" if shape == (self.inputs,) else ""
            raise DataError(f"X must have shape (rows, {self.inputs}), not {shape}{hint}")

    def _output(self, x: Rows, scale: float, inverse_link: bool) -> Array:
        if self._forks != _forks:  # a fork may have copied the lock while it was held
            self._program, self._lock, self._forks = None, threading.Lock(), _forks
        with self._lock:  # a program serves one caller at a time
            if self._program is None:
                self._program = self._compile()
            return self._program.output(x, scale, inverse_link)

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


def _engine(name: str) -> Engine:
    """The engine that trained the model, or the reference, which is always there."""
    try:
        return get_engine(name)
    except EngineUnavailable as error:
        _log.warning("%s; predicting with the reference engine", error)
        return get_engine("reference")


def _count_fork() -> None:
    global _forks
    _forks += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_fork)
