"""Giving finished files and folders their names, in one step where the system has one for it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path

_NO_REPLACE, _EXCHANGE = 1, 2  # flags of Linux's renameat2
_RELATIVE_TO_HERE = -100  # AT_FDCWD
_NOT_OFFERED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)  # by the system, or by this file system
_Names = list[tuple[Path, os.stat_result]]
_record: ContextVar[_Names | None] = ContextVar("names given", default=None)


@contextlib.contextmanager
def names_given() -> Iterator[Callable[[], list[Path]]]:
    """A function that tells what was given its name meanwhile, whatever interrupted the renaming."""
    names: _Names = []
    before = _record.set(names)
    try:
        yield lambda: [path for path, status in names if _is(path, status)]
    finally:
        _record.reset(before)


def replace(source: Path, target: Path) -> None:
    """Renames a file to ``target``, whatever file was there. Raises OSError."""
    _remember(source, target)
    source.replace(target)


def take_name(source: Path, target: Path) -> None:
    """Renames ``source`` to ``target`` where that name is free.

    Raises FileExistsError where it is not, OSError for other reasons.
    """
    _remember(source, target)
    if _renamed(source, target, _NO_REPLACE):
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def exchange(source: Path, target: Path) -> None:
    """Gives two folders each other's names.

    One step where the system has it. Elsewhere ``target`` is for a moment beside its place as ``NAME.old``,
    where a kill leaves it. Raises OSError.
    """
    _remember(source, target)
    if _renamed(source, target, _EXCHANGE):
        return
    aside = _free_name(target)
    target.rename(aside)
    try:
        source.rename(target)
    except BaseException:
        aside.rename(target)
        raise
    aside.rename(source)


def _remember(source: Path, target: Path) -> None:
    """Before the renaming: an interruption may come right after it."""
    names = _record.get()
    if names is not None:
        names.append((target, source.stat()))


def _is(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except OSError:
        return False


def _free_name(path: Path) -> Path:
    number = 1
    while True:
        free = path.with_name(f"{path.name}.old" + (f"-{number}" if number > 1 else ""))
        if not os.path.lexists(free):
            return free
        number += 1


def _renamed(source: Path, target: Path, flags: int) -> bool:
    """Whether it was renamed; False where the system cannot do so. Raises OSError."""
    call = _renameat2()
    if call is None:
        return False
    if call(_RELATIVE_TO_HERE, os.fsencode(source), _RELATIVE_TO_HERE, os.fsencode(target), flags) == 0:
        return True
    code = ctypes.get_errno()
    if code in _NOT_OFFERED:
        return False
    raise OSError(code, os.strerror(code), str(target))


@functools.cache
def _renameat2() -> Callable[[int, bytes, int, bytes, int], int] | None:
    """The C library's function; None where it has none."""
    try:
        found = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return None
    found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    found.restype = ctypes.c_int
    return found
