"""What the command says about words it does not know, and the command lines it shows."""

import shutil
import subprocess
import sys

import pytest

from descend.cli.invoked import shown_command


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--hidden", "64,", "32"], "a list is written without blanks after its commas: 64,32"),
        (["--hidden", "64,", "32,", "16", "--lr", "1"], "commas: 64,32,16"),
        (["--learning-rate", "1"], "there is no option --learning-rate; did you mean --lr?"),
        (["-t", "y"], "did you mean --target?"),
        (["--layers", "3"], "did you mean --hidden?"),
        (["--epoch", "3"], "did you mean --epochs?"),
        (["--batchsize", "3"], "did you mean --batch-size?"),
        (["--test-size", "0.2"], "the split is 70 % train, 15 % validation, 15 % test"),
        (["--folds", "5"], "does not cross-validate"),
        (["--nonsense"], "there is no option --nonsense (--help lists them)"),
        (["--seed", "abc"], "--seed takes a whole number, not 'abc'"),
        (["--epochs=1.5"], "--epochs takes a whole number, not '1.5'"),
        (["--lr", "fast"], "--lr takes a number, not 'fast'"),
        (["--loss", "mse"], "did you mean 'squared_error'?"),
        (["--loss", "MAE"], "did you mean 'absolute_error'?"),
        (["--task", "classifier"], "did you mean 'classification'?"),
        (["more"], "unexpected extra argument"),
    ],
)
def test_other_words_for_options(command, words, message):
    result = command("fit", "iris", *words)
    assert result.status == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1


@pytest.mark.parametrize("door", ["fit", "predict"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("https://example.com/a.csv", "'https://example.com/a.csv' is an address: download what is there"),
        ("sqlite:///x.db", "'sqlite:///x.db' is an address"),
        ("-", "standard input is not read"),
        ("/dev/stdin", "standard input is not read"),
    ],
)
def test_data_that_is_no_file(command, data, message, door):
    if door == "predict":
        assert command("fit", "iris", "--epochs", "1", "--out", "m").status == 0
    result = command(*(("fit", data) if door == "fit" else ("predict", "m", data)))
    assert result.status == 2
    assert message in result.err


@pytest.mark.parametrize("name", ["predict", "evaluate"])
def test_model_and_data_exchanged(command, name):
    assert command("fit", "iris", "--epochs", "1", "--out", "m").status == 0
    for model in ("m", "m/model.safetensors"):
        result = command(name, "iris", model)
        assert result.status == 2
        assert f"the model comes first, then the data: MODEL is {model}, DATA is iris" in result.err


def test_the_command_shown_is_the_one_that_works(monkeypatch, tmp_path):
    script = tmp_path / "bin" / "descend"
    script.parent.mkdir()
    script.write_text("")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shown_command("predict", "a b") == f"{script} predict 'a b'"
    monkeypatch.setenv("PATH", str(script.parent))
    assert shown_command("predict", "m") == "descend predict m"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "descend" / "__main__.py")])
    monkeypatch.setattr(sys, "orig_argv", [".venv/bin/python", "-m", "descend", "fit"])
    assert shown_command("predict", "m") == ".venv/bin/python -m descend predict m"
    monkeypatch.setattr(sys, "argv", ["-c"])
    assert shown_command("predict", "m") == "descend predict m"


def test_python_m_descend():
    done = subprocess.run([sys.executable, "-m", "descend", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("descend ")


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_the_shell_completes_options(command, monkeypatch):
    assert "--show-completion" in command("--help").out
    monkeypatch.setenv("_DESCEND_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "descend fit --hid")
    monkeypatch.setenv("COMP_CWORD", "2")
    completed = command()
    assert (completed.status, completed.out.split()) == (0, ["--hidden"])
