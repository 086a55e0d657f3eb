"""Engines by name; the module behind a name is imported when it is first asked for."""

from __future__ import annotations

import importlib
import warnings
from typing import cast

from descend.engines.protocol import Engine
from descend.errors import EngineUnavailable, EngineWarning, OptionError, choices

_MODULES = {
    "native": "descend.engines.native",
    "reference": "descend.engines.reference",
    "pytorch": "descend.engines.pytorch",
}
ENGINES = tuple(_MODULES)
AUTO = "auto"
ENGINE_CHOICES = (AUTO, *ENGINES)


def get_engine(name: str) -> Engine:
    """The engine of that name.

    Raises
    ------
    OptionError : no engine has that name.
    EngineUnavailable : its library is not installed, not built or does not load; the message says what to do.
    """
    if not isinstance(name, str) or name not in _MODULES:
        raise OptionError(f"unknown engine {name!r}; {choices(name, ENGINES)}")
    return cast(Engine, importlib.import_module(_MODULES[name]).engine())


def choose_engine(name: str) -> tuple[str, str]:
    """The engine to use, and a note: for ``auto`` native, else reference and why; else the one of that name.

    Raises
    ------
    OptionError : neither ``auto`` nor an engine's name.
    EngineUnavailable : the engine of that name cannot be used.
    """
    if name not in ENGINE_CHOICES:
        raise OptionError(f"unknown engine {name!r}; {choices(name, ENGINE_CHOICES)}")
    if name != AUTO:
        get_engine(name)
        return name, ""
    try:
        get_engine("native")
    except EngineUnavailable as error:
        return "reference", f"engine reference computes, which is slower: {error}"
    return "native", ""


def resolve_engine(name: str, stacklevel: int = 3) -> str:
    """The same, with the note as an EngineWarning where there is one.

    stacklevel : whose line the warning names, as in ``warnings.warn``: 3 for that of the caller's caller.
    """
    used, note = choose_engine(name)
    if note:
        warnings.warn(note, EngineWarning, stacklevel=stacklevel)
    return used
