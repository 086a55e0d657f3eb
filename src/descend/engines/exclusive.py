"""One caller at a time: a program's guard against a second one."""

from __future__ import annotations

import threading
from types import TracebackType

from descend.errors import EngineBusy


class Exclusive:
    """A ``with`` block that a second caller may not enter while it runs; not to be nested.

    Raises
    ------
    EngineBusy : another call is still running. It is raised at once, nothing waits.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise EngineBusy(
                "this program is still running another call; wait for it, or compile a program per thread"
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()
