"""Every exception descend raises on purpose.

::

    DescendError                    exit_code 1
    ├── UserError                   exit_code 2: the caller can mend it
    │   ├── OptionError             a declared value is out of range or unknown (also a ValueError)
    │   ├── DataError               a table, image or array cannot be used (also a ValueError)
    │   ├── ModelFileError          a model file is damaged, foreign, too old or too new
    │   ├── OutputError             a folder or file cannot be written, or is already there
    │   ├── EngineUnavailable       the engine's library is not installed, not built or does not load
    │   └── EngineBusy              a second caller used a program that was still running
    └── Diverged                    exit_code 3: the loss stopped being finite, or grew beyond all measure

``DataWarning`` and ``EngineWarning`` are no errors: they tell what was noticed in data that could be used,
and that a slower engine computes.

Messages are one line, name what was found and where, and end with the remedy where there is one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class DescendError(Exception):
    """Base of all errors of descend; ``exit_code`` is what the command returns."""

    exit_code = 1


class UserError(DescendError):
    """Something the caller can mend."""

    exit_code = 2


class OptionError(UserError, ValueError):
    """A declared value is out of range or unknown."""


class DataError(UserError, ValueError):
    """A table, image or array cannot be used as it is."""


class DataWarning(UserWarning):
    """What was noticed in data that was used: columns left out, cells read in another way than written."""


class EngineWarning(UserWarning):
    """Nobody named an engine, and the fast one cannot be used here."""


class ModelFileError(UserError):
    """A model file is damaged, not a model, or of another format."""


class OutputError(UserError):
    """A result cannot be written where it was asked for."""


class EngineUnavailable(UserError):
    """The engine's library is not installed, was not built on this machine, or does not load."""


class EngineBusy(UserError):
    """A program serves one caller at a time, and another one is still running."""


class Diverged(DescendError):
    """The loss stopped being finite, or grew to 1e12 times what it was at first.

    Parameters
    ----------
    message : one line that names step, rate and a remedy.
    step : the first step, counted from 0, whose loss was that bad.
    parameters : the last weights that were finite, name to array.
    """

    exit_code = 3

    def __init__(self, message: str, step: int, parameters: dict[str, Any]) -> None:
        super().__init__(message)
        self.step = step
        self.parameters = parameters

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self), self.step, self.parameters)


def choices(found: object, known: Iterable[str]) -> str:
    """End of a message about an unknown name: the nearest one, then all of them."""
    names = list(known)
    near = difflib.get_close_matches(str(found), names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}choices: {', '.join(names)}"
