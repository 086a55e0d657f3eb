"""How much memory this process may still take."""

from __future__ import annotations

import os
import resource
from pathlib import Path

_UNKNOWN = 1 << 62
_CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


def free_memory() -> int:
    """Bytes that can be taken before the machine, a cgroup or ``ulimit -v`` refuses them."""
    addresses = free_address_space()
    known = [_of_machine(), *(_of_cgroup(*files) for files in _CGROUPS)]
    return max(0, min(known if addresses is None else [*known, addresses]))


def free_address_space() -> int | None:
    """Bytes of addresses that ``ulimit -v`` leaves; None without a limit."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return limit
    return limit - pages * resource.getpagesize()


def _of_machine() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    if "SC_AVPHYS_PAGES" not in os.sysconf_names:
        return _UNKNOWN
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _of_cgroup(limit: Path, used: Path) -> int:
    try:
        most = limit.read_text().strip()
        return _UNKNOWN if most == "max" else int(most) - int(used.read_text())
    except (OSError, ValueError):
        return _UNKNOWN
