"""Engines by name; the module behind a name is imported when it is first asked for."""

from __future__ import annotations

import importlib
from typing import cast

from descend.engines.protocol import Engine
from descend.errors import OptionError, choices

_MODULES = {
    "native": "descend.engines.native",
    "reference": "descend.engines.reference",
    "pytorch": "descend.engines.pytorch",
}
ENGINES = tuple(_MODULES)


def get_engine(name: str) -> Engine:
    """The engine of that name.

    Raises
    ------
    OptionError : no engine has that name.
    EngineUnavailable : its library is not installed or was not built; the message says what to do.
    """
    if not isinstance(name, str) or name not in _MODULES:
        raise OptionError(f"unknown engine {name!r}; {choices(name, ENGINES)}")
    return cast(Engine, importlib.import_module(_MODULES[name]).engine())
