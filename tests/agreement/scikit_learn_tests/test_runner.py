"""The runner itself: it replaces the names, changes nothing else, and sees failures."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

IMPORTS = """import sklearn.linear_model
from sklearn.linear_model import (
    LinearRegression,
    Ridge,
)
from sklearn.neural_network import MLPClassifier as Network
from sklearn.svm import SVC

def test_inside():
    from sklearn.linear_model import LogisticRegression
    assert LogisticRegression
"""


def test_every_import_of_the_names_is_replaced_and_no_line_moves(runner):
    text = runner.substituted(IMPORTS, "descend")
    changed = {
        i: after
        for i, (before, after) in enumerate(zip(IMPORTS.splitlines(), text.splitlines(), strict=True))
        if before != after
    }
    assert {i: line.partition("; ")[2] for i, line in changed.items()} == {
        4: "from descend import LinearRegression as LinearRegression",
        5: "from descend import MLPClassifier as Network",
        9: "from descend import LogisticRegression as LogisticRegression",
    }


@pytest.mark.parametrize("file", ["test_mlp.py", "test_logistic.py", "test_base.py"])
def test_no_class_of_scikit_learn_is_left_under_the_names(runner, file, tmp_path):
    """The altered module is run outside pytest, and asked where its classes come from."""
    stand_ins = "\n".join(f"class {name}: pass" for name in runner.CLASSES)
    (tmp_path / "stand_ins.py").write_text(stand_ins, "utf-8")
    (tmp_path / file).write_text(runner.substituted(runner.source(file), "stand_ins"), "utf-8")
    names = ", ".join(f"{file[:-3]}.{name}.__module__" for name in runner.FILES[file][1])
    asked = subprocess.run(
        [sys.executable, "-c", f"import {file[:-3]}; print({{{names}}})"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout.strip() == "{'stand_ins'}"


def test_outcomes_are_seen_for_what_they_are(runner):
    text = """
import pytest
@pytest.mark.parametrize("n", [1, 2])
def test_parameters(n, global_random_seed):
    assert (n, global_random_seed) == (1, 42)
def test_skips():
    pytest.skip("no reason")
@pytest.mark.xfail
def test_known():
    assert False
@pytest.mark.xfail
def test_better():
    pass
@pytest.fixture
def broken():
    raise ValueError("no fixture")
def test_setup(broken):
    pass
@pytest.mark.parametrize("n", [1, 2])
def test_out(n):
    assert False
def test_out_not():
    import warnings
    warnings.warn("no error in scikit-learn's own configuration")
"""
    outcomes = runner.run_text("test_it.py", text, ["test_out", "test_parameters[42-1]"])
    assert {name: outcome.result for name, outcome in outcomes.items()} == {
        "test_parameters[42-1]": "left out",
        "test_parameters[42-2]": "failed",
        "test_skips": "skipped",
        "test_known": "failed as expected",
        "test_better": "passed",
        "test_setup": "failed",
        "test_out[1]": "left out",
        "test_out[2]": "left out",
        "test_out_not": "passed",
    }
    assert outcomes["test_parameters[42-2]"].reason.startswith("line 5: assert (2, 42) == (1, 42)")
    assert "no fixture" in outcomes["test_setup"].reason
    assert runner.failed(outcomes) == {"test_parameters[42-2]", "test_setup"}
    assert runner.share(outcomes) == 0.5


def test_runs_can_be_repeated(runner):
    text = """
import numpy as np
def test_drawn():
    raise ValueError(str(np.random.mtrand._rand.randint(2**31)))
"""
    first, second = (runner.run_text("test_it.py", text)["test_drawn"] for _ in range(2))
    assert first == second


def test_a_name_on_the_list_that_is_no_test_is_an_error(runner):
    with pytest.raises(RuntimeError, match="test_misspelt"):
        runner.run_text("test_it.py", "def test_it(): pass", ["test_misspelt"])


@pytest.mark.parametrize(
    "file",
    ["test_base.py", *(pytest.param(f, marks=pytest.mark.full) for f in ("test_mlp.py", "test_logistic.py"))],
)
def test_scikit_learns_own_classes_pass_when_substituted_for_themselves(runner, lists, file):
    outcomes = runner.run(file, "scikit_learn_itself")
    assert not runner.failed(outcomes)
    assert sum(outcome.result == "passed" for outcome in outcomes.values()) >= 40


@pytest.mark.parametrize("file", ["test_logistic.py", "test_base.py"])
def test_what_is_left_out_uses_none_of_the_classes(runner, lists, file):
    functions = {
        node.name: node for node in ast.parse(runner.source(file)).body if isinstance(node, ast.FunctionDef)
    }
    for test in runner.listed("left_out.toml", file):
        name, _, parameters = test.partition("[")
        used = {node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)}
        if parameters:
            assert "LogisticRegressionCV" in parameters or parameters.endswith("-cv]"), test
        else:
            assert used.isdisjoint(runner.CLASSES), test


def test_nothing_of_the_networks_is_left_out(runner, lists):
    assert not runner.listed("left_out.toml", "test_mlp.py")


def test_the_page_says_what_the_lists_say():
    page = runpy.run_path(str(Path(__file__).with_name("page.py")))
    assert page["PAGE"].read_text("utf-8") == page["page"](), "run page.py"
