"""Long calls into foreign code that Ctrl-C and SIGTERM can end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import TypeVar

T = TypeVar("T")

_LOOK = 0.1  # seconds between looks for a signal that was delivered to another thread


def interruptibly(call: Callable[[], T]) -> T:
    """What ``call`` returns or raises; a signal is answered while it runs, and not only after it.

    Python runs signal handlers in the main thread, between two of its own instructions, so a call into
    polars keeps them waiting. The call runs in a thread of its own instead, and the main thread waits.

    Raises what the handler raises, KeyboardInterrupt for Ctrl-C. The call then runs on unheard, until it
    ends or the process does: it must hold nothing that someone waits for.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # polars' panics among them: the waiting thread raises it
            outcome.set_exception(error)

    try:
        threading.Thread(target=run, name="reading", daemon=True).start()
    except RuntimeError:  # no further thread is allowed: read all the same, if deaf
        return call()
    while not wait_for([outcome], _LOOK).done:
        pass
    return outcome.result()
