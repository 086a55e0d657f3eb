"""The command from end to end, on a folder of few small images."""

import dataclasses
import io
import json
import struct
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from descend.bench import Settings, measure, peers
from descend.bench.chart import draw
from descend.bench.memory import training_memory
from descend.bench.workloads import NAMES, Workload, named_parameters
from descend.cli.main import run
from descend.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """160 images of 6×5 in three classes, as IDX files."""
    rng = np.random.default_rng(0)
    labels = (np.arange(160) % 3).astype(np.uint8)
    pixels = (rng.integers(0, 200, (160, 30)) + 40 * (np.arange(30) % 3 == labels[:, None])).astype(np.uint8)
    where = tmp_path / "图 small"
    where.mkdir()
    header = struct.pack(">IIII", 0x803, 160, 6, 5)
    (where / "train-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    (where / "train-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 160) + labels.tobytes())
    return where


def test_everything_in_json_and_pictures(folder, tmp_path, capsys):
    out = tmp_path / "out"
    status = run(
        ["bench", "--data", str(folder), "--pairs", "1", "--threads", "2", "--peers", "scikit-learn",
         "--out", str(out), "--json"]
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert status == 0
    found = json.loads(printed)
    assert {path.name for path in out.iterdir()} == {"bench.json", "ratios.png", "ratios.svg"}
    assert (out / "bench.json").read_text("utf-8") == printed
    assert {"command", "machine", "date", "descend", "python", "instruction_set", "threads"} <= set(found)
    assert found["data"] == "160 training images of 图 small"
    assert found["peers"].keys() == found["methods"].keys() == {"scikit-learn"}
    assert tuple(work["name"] for work in found["workloads"]) == NAMES
    for work in found["workloads"]:
        own = work["descend"]
        assert len(own["seconds"]) == 1
        assert own["median"] == own["seconds"][0] > 0
        assert own["gflops"] == pytest.approx(work["operations"] * 1e-9 / own["median"])
        peer = work["peers"]["scikit-learn"]
        assert peer["ratio"] == pytest.approx(peer["seconds"][0] / own["seconds"][0])
        assert peer["range"] == [peer["ratio"]] * 2
        if work["unit"] == "row":
            assert "memory" not in work
            continue
        assert own["share_of_peak"] == pytest.approx(own["gflops"] / own["peak_gflops"][0])
        alone = work["against_one_thread"]
        assert alone["ratio"] == pytest.approx(own["median"] / alone["seconds"][0])
        assert abs(peer["difference"]) <= work["expected"]["tolerance"]
        assert peer["loss"] == pytest.approx(work["expected"]["loss"] * (1 + peer["difference"]))
        assert work["memory"]["above"] == work["memory"]["peak"] - work["memory"]["base"]


def test_tables_are_printed_workload_by_workload(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    chosen = ["--only", "mlp-32,mlp-predict", "--peers", "scikit-learn,jax"]
    assert run(["bench", "--data", str(folder), "--pairs", "1", "--threads", "1", *chosen]) == 0
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["jax", "not", "installed"] in lines
    assert ["MLP", "30-256-3,", "batch", "32"] in lines
    assert ["MLP", "30-256-3,", "one", "row"] in lines
    assert "of peak" in " ".join(out.split())
    assert sum(line[:1] == ["scikit-learn"] and "×" in " ".join(line) for line in lines) == 2
    assert "batch 256" not in out
    assert "of the time of one thread" not in out  # there was only one


def test_a_peer_that_does_less_is_shown_and_not_counted(folder, capsys, monkeypatch):
    found, versions = peers.find_peers(("scikit-learn",))
    lazy = dataclasses.replace(
        found["scikit-learn"],
        trainer=lambda work, threads: lambda count: named_parameters(work.layers),
        predictor=lambda work, threads: lambda: np.array([77]),
    )
    module = sys.modules["descend.bench.measure"]
    monkeypatch.setattr(module, "find_peers", lambda names: ({"scikit-learn": lazy}, versions))
    assert run(["bench", "--data", str(folder), "--pairs", "1", "--only", "softmax-32,mlp-predict"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "not counted: its loss is +" in out
    assert "not counted: its answer is another one" in out
    result = measure(Settings(("softmax-32",), pairs=1, data=folder))
    peer = result["workloads"][0]["peers"]["scikit-learn"]
    assert peer["counted"] is False
    assert "seconds" not in peer
    assert draw(result) == {}


def test_without_peers_there_is_no_picture(folder, tmp_path):
    out = tmp_path / "out"
    chosen = ["--only", "softmax-256", "--peers", "none", "--pairs", "1", "--data", str(folder)]
    assert run(["bench", *chosen, "--out", str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["bench.json"]


def _work(name, **ratios):
    counted = {
        peer: {"counted": True, "ratio": ratio, "range": [ratio * 0.9, ratio * 1.2]}
        for peer, ratio in ratios.items()
    }
    return {"title": name, "peers": counted}


def test_pictures_hold_every_ratio():
    found = {
        "threads": 2,
        "pairs": 5,
        "instruction_set": "x86-64-v3",
        "workloads": [_work("softmax, batch 32", pytorch=17.04, jax=3.21), _work("line", pytorch=334.4)],
    }
    pictures = draw(found)
    text = pictures["svg"].decode()
    ElementTree.fromstring(text)
    for expected in ("17.0×", "3.2×", "334×", "softmax, batch 32", "JAX, compiled scan"):
        assert f">{expected}<" in text
    assert pictures == draw(found)
    picture = Image.open(io.BytesIO(pictures["png"]))
    assert picture.size[0] == 1660
    assert len(picture.convert("RGB").getcolors(1 << 24)) > 50


def test_memory_counts_the_data_and_not_the_imports(images):
    small = training_memory(images(), 1)
    assert small["base"] > 10e6
    assert 0 <= small["above"] < 10e6
    work = images()
    x, y = np.tile(work.x, (100, 64)), np.tile(work.y, 100)
    large = Workload("large", "train", x, y, (), 256, rate=0.1, loss_epochs=1)
    found = training_memory(large, 1)
    assert found["data"] == large.x.nbytes + large.y.nbytes
    assert found["data"] < found["above"] < found["data"] + 60e6


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "softmax"], "unknown workload 'softmax'; did you mean 'softmax-32'"),
        (["--peers", "jxa"], "unknown peer 'jxa'; did you mean 'jax'"),
        (["--pairs", "0"], "pairs must be from 1 to 1000, not 0"),
        (["--threads", "0"], "threads must be a whole number from 1 to 1024, not 0"),
        (["--data", "nowhere"], "nowhere is no folder of IDX files"),
        (["--out", "file"], "file: no folder can be made there"),
    ],
)
def test_wrong_options_end_in_one_line(arguments, said, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert run(["bench", *arguments]) == 2
    captured = capsys.readouterr()
    lines = [line for line in captured.err.splitlines() if line.strip()]
    assert len(lines) == 1
    assert said in lines[0]
    assert captured.out == ""


def test_images_of_one_class_are_refused(folder):
    labels = folder / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:8] + bytes([4] * 160))
    with pytest.raises(DataError, match="all labels are 4, and a network needs at least two classes"):
        measure(Settings(data=folder))
