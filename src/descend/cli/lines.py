"""Lines on standard output and error, for which nothing but Python itself is needed.

Names from people's data are shown as they are, but control characters by their codes.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys

from descend.errors import OutputError

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_CONTROL |= {ord("\t"): r"\t", ord("\n"): r"\n", ord("\r"): r"\r"}


class Closed(io.TextIOBase):
    """Standard output or error where the caller closed it: writing fails, as on any closed stream."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        """Raises OSError."""
        raise OSError(errno.EBADF, "it is closed")


def visible(text: str) -> str:
    """``text`` with control characters by their codes, so that it stays on its line and is no command."""
    return text.translate(_CONTROL)


def note(text: str) -> None:
    """A line on standard error, as far as it can be written."""
    with contextlib.suppress(OSError, ValueError):
        print(visible(text), file=sys.stderr, flush=True)


def drop_unwritten() -> None:
    """Drops what standard output and error could not take, which Python would else try again when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):  # it has no descriptor
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_bytes(content: bytes) -> None:
    """Writes to standard output. Raises OSError where it fails."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def check_open() -> None:
    """Raises OutputError where standard output is closed."""
    if isinstance(sys.stdout, Closed):
        raise OutputError("standard output is closed: name a file with --out")
