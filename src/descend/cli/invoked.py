"""How the command was called, for lines that show a command to use."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

_NAME = "descend"


def shown_command(*arguments: str) -> str:
    """A line that works where this command was called, such as ``.venv/bin/descend predict …``."""
    return shlex.join((*_called(), *arguments))


def _called() -> tuple[str, ...]:
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        return sys.orig_argv[0], "-m", _NAME
    found = shutil.which(_NAME)
    if program.name != _NAME or (found is not None and _same(Path(found), program)):
        return (_NAME,)
    return (sys.argv[0],)


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return False
