"""Temporary files and folders under names of their own, locked while the process that made them lives.

A process that is killed leaves them behind; a later one sees that nobody holds the lock, and deletes them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_PREFIX, _SUFFIX = ".descend-", ".part"
_NAME = re.compile(r"\.descend-[a-z0-9_]{8}\.part")


@contextlib.contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A new folder in ``parent``, for this user alone; what has its name at the end is deleted.

    Raises OSError.
    """
    with contextlib.ExitStack() as held:
        while True:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX, dir=parent))
            held.callback(shutil.rmtree, folder, ignore_errors=True)
            if _keep(folder, held):
                break
        yield folder


@contextlib.contextmanager
def temporary_file(parent: Path) -> Iterator[Path]:
    """A new empty file in ``parent``, for this user alone; deleted at the end unless renamed.

    Raises OSError.
    """
    with contextlib.ExitStack() as held:
        while True:
            handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=parent)
            os.close(handle)
            path = Path(name)
            held.callback(path.unlink, missing_ok=True)
            if _keep(path, held):
                break
        yield path


def tidy(parent: Path) -> None:
    """Deletes what dead processes of this user left in ``parent``. What cannot be deleted stays."""
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _delete_abandoned(Path(entry.path))


def _keep(path: Path, held: contextlib.ExitStack) -> bool:
    """Locks what was just made, until ``held`` ends; False where another process deleted it before that."""
    try:
        lock = _lock(path)
    except FileNotFoundError:
        return False
    except OSError:  # this file system knows no locks: nobody deletes what cannot be locked
        return True
    if lock is None:
        return False
    held.callback(os.close, lock)
    return True


def _delete_abandoned(path: Path) -> None:
    lock = _lock(path)
    if lock is None:
        return
    try:
        if os.fstat(lock).st_uid != os.geteuid():
            return
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    finally:
        os.close(lock)


def _lock(path: Path) -> int | None:
    """A descriptor that holds the lock; None where another process holds it or took the name away.

    Raises OSError, where locks are unknown or ``path`` is a link or missing.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(opened), path.lstat()):
            return opened
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(opened)
        raise
    os.close(opened)
    return None
