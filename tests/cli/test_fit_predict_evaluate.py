import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import descend
from descend.cli.numbers import plain, seconds
from descend.engines.agreement import Agreement
from descend.errors import DataWarning


def test_houses_from_fit_to_evaluate(command, tmp_path):
    fitted = command("fit", "houses")
    assert fitted.status == 0, fitted.err
    assert "lot_size" in fitted.out
    assert "regression" in fitted.out
    assert "less error" in " ".join(fitted.out.split())
    assert "predicted" in fitted.out
    folder = tmp_path / "runs" / "houses"
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.safetensors", "history.csv", "metrics.json", "run.toml"}
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["task"] == "regression"
    assert set(metrics) == {"task", "rows", "epochs", "seconds", "train", "validation", "test"}
    assert metrics["test"]["r2"] > 0.5
    assert metrics["test"]["mean_absolute_error"] < 15000
    again = command("evaluate", folder, "houses", "--json")
    assert again.status == 0
    assert json.loads(again.out) == {part: metrics[part] for part in ("train", "validation", "test")}


def test_history_and_options_read_back(command, tmp_path):
    assert command("fit", "houses", "--epochs", "7", "--hidden", "8,4", "--seed", "3").status == 0
    folder = tmp_path / "runs" / "houses"
    rows = list(csv.DictReader(io.StringIO((folder / "history.csv").read_text())))
    assert [row["epoch"] for row in rows] == [str(i) for i in range(1, 8)]
    assert all(float(row["validation_loss"]) > 0 for row in rows)
    options = tomllib.loads((folder / "run.toml").read_text())
    assert options["hidden"] == [8, 4]
    assert options["seed"] == 3
    assert options["epochs"] == 7


def test_own_table_from_another_folder_is_recognised(command, flowers, tmp_path):
    assert command("fit", flowers, "--target", "种类", "--out", "run 一", "--epochs", "30").status == 0
    metrics = json.loads((tmp_path / "run 一" / "metrics.json").read_text())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy = shutil.copy(flowers, elsewhere / "renamed.csv")
    judged = command("evaluate", "run 一", copy, "--json")
    assert json.loads(judged.out) == {part: metrics[part] for part in ("train", "validation", "test")}
    only = command("evaluate", "run 一", copy, "--rows", "test", "--json")
    assert json.loads(only.out) == {"test": metrics["test"]}


def test_another_table_is_judged_whole_and_said_so(command, flowers):
    assert command("fit", flowers, "--target", "种类", "--out", "run", "--epochs", "5").status == 0
    other = flowers.with_name("other.csv")
    other.write_text("\n".join(flowers.read_text("utf-8").splitlines()[:60]) + "\n", encoding="utf-8")
    judged = command("evaluate", "run", other)
    assert judged.status == 0
    assert "Not the table" in judged.out
    assert "rows that it was trained on may be among them" in judged.out
    assert "all" in judged.out
    refused = command("evaluate", "run", other, "--rows", "test")
    assert refused.status == 2
    assert "--rows all" in refused.err


def test_predict_writes_csv_in_order(command, flowers, tmp_path):
    assert command("fit", flowers, "--target", "种类", "--out", "run", "--epochs", "60").status == 0
    predicted = command("predict", "run", flowers)
    assert predicted.status == 0
    rows = list(csv.DictReader(io.StringIO(predicted.out)))
    assert list(rows[0]) == ["prediction", "probability_玫瑰", "probability_百合", "probability_菊"]
    truth = [line.split(",")[-1] for line in flowers.read_text("utf-8").splitlines()[1:]]
    assert np.mean([row["prediction"] == t for row, t in zip(rows, truth, strict=True)]) > 0.95
    for row in rows:
        p = {k.removeprefix("probability_"): float(v) for k, v in row.items() if k != "prediction"}
        assert sum(p.values()) == pytest.approx(1, abs=1e-5)
        assert max(p, key=p.get) == row["prediction"]
    assert command("predict", "run", flowers, "--out", "p.csv").out == ""
    assert (tmp_path / "p.csv").read_text("utf-8") == predicted.out


def test_predictions_are_the_same_in_python(command, flowers):
    assert command("fit", flowers, "--target", "种类", "--out", "run", "--epochs", "5").status == 0
    rows = list(csv.DictReader(io.StringIO(command("predict", "run", flowers).out)))
    model = descend.load("run")
    assert model.predict(flowers).tolist() == [row["prediction"] for row in rows]
    one = {"花瓣长": [3.0], "花瓣宽": [1.0], "颜色": ["红"], "有刺": ["否"]}
    assert model.predict(one).shape == (1,)


def test_python_fit_equals_the_command(command, tmp_path):
    assert command("fit", "iris", "--epochs", "5", "--hidden", "6", "--out", "run").status == 0
    training = descend.fit("iris", epochs=5, hidden=(6,))
    saved = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert {k: v for k, v in training.metrics.items() if k != "seconds"} == {
        k: v for k, v in saved.items() if k != "seconds"
    }
    loaded = descend.load("run")
    for name, array in training.model.parameters.items():
        assert (loaded.parameters[name] == array).all()


@pytest.mark.parametrize("name", ["digits", "diabetes", "breast_cancer", "iris", "wine", "synthetic"])
def test_built_in_tables_fit_better_than_the_trivial_guess(command, name):
    fitted = command("fit", name)
    assert fitted.status == 0, fitted.err
    assert "less error" in " ".join(fitted.out.split())


def test_runs_are_numbered(command, tmp_path):
    for _ in range(3):
        assert command("fit", "iris", "--epochs", "1").status == 0
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"iris", "iris-2", "iris-3"}


def test_out_must_be_free_unless_overwritten(command, tmp_path):
    assert command("fit", "iris", "--epochs", "1", "--out", "run").status == 0
    before = (tmp_path / "run" / "run.toml").read_text()
    taken = command("fit", "iris", "--epochs", "2", "--out", "run")
    assert taken.status == 2
    assert "--overwrite" in taken.err
    assert (tmp_path / "run" / "run.toml").read_text() == before
    assert command("fit", "iris", "--epochs", "2", "--out", "run", "--overwrite").status == 0
    assert (tmp_path / "run" / "run.toml").read_text() != before
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "letter.txt").write_text("dear")
    refused = command("fit", "iris", "--out", "precious", "--overwrite")
    assert refused.status == 2
    assert (tmp_path / "precious" / "letter.txt").read_text() == "dear"


def test_overwriting_spares_folders_that_are_not_a_runs(command, tmp_path):
    other = tmp_path / "weights"
    other.mkdir()
    (other / "model.safetensors").write_bytes(b"somebody's")
    (other / "notes.txt").write_text("dear")
    refused = command("fit", "iris", "--epochs", "1", "--out", "weights", "--overwrite")
    assert refused.status == 2
    assert (other / "notes.txt").read_text() == "dear"


def test_python_fit_keeps_the_last_good_weights_too(command, tmp_path):
    with pytest.raises(descend.errors.Diverged, match="last finite weights are in run"):
        descend.fit("houses", optimizer="sgd", lr=1e6, out="run")
    assert (tmp_path / "run" / "last-good.safetensors").is_file()


def test_doctor_shows_every_engine_and_that_they_agree(command):
    report = json.loads(command("doctor", "--json").out)
    assert list(report["engines"]) == ["native", "reference", "pytorch"]
    assert "agrees in float64" in report["engines"]["native"]["agreement"]
    assert report["kernels"]["peak_gflops"] > 0
    shown = command("doctor")
    assert shown.status == 0
    assert "agrees" in shown.out


def test_doctor_fails_where_an_engine_disagrees(command, monkeypatch):
    monkeypatch.setattr(Agreement, "within", lambda found, promise: False)
    assert command("doctor").status == 1


def test_a_narrow_encoding_does_not_stop_a_fit(tmp_path):
    code = "import sys; from descend.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "fit", "iris", "--epochs", "1"],
        cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_nothing_asked_shows_the_help(command):
    assert "Commands:" in command().out


def test_quiet_prints_nothing(command):
    result = command("fit", "iris", "--epochs", "1", "--quiet")
    assert (result.status, result.out, result.err) == (0, "", "")


def test_a_diverging_run_keeps_the_last_finite_weights(command, tmp_path):
    result = command("fit", "houses", "--optimizer", "sgd", "--lr", "1e6", "--out", "run")
    assert result.status == 3
    assert result.err.strip().splitlines()[-1].startswith("descend: the loss grew from 0.381 to")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"last-good.safetensors", "run.toml"}
    with pytest.raises(descend.errors.ModelFileError, match=r"no model\.safetensors"):
        descend.load(tmp_path / "run")


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_engines_on_the_command_line(command, engine, tmp_path):
    assert command("fit", "iris", "--engine", engine, "--out", engine, "--epochs", "3").status == 0
    assert json.loads((tmp_path / engine / "metrics.json").read_text())["test"]["accuracy"] > 0.5


def test_idx_folder(command, real_data, tmp_path):
    folder = real_data / "mnist"
    fitted = command("fit", folder, "--out", "run", "--epochs", "3")
    assert fitted.status == 0, fitted.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["rows"]["test"] == 10000
    assert metrics["rows"]["train"] + metrics["rows"]["validation"] == 60000
    assert metrics["test"]["accuracy"] >= 0.915
    again = command("evaluate", "run", folder, "--json")
    assert json.loads(again.out) == {part: metrics[part] for part in ("train", "validation", "test")}


def test_a_hidden_layer_on_real_images(real_data):
    with pytest.warns(DataWarning, match="10,000 rows are the folder's own test"):
        training = descend.fit(real_data / "mnist", hidden=(256,), epochs=10)
    assert training.metrics["test"]["accuracy"] >= 0.975


def test_image_folder(command, tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for kind, level in (("dark", 60), ("light", 190)):
        (tmp_path / "images" / kind).mkdir(parents=True)
        for i in range(20):
            pixels = np.clip(rng.normal(level, 30, (6, 5, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / kind / f"{i}.png")
    fitted = command("fit", "images", "--out", "run")
    assert fitted.status == 0, fitted.err
    model = descend.load("run")
    assert model.classes.tolist() == ["dark", "light"]
    rows = list(csv.DictReader(io.StringIO(command("predict", "run", "images").out)))
    assert list(rows[0]) == ["prediction", "probability_dark", "probability_light", "file"]
    assert rows[0]["file"].endswith(".png")
    truth = [row["file"].replace("\\", "/").split("/")[-2] for row in rows]
    assert sorted(set(truth)) == ["dark", "light"]
    assert np.mean([row["prediction"] == t for row, t in zip(rows, truth, strict=True)]) > 0.9


def test_numbers_for_people():
    assert plain(16543.21) == "16,543"
    assert plain(0.12345) == "0.1235"
    assert plain(0) == "0"
    assert plain(None) == "–"
    assert plain(1.5e-9) == "1.500e-09"
    assert seconds(0.421) == "0.42 s"
    assert seconds(185) == "3 min 05 s"


def test_version_and_help(command):
    assert command("--version").out.startswith("descend ")
    helped = command("fit", "--help")
    assert helped.status == 0
    assert "--hidden" in helped.out
    assert list(Path.cwd().iterdir()) == []
    for name in ("fit", "predict", "evaluate", "doctor"):
        assert "--debug" in command(name, "--help").out
    assert "--debug" in command("--help").out


@pytest.mark.parametrize("loss", ["poisson", "quantile", "huber", "absolute_error", "squared_error"])
def test_a_loss_of_numbers_makes_few_whole_numbers_a_regression(command, tmp_path, loss):
    lines = "".join(f"{i % 7},{i % 3}\n" for i in range(200))
    (tmp_path / "cnt.csv").write_text(f"a,n\n{lines}")
    fitted = command("fit", "cnt.csv", "--target", "n", "--loss", loss, "--epochs", "2")
    assert fitted.status == 0, fitted.err
    assert f"regression: loss {loss} compares numbers" in " ".join(fitted.out.split())


def test_a_constant_target_of_a_loss_of_numbers_is_no_matter_of_classes(command, tmp_path):
    (tmp_path / "cnt.csv").write_text("a,n\n" + "".join(f"{i},0\n" for i in range(50)))
    refused = command("fit", "cnt.csv", "--target", "n", "--loss", "poisson")
    assert refused.status == 2
    assert "the target 'n' is 0 in every training row; there is nothing to predict" in refused.err
    assert "classes" not in refused.err


def _calls(path, rows=300):
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    lines = "".join(f"{a:.4f},{n}\n" for a, n in zip(x, rng.poisson(np.exp(x)), strict=True))
    path.write_text(f"x,calls\n{lines}")
    return path


@pytest.mark.parametrize(
    ("options", "metric", "score", "guess"),
    [
        (["quantile", "--quantile", "0.9"], "mean_pinball_loss", "d2_pinball_score", "0.9 quantile"),
        (["poisson"], "mean_poisson_deviance", "d2_tweedie_score", "guessing the mean"),
    ],
)
def test_quantiles_and_counts_are_judged_by_their_own_loss(command, tmp_path, options, metric, score, guess):
    table = _calls(tmp_path / "calls.csv")
    fitted = command("fit", table, "--target", "calls", "--loss", *options, "--out", "run")
    assert fitted.status == 0, fitted.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    judged = {part: metrics[part] for part in ("train", "validation", "test")}
    assert all(part[metric] > 0 and 0 < part[score] < 1 for part in judged.values())
    printed = " ".join(fitted.out.split())
    assert metric in printed
    assert guess in printed
    assert "less error" in printed
    assert f"{metrics['test'][metric]:.4g}" in printed
    assert "mean_absolute_error" in printed
    assert json.loads(command("evaluate", "run", table, "--json").out) == judged
    assert score in command("evaluate", "run", table).out


def test_evaluate_refuses_counts_below_zero_as_fit_does(command, tmp_path):
    table = _calls(tmp_path / "c.csv")
    assert command("fit", table, "--target", "calls", "--loss", "poisson", "--out", "r").status == 0
    (tmp_path / "other.csv").write_text("x,calls\n0.5,3\n0.25,-2\n0.1,-7\n" + "0.3,1\n" * 20)
    refused = command("evaluate", "r", "other.csv")
    assert (refused.status, refused.out) == (2, "")
    said = "other.csv, line 3, column 'calls': the target is -2; a Poisson loss takes counts of at least 0"
    assert said in refused.err
    assert len(refused.err.splitlines()) == 1
    again = command("fit", "other.csv", "--target", "calls", "--loss", "poisson", "--out", "s")
    assert again.err == refused.err


def test_predicted_numbers_have_the_digits_that_float32_carries(command, tmp_path):
    assert command("fit", "houses", "--out", "run", "--epochs", "5").status == 0
    cells = [
        row["prediction"] for row in csv.DictReader(io.StringIO(command("predict", "run", "houses").out))
    ]
    assert max(len(cell.replace(".", "").strip("0")) for cell in cells) <= 10
    assert [float(cell) for cell in cells] == descend.load("run").predict("houses").tolist()


def test_a_fit_without_the_native_engine_is_noted_and_recorded(command, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "descend.engines.native._native", None)
    fitted = command("fit", "iris", "--epochs", "1", "--out", "run")
    assert (fitted.status, "Warning" in fitted.err) == (0, False)
    assert "note: engine reference computes, which is slower: engine native was not built here" in fitted.out
    assert 'engine = "reference"' in (tmp_path / "run" / "run.toml").read_text()
    assert descend.load(tmp_path / "run").engine == "reference"
    refused = command("fit", "iris", "--epochs", "1", "--engine", "native")
    assert refused.status == 2
    assert refused.err.startswith("descend: engine native was not built here: install a C++ compiler")
