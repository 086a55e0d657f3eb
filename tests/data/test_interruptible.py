"""Signals are answered while foreign code runs."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import pytest

from descend.data.sources.interruptible import interruptibly


class _Interrupted(BaseException):
    pass


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise _Interrupted


def test_a_signal_is_answered_within_a_long_call() -> None:
    ended = threading.Event()

    def long_call() -> None:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 2_000_000)  # a second or more, deaf to signals
        ended.set()

    before = signal.signal(signal.SIGALRM, _interrupt)
    started = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(_Interrupted):
            interruptibly(long_call)
        assert not ended.is_set()
        assert time.perf_counter() - started < 0.5
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_results_and_errors_come_back() -> None:
    assert interruptibly(lambda: 3) == 3
    with pytest.raises(ValueError, match="damaged"):
        interruptibly(lambda: _refuse(ValueError("damaged")))
    with pytest.raises(_Interrupted):  # errors that are no Exception, too
        interruptibly(lambda: _refuse(_Interrupted()))


def _refuse(error: BaseException) -> None:
    raise error


def test_other_threads_call_directly() -> None:
    with ThreadPoolExecutor(1) as pool:
        caller = pool.submit(threading.get_ident).result()
        assert pool.submit(interruptibly, threading.get_ident).result() == caller
    assert interruptibly(threading.get_ident) != threading.get_ident()


def test_where_no_thread_can_start_the_call_is_made_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert interruptibly(lambda: 3) == 3
