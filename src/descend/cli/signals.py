"""Signals that end a command, and what they may mean."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def ends_as_interrupts() -> Iterator[None]:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, so that nothing half-written is left.

    One that the caller ignores, as nohup does with SIGHUP, stays ignored.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [
        number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def threads_are_refused() -> bool:
    """Whether the system lets this process start no more threads.

    OpenBLAS then sends SIGINT to its own process, which looks like Ctrl-C.
    """
    thread = threading.Thread(target=int)
    try:
        thread.start()
    except RuntimeError:
        return True
    thread.join()
    return False
