"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from descend.errors import OutputError
from descend.writing.renaming import replace, take_name
from descend.writing.temporary import temporary_file, temporary_folder, tidy

_SPARE = 8


def replace_file(path: Path, content: bytes) -> None:
    """Writes beside ``path`` under a temporary name, then renames. Raises OutputError.

    A link is followed; what is no regular file (a device, a pipe) is written to as it is.
    """
    _write(path, content, replace)


def new_file(path: Path, content: bytes) -> None:
    """As ``replace_file``, but raises OutputError where there is such a file."""
    _write(path, content, take_name)


def check_writable(folder: Path) -> None:
    """Raises OutputError where files and folders of this user's rights could not be made and read there."""
    try:
        with _open_folder(folder) as inside, _spare_descriptors(), temporary_file(inside) as file:
            file.chmod(0o666 & ~_umask())
            file.read_bytes()
    except OSError as error:
        mask = _umask()
        if error.errno == errno.EMFILE:
            reason = f"{error.strerror}: raise ulimit -n"
        elif mask & 0o700:
            reason = f"the umask {mask:04o} takes your own rights to new files: set umask 022"
        else:
            reason = str(error.strerror)
        raise OutputError(f"{folder}: cannot be written to ({reason})") from None


@contextlib.contextmanager
def _spare_descriptors() -> Iterator[None]:
    """Holds as many descriptors as writing and what is imported for it may need later. Raises OSError."""
    with contextlib.ExitStack() as held:
        for _ in range(_SPARE):
            held.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        yield


@contextlib.contextmanager
def folder_in_the_making(parent: Path) -> Iterator[Path]:
    """A temporary folder in ``parent``, deleted at the end unless it was renamed meanwhile.

    ``parent`` and those above it are made where they are missing, and deleted where they end empty. Raises
    OutputError.
    """
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    with contextlib.ExitStack() as made:
        made.callback(_delete_empty, missing)
        try:
            parent.mkdir(parents=True, exist_ok=True)
            tidy(parent)
            folder = made.enter_context(_open_folder(parent))
        except OSError as error:
            raise OutputError(f"{parent}: cannot be written to ({error.strerror})") from None
        yield folder


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file so that it is on the disk when this returns. Raises OSError, which names the file."""
    try:
        with path.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def settle(folder: Path) -> None:
    """Has the disk keep the names in ``folder``; where a file system cannot, nothing is lost but that."""
    with contextlib.suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _write(path: Path, content: bytes, rename: Callable[[Path, Path], None]) -> None:
    try:
        path = path.resolve()
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        tidy(path.parent)
        with temporary_file(path.parent) as file:
            write_whole(file, content)
            file.chmod(0o666 & ~_umask())
            rename(file, path)
        settle(path.parent)
    except FileExistsError:
        raise OutputError(f"{path} was written by another program meanwhile: name another file") from None
    except (
        OSError,
        RuntimeError,
    ) as error:  # RuntimeError: links that lead to themselves, before Python 3.13
        raise OutputError(f"{path}: cannot be written ({getattr(error, 'strerror', error)})") from None


def _delete_empty(folders: list[Path]) -> None:
    """Inner ones first; the first that holds something ends it."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


@contextlib.contextmanager
def _open_folder(parent: Path) -> Iterator[Path]:
    """A temporary folder with the rights that the umask leaves."""
    with temporary_folder(parent) as folder:
        folder.chmod(0o777 & ~_umask())
        yield folder


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
