"""``ulimit -v``: no library ends the process, and what is said helps."""

import os
import resource
import subprocess
import sys

import pytest

from descend.cli import address_space
from descend.errors import OptionError


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits on addresses hold on Linux")
@pytest.mark.parametrize(("megabytes", "status"), [(300, 2), (700, 2), (1150, 0)])
def test_a_limit_is_kept_within_or_named(tmp_path, megabytes, status):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    code = "import sys; from descend.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "fit", "houses", "--epochs", "2", "--out", "run"],
        cwd=tmp_path, preexec_fn=limit, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    if status == 2:
        assert done.stderr.startswith("descend: ulimit -v leaves ")
        assert "1,060 MB are needed before any data: raise it, as by ulimit -v 2170880" in done.stderr
        assert list(tmp_path.iterdir()) == []


def test_libraries_get_the_threads_that_there_is_room_for(monkeypatch):
    names = ("POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS")
    monkeypatch.setattr(address_space.os, "cpu_count", lambda: 8)
    for free, wanted in ((None, None), (1100 << 20, "1"), (2500 << 20, "4"), (9000 << 20, None)):
        monkeypatch.setattr(address_space, "free_address_space", lambda free=free: free)
        for name in names:
            monkeypatch.delenv(name, raising=False)
        address_space.keep_within_limit()
        assert [os.environ.get(name) for name in names] == [wanted, wanted]
        for name in names:
            os.environ.pop(name, None)
    monkeypatch.setattr(address_space, "free_address_space", lambda: 1000 << 20)
    with pytest.raises(OptionError, match="leaves 1,000 MB"):
        address_space.keep_within_limit()
