"""How many threads an engine may use."""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path

from descend.errors import OptionError

_MOST = 1024
_PER_CORE = 4  # threads that can be meant; a slip is larger


def resolve_threads(threads: int | None) -> int:
    """The number asked for, else ``DESCEND_THREADS``, else the cores this process may use.

    Those are the cores of its affinity mask, no more than its cgroup's quota and no more than an
    ``OMP_NUM_THREADS`` that joblib or a scheduler has set.

    Raises
    ------
    OptionError : not a whole number from 1 to 1024.
    """
    if threads is not None:
        return _checked(threads, "threads")
    wished = os.environ.get("DESCEND_THREADS")
    if wished:
        return _checked(wished, "DESCEND_THREADS")
    usable = min(_affinity(), _cgroup_quota())
    return max(1, min(usable, _openmp_threads(), _MOST))


def check_oversubscription(threads: int) -> None:
    """Raises OptionError for so many threads that they cannot be meant: above four for each core."""
    cores = os.cpu_count() or 1
    if threads > _PER_CORE * cores:
        raise OptionError(
            f"{threads} threads (--threads) are too many for this machine's {cores} cores, of which "
            f"{_affinity()} may be used here: leave the number out to use all of these"
        )


def _openmp_threads() -> int:
    """The first number in ``OMP_NUM_THREADS``, or a large one where it names none."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    named = first.isascii() and first.isdecimal() and len(first) < 6
    return int(first) if named and int(first) > 0 else _MOST


def _checked(value: object, name: str) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = 0
    if isinstance(value, bool) or not 1 <= number <= _MOST:
        raise OptionError(f"{name} must be a whole number from 1 to {_MOST}, not {value!r}")
    return number


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@functools.cache  # reading it takes as long as a small fit
def _cgroup_quota() -> int:
    """Cores' worth of time the cgroup grants, rounded up; a large number where it sets no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()[:2]
    except (OSError, ValueError):
        try:
            folder = Path("/sys/fs/cgroup/cpu")
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        except OSError:
            return _MOST
    if quota in ("max", "-1") or not (quota.isdigit() and period.isdigit() and int(period) > 0):
        return _MOST
    return max(1, math.ceil(int(quota) / int(period)))
