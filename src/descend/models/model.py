"""A trained model: encoder, network and weights in one piece."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descend.engines.protocol import Engine, Program
from descend.engines.registry import get_engine
from descend.engines.threads import resolve_threads
from descend.errors import DataError, EngineUnavailable, OptionError
from descend.networks import CrossEntropy, Network
from descend.optimizers import SGD

if TYPE_CHECKING:  # polars need not be there to predict from arrays
    from descend.data.encoding import ImageEncoder, TableEncoder
    from descend.data.target import NumberTarget

Array = NDArray[Any]


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
        self.network = network
        self.parameters = dict(parameters)
        self.classes = classes
        self.encoder = encoder
        self.target = target
        self.engine = engine
        self.threads = threads
        self.about = dict(about or {})
        self._program: Program | None = None
        self._lock = threading.Lock()

    @property
    def inputs(self) -> int:
        """Width of the network's input."""
        return int(self.parameters["0.weight"].shape[0])

    @property
    def dtype(self) -> str:
        """float32 or float64."""
        return str(self.parameters["0.weight"].dtype)

    def predict(self, X: Any) -> Array:
        """One answer a row.

        X : (n, inputs) array, or for a model of tables or images a table, file or folder of such rows.

        Returns (n,) class labels in the user's own type, or (n,) numbers in the target's units;
        (n, outputs) where there are several targets. A row's answer does not depend on its neighbours.

        Raises
        ------
        DataError : columns are missing, values cannot be read, the width does not fit.
        """
        return self._answers(*self._inputs(X))

    def predict_proba(self, X: Any) -> Array:
        """Probabilities, (n, classes) in the order of ``classes``; (n, outputs) for several yes/no columns.

        Raises
        ------
        OptionError : the model predicts numbers.
        DataError : as ``predict``.
        """
        return self._probabilities(*self._inputs(X))

    def answers(self, x: Array, scale: float = 1.0) -> Array:
        """``predict`` on inputs that are already encoded, (n, inputs)."""
        return self._answers(x, scale)

    def probabilities(self, x: Array, scale: float = 1.0) -> Array:
        """``predict_proba`` on inputs that are already encoded, (n, inputs)."""
        return self._probabilities(x, scale)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the model file, whole or not at all. Raises OutputError where it cannot."""
        from descend.models.file import save_model

        save_model(self, Path(path))

    def encode(self, X: Any) -> tuple[Array, float]:
        """The network's inputs for rows as the user has them: (n, inputs) and the scale of 8-bit values."""
        return self._inputs(X)

    def _inputs(self, X: Any) -> tuple[Array, float]:
        if self.encoder is not None:
            return self.encoder.transform(X, self.dtype), self.encoder.scale
        return self._matrix(X)

    def _matrix(self, X: ArrayLike) -> tuple[Array, float]:
        x = np.asarray(X)
        if x.ndim != 2 or x.shape[1] != self.inputs:
            hint = f"; one row is X.reshape(1, {self.inputs})" if x.shape == (self.inputs,) else ""
            raise DataError(f"X must have shape (rows, {self.inputs}), not {x.shape}{hint}")
        if x.dtype == np.uint8:
            return np.ascontiguousarray(x), 1.0 / 255.0
        if x.dtype.kind not in "biuf":
            raise DataError(f"X must hold numbers, not {x.dtype}")
        x = np.ascontiguousarray(x, self.dtype)
        if not np.isfinite(x).all():
            row, column = np.argwhere(~np.isfinite(x))[0]
            raise DataError(f"X holds {x[row, column]} in row {row}, column {column}: fill it in")
        return x, 1.0

    def _answers(self, x: Array, scale: float) -> Array:
        z = self._output(x, scale, probabilities=False)
        if self.classes is not None:
            return self.classes[z.argmax(axis=1) if z.shape[1] > 1 else (z[:, 0] > 0).astype(np.int64)]
        if self.network.classifies:
            return (z > 0).astype(np.int64)
        if self.target is not None:
            z = self.target.decode(z)
        return z[:, 0] if z.shape[1] == 1 else z

    def _probabilities(self, x: Array, scale: float) -> Array:
        if not self.network.classifies:
            raise OptionError("this model predicts numbers: it has no probabilities")
        p = self._output(x, scale, probabilities=True)
        if self.classes is not None and not isinstance(self.network.loss, CrossEntropy):
            return np.concatenate((1 - p, p), axis=1)
        return p

    def _output(self, x: Array, scale: float, probabilities: bool) -> Array:
        with self._lock:  # a program serves one caller at a time
            if self._program is None:
                self._program = self._compile()
            return self._program.output(x, scale, probabilities)

    def _compile(self) -> Program:
        program = _engine(self.engine).compile(
            self.network, self.network.widths(self.inputs), SGD(), self.dtype,
            resolve_threads(self.threads), 0,
        )  # fmt: skip
        program.load(self.parameters)
        return program

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_program", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._program = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        widths = "-".join(str(width) for width in self.network.widths(self.inputs))
        return f"<descend.Model {widths}, {type(self.network.loss).__name__}, {self.dtype}>"


def _engine(name: str) -> Engine:
    """The engine that trained the model, or the reference, which is always there."""
    try:
        return get_engine(name)
    except EngineUnavailable as error:
        logging.getLogger("descend").warning("%s; predicting with the reference engine", error)
        return get_engine("reference")
