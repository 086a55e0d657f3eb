"""The program that a fitted perceptron predicts with, kept from call to call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable

import numpy as np

from descend.engines.overflow import row_beyond
from descend.engines.protocol import Array, Program, Rows, State
from descend.estimators.beyond import no_answer


class Answering:
    """Answers rows with a program that is compiled for the first of them.

    It belongs to one process and one fit: pickles and copies are empty, and a forked child compiles its own.
    """

    def __init__(self) -> None:
        self._kept: _Kept | None = None

    def __reduce__(self) -> tuple[type[Answering], tuple[()]]:
        return Answering, ()

    def output(self, key: Hashable, compiled: Callable[[], Program], parameters: State, x: Rows) -> Array:
        """What the network says of the target for each row, (n, outputs).

        key : what ``compiled`` depends on.  parameters : the weights at present, which their owner may have
        changed since the last call.

        Raises
        ------
        DataError : the first row whose output is no finite number, before the inverse link or behind it.
        """
        kept = self._kept
        if kept is None or not kept.serves(key):
            kept = self._kept = _Kept(key, compiled())
        if not kept.lock.acquire(blocking=False):  # another thread is being answered
            return _Kept(key, compiled()).output(parameters, x)
        try:
            return kept.output(parameters, x)
        finally:
            kept.lock.release()


class _Kept:
    def __init__(self, key: Hashable, program: Program) -> None:
        self._key, self._program, self._process = key, program, os.getpid()
        self._loaded: State = {}
        self.lock = threading.Lock()

    def serves(self, key: Hashable) -> bool:
        return self._process == os.getpid() and self._key == key

    def output(self, parameters: State, x: Rows) -> Array:
        loaded = self._loaded
        if not loaded or not all(np.array_equal(part, loaded[name]) for name, part in parameters.items()):
            self._loaded = {}  # in case that the weights are refused
            self._program.load(parameters)
            self._loaded = {name: part.copy() for name, part in parameters.items()}
        output = self._program.output(x, inverse_link=True)
        if (row := row_beyond(self._program, x, 1.0, output, inverse_link=True)) is not None:
            raise no_answer(row, "prediction", output.dtype)
        return output
