"""Files that commands write: nothing is lost that was there."""

import csv
import io
import os
import threading
import tomllib

import numpy as np
import polars as pl
import pytest

import descend
from descend.cli.predict import _csv
from descend.writing import whole


@pytest.fixture
def fitted(command, flowers, tmp_path):
    """A run in ``m`` of the table of flowers; returns what ``predict`` prints for it."""
    assert command("fit", flowers, "--target", "种类", "--out", "m", "--epochs", "1").status == 0
    return command("predict", "m", flowers).out


def test_a_file_is_replaced_only_where_that_is_asked_for(command, flowers, fitted, tmp_path):
    precious = tmp_path / "precious.csv"
    precious.write_text("dear")
    refused = command("predict", "m", flowers, "--out", precious)
    assert refused.status == 2
    assert "precious.csv already exists: name another file or add --overwrite" in refused.err
    assert precious.read_text() == "dear"
    assert command("predict", "m", flowers, "--out", precious, "--overwrite").status == 0
    assert precious.read_text("utf-8") == fitted


@pytest.mark.parametrize("how", ["plain", "link", "hard link", "folder link"])
@pytest.mark.parametrize(
    ("what", "message"),
    [("m/model.safetensors", "the model itself"), ("花 表.csv", "the table itself"),
     ("fitted.csv", "the data that the model was fitted on")],
)  # fmt: skip
def test_neither_model_nor_data_are_overwritten(command, flowers, tmp_path, how, what, message):
    (tmp_path / "fitted.csv").write_bytes(flowers.read_bytes())
    assert command("fit", "fitted.csv", "--target", "种类", "--out", "m", "--epochs", "1").status == 0
    out = tmp_path / what
    before = out.read_bytes()
    if how == "link":
        (tmp_path / "link.csv").symlink_to(out)
        out = tmp_path / "link.csv"
    elif how == "hard link":
        os.link(out, tmp_path / "link.csv")
        out = tmp_path / "link.csv"
    elif how == "folder link":
        (tmp_path / "elsewhere").symlink_to(out.parent)
        out = tmp_path / "elsewhere" / out.name
    refused = command("predict", "m", flowers, "--out", out, "--overwrite")
    assert refused.status == 2
    assert message in refused.err
    assert (tmp_path / what).read_bytes() == before


@pytest.mark.parametrize(
    ("out", "message"),
    [("m/answers.csv", "in the folder of a run"), ("m", "is a folder"), ("none/a.csv", "there is no folder"),
     ("loop", "loop")],
)  # fmt: skip
def test_places_that_take_no_predictions(command, flowers, fitted, tmp_path, out, message):
    (tmp_path / "loop").symlink_to("loop")
    refused = command("predict", "m", flowers, "--out", out, "--overwrite")
    assert refused.status == 2
    assert message in refused.err
    assert len(list((tmp_path / "m").iterdir())) == 4


def test_a_file_in_a_folder_of_data_is_spared(command, tmp_path):
    from PIL import Image

    for kind, level in (("dark", 10), ("light", 200)):
        (tmp_path / "images" / kind).mkdir(parents=True)
        for i in range(12):
            Image.new("L", (3, 3), level + i).save(tmp_path / "images" / kind / f"{i}.png")
    assert command("fit", "images", "--out", "m", "--epochs", "1").status == 0
    refused = command("predict", "m", "images", "--out", "images/dark/1.png", "--overwrite")
    assert refused.status == 2
    assert "part of the data" in refused.err
    assert command("predict", "m", "images", "--out", "images/answers.csv").status == 0


def test_pipes_and_devices_are_no_files_to_lose(command, flowers, fitted, tmp_path):
    assert command("predict", "m", flowers, "--out", os.devnull).status == 0
    os.mkfifo(tmp_path / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_text("utf-8")))
    reader.start()
    assert command("predict", "m", flowers, "--out", "pipe").status == 0
    reader.join()
    assert read == [fitted]


def test_a_file_that_appears_meanwhile_is_not_replaced(command, flowers, fitted, tmp_path, monkeypatch):
    write = whole.write_whole

    def meanwhile(path, content):
        (tmp_path / "p.csv").write_text("dear")
        write(path, content)

    monkeypatch.setattr(whole, "write_whole", meanwhile)
    refused = command("predict", "m", flowers, "--out", "p.csv")
    assert refused.status == 2
    assert "written by another program meanwhile" in refused.err
    assert (tmp_path / "p.csv").read_text() == "dear"


def test_bench_replaces_its_files_only_where_asked(command, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "bench.json").write_text("dear")
    few = ("bench", "--only", "linear-10", "--peers", "none", "--pairs", "1", "--json", "--out", "results")
    refused = command(*few)
    assert refused.status == 2
    assert "results/bench.json already exists" in refused.err
    assert (tmp_path / "results" / "bench.json").read_text() == "dear"


def test_any_text_reads_back_from_the_predictions(tmp_path):
    cells = ["", "a,b", 'say "hi"', "line\nfeed", "carriage\rreturn", "\r", "tab\there", " blank ", "=1+1",
             "+cmd", "-1", "@x", "\x85next", "\u2028line", "\x1b[31m", "'", "﻿mark", "NA"]  # fmt: skip
    table = {"k": cells, "a\rb": [str(i) for i in range(len(cells))]}
    text = "".join(_csv(list(table), [*map(_object_column, table.values())]))
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == [
        list(table),
        *map(list, zip(*table.values(), strict=True)),
    ]
    frame = pl.read_csv(text.encode(), infer_schema=False)
    assert frame.fill_null("").rows() == list(zip(*table.values(), strict=True))
    alone = "".join(_csv(["k"], [_object_column(cells)]))
    assert [row[0] for row in csv.reader(io.StringIO(alone, newline=""))] == ["k", *cells]


def _object_column(cells):
    return np.array(cells, object)


def test_classes_with_carriage_returns_come_back(command, tmp_path):
    frame = pl.DataFrame({"x": [i % 2 + 0.01 * i for i in range(40)], "y": ["a\rb", "c\r\nd"] * 20})
    frame.write_parquet(tmp_path / "t.parquet")
    assert command("fit", "t.parquet", "--target", "y", "--out", "m", "--epochs", "60").status == 0
    assert command("predict", "m", "t.parquet", "--out", "p.csv").status == 0
    with (tmp_path / "p.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {3}
    assert [row[0] for row in rows[1:]] == descend.load("m").predict(str(tmp_path / "t.parquet")).tolist()


def test_names_of_files_that_are_no_text(command, tmp_path):
    table = tmp_path / os.fsdecode(b"caf\xe9.csv")
    try:
        table.write_text("a,y\n" + "".join(f"{i},{2 * i}.5\n" for i in range(50)))
    except OSError:
        pytest.skip("this file system takes only text as names")
    assert command("fit", table, "--target", "y", "--epochs", "1", "--out", "m").status == 0
    options = tomllib.loads((tmp_path / "m" / "run.toml").read_text("utf-8"))
    assert options["data"].endswith(r"caf\udce9.csv")
    assert descend.load("m").about["table"] == r"caf\udce9.csv"
    answers = tmp_path / os.fsdecode(b"answ\xe9rs.csv")
    assert command("predict", "m", table, "--out", answers).status == 0
    assert len(answers.read_text().splitlines()) == 51
