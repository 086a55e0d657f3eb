"""Keeping within ``ulimit -v``, beyond which the libraries that read tables end the process."""

from __future__ import annotations

import os

from descend.errors import OptionError
from descend.memory import free_address_space

# Bytes of addresses that the libraries reserve before there is any data. Measured with polars and OpenBLAS on
# one and on two cores: 990 and 1,450 MB.
_LEAST = 600 << 20
_PER_THREAD = 460 << 20
_THREADS = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS")


def keep_within_limit() -> None:
    """Gives the libraries as many threads as a limit on addresses leaves room for; before they are imported.

    Raises OptionError where there is not room for one.
    """
    free = free_address_space()
    if free is None:
        return
    threads = (free - _LEAST) // _PER_THREAD
    if threads < 1:
        raise OptionError(
            f"ulimit -v leaves {free >> 20:,} MB of addresses, and {(_LEAST + _PER_THREAD) >> 20:,} MB are "
            f"needed before any data: raise it, as by ulimit -v {2 * (_LEAST + _PER_THREAD) >> 10}"
        )
    if threads < (os.cpu_count() or 1):
        for name in _THREADS:
            os.environ.setdefault(name, str(threads))
