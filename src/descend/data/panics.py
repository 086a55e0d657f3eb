"""Panics of polars, which are no Exceptions, as errors that say what to do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from descend.errors import DataError


@contextlib.contextmanager
def panics_named() -> Iterator[None]:
    """Turns a panic within into a DataError; also a decorator.

    Panics are known by the name of their class: where polars panics while it is imported, there is no class
    to name.
    """
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise DataError(_described(str(error))) from error


def _described(panic: str) -> str:
    reason = " ".join(panic.split())[:200]
    if "spawn" in panic:
        return f"polars, which reads tables, was refused threads: raise the limit (ulimit -u) ({reason})"
    return (
        f"polars, which reads tables, stopped at something in the data: {reason}; look for values out of any "
        "common range, such as dates beyond year 9999"
    )
