"""The memory that is left is the least of what the machine, a cgroup and a limit leave."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from descend import memory

ASK = "from descend.memory import free_memory; print(free_memory())"


def test_the_machine_has_some() -> None:
    assert 1 << 20 < memory.free_memory() < 1 << 62


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc")
def test_a_limit_on_the_address_space_counts() -> None:
    limited = f"ulimit -v 400000; exec {sys.executable} -c {ASK!r}"
    asked = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=True)
    assert 0 < int(asked.stdout) < 400_000 * 1024


@pytest.mark.parametrize(("limit", "left"), [("5000\n", 2000), ("max\n", 1 << 62), ("odd", 1 << 62)])
def test_a_cgroup_leaves_what_is_not_used(tmp_path: Path, limit: str, left: int) -> None:
    (tmp_path / "limit").write_text(limit)
    (tmp_path / "used").write_text("3000\n")
    assert memory._of_cgroup(tmp_path / "limit", tmp_path / "used") == left
