"""What a fit needs beside the modules it imports: the promise is the data's own bytes and 60 MB."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

STATUS = Path("/proc/self/status")
FIT = """
import sys, descend
descend.fit(sys.argv[1], epochs=1, threads=2, out=sys.argv[1] + "/run")
"""
SAME_MODULES = """
import contextlib, importlib, sys
for name in sys.stdin.read().split():
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
"""
# Library pages count or not as the system maps them: what the process holds for itself is looked at often.
PEAK = """
import re, threading

peak, done = 0, threading.Event()

def look():
    global peak
    status = open("/proc/self/status").read()
    peak = max(peak, int(re.search(r"RssAnon:\\s+(\\d+) kB", status)[1]) * 1024)

def watch():
    while not done.wait(0.002):
        look()

watcher = threading.Thread(target=watch)
watcher.start()
"""
SAY = """
done.set()
watcher.join()
look()
print(peak)
"""


def _run(code: str, *arguments: str, given: str = "") -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


def _images(folder: Path, train: int, test: int) -> Path:
    folder.mkdir()
    generator = np.random.Generator(np.random.Philox(0))
    for part, rows in (("train", train), ("t10k", test)):
        for what, shape, levels in (("images-idx3", (rows, 28, 28), 16), ("labels-idx1", (rows,), 10)):
            header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
            values = generator.integers(0, levels, shape, np.uint8).tobytes()
            (folder / f"{part}-{what}-ubyte.gz").write_bytes(gzip.compress(header + values, 1))
    return folder


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from Linux's /proc")
def test_fitting_images_of_mnists_size(tmp_path: Path) -> None:
    small, large = _images(tmp_path / "small", 500, 100), _images(tmp_path / "large", 60_000, 10_000)
    modules = _run(FIT + "print(*sys.modules)", str(small))
    base = int(_run(SAME_MODULES + PEAK + SAY, given=modules))
    peak = int(_run(SAME_MODULES + PEAK + FIT + SAY, str(large), given=modules))
    assert (peak - base) / 1e6 < 70_000 * 784 / 1e6 + 40  # libraries take the rest


SPARSE = """
import descend, numpy as np
from scipy import sparse

rows, columns = 40_000, 50_000
stored = np.random.default_rng(0).integers(0, columns, (rows, 5), dtype=np.int32)
values, starts = np.ones(5 * rows, np.float32), np.arange(rows + 1) * 5
table = sparse.csr_array((values, stored.ravel(), starts), (rows, columns))
table.sum_duplicates()
y = np.arange(rows) % 2
"""
TRAIN_SPARSE = """
network = descend.Network([descend.Dense(16, "relu"), descend.Dense(2)], descend.CrossEntropy())
run = descend.train(network, table, y, optimizer=descend.SGD(0.1), epochs=1, batch_size=256, threads=2)
assert run.model.predict(table).shape == (rows,)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="memory is read from Linux's /proc")
def test_a_sparse_table_is_never_dense() -> None:
    base = int(_run(SPARSE + PEAK + SAY))
    peak = int(_run(SPARSE + PEAK + TRAIN_SPARSE + SAY))
    assert (peak - base) / 1e6 < 100  # dense, it has 8 GB; the first layer's weights 3 MB
