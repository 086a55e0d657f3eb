"""Wrong words on the command line: one line, exit status 2, nothing left behind."""

import pytest

from descend.cli.main import run


@pytest.fixture
def refused(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        lines = captured.err.strip().splitlines()
        assert "Traceback" not in captured.err
        assert lines, "an error without a word"
        assert lines[-1].startswith("descend: ")
        assert list(tmp_path.iterdir()) == [], "something was left behind"
        return status, lines

    return call


@pytest.mark.parametrize(
    "option", ["lr", "batch-size", "epochs", "threads", "seed", "dropout", "weight-decay", "hidden"]
)
@pytest.mark.parametrize("value", ["0", "-1", "nan", "1e30", "", "x", "1000000000000000000000000000000"])
def test_every_numeric_option_at_its_edges(option, value, capsys, monkeypatch, tmp_path):
    """Refused in one line, or fitted where the value makes sense."""
    monkeypatch.chdir(tmp_path)
    extra = ["--hidden", "4"] if option == "dropout" else []
    status = run(["fit", "iris", f"--{option}", value, "--quiet", "--out", "run", *extra]
                 + (["--epochs", "2"] if option != "epochs" else []))  # fmt: skip
    err = capsys.readouterr().err
    assert "Traceback" not in err
    sensible = {
        ("seed", "0"), ("dropout", "0"), ("weight-decay", "0"), ("hidden", ""),
        ("batch-size", "1000000000000000000000000000000"),
    }  # fmt: skip
    if (option, value) in sensible:
        assert status == 0, err
    else:
        assert status == 2
        assert len(err.strip().splitlines()) == 1
        assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fti", "houses"], "No such command"),
        (["fit"], "DATA"),
        (["fit", "houses", "--hiden", "3"], "hiden"),
        (["fit", "house"], "houses"),
        (["fit", "nothing.csv"], "nothing.csv"),
        (["fit", "houses", "--target", "prise"], "did you mean 'price'"),
        (["fit", "houses", "--task", "classify"], "choices: auto, regression, classification"),
        (["fit", "houses", "--loss", "cross_entropy"], "classification"),
        (["fit", "iris", "--loss", "huber"], "regression"),
        (
            ["fit", "houses", "--loss", "quantile", "--quantile", "1"],
            "(--quantile) must be a number above 0 and below 1, not 1.0",
        ),
        *(
            (["fit", "houses", "--clip-norm", norm], "(--clip-norm) must be a finite number above 0, not")
            for norm in ("0", "-1", "nan", "inf")
        ),
        (["fit", "houses", "--quantile", "0.9"], "add --loss quantile"),
        (["fit", "synthetic", "--loss", "poisson"], "at least 0"),
        (["fit", "houses", "--activation", "rleu", "--hidden", "3"], "did you mean 'relu'"),
        (["fit", "houses", "--optimizer", "Adam"], "did you mean 'adam'"),
        (["fit", "houses", "--engine", "torch"], "pytorch"),
        (["fit", "houses", "--threads", "1000"], "1000 threads (--threads) are too many"),
        (["fit", "houses", "--hidden", "3;4"], "--hidden"),
        (["fit", "houses", "--dropout", "0.5"], "hidden"),
        (["fit", "houses", "--dtype", "float16"], "float32 or float64"),
        (["fit", "houses", "--ignore", "lot"], "lot"),
        (["predict", "nowhere", "houses"], "no such model"),
        (["evaluate", "nowhere", "houses"], "no such model"),
        (["fit", "houses", "--out", "/proc/run"], "cannot be written"),
    ],
)
def test_wrong_words(refused, arguments, message):
    status, lines = refused(*arguments)
    assert status == 2
    assert len(lines) == 1
    assert message in lines[0]


def test_a_table_without_a_target_lists_its_columns(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 20)
    assert run(["fit", "t.csv"]) == 2
    err = capsys.readouterr().err
    assert "t.csv: name the column to predict (--target); columns: a, b" in err
