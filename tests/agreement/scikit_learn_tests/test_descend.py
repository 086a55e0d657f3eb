"""scikit-learn's own tests pass with descend's classes, but for those that failures.toml explains."""

import subprocess
import sys

import pytest


def _named(tests, outcomes):
    """The tests by name and parameters; a name alone stands for all its parameters."""
    return {name for name in outcomes if name in tests or name.partition("[")[0] in tests}


@pytest.mark.parametrize("file", ["test_mlp.py", "test_logistic.py", "test_base.py"])
def test_nine_in_ten_pass_and_every_failure_is_explained(runner, lists, file):
    outcomes = runner.run(file)
    explained = runner.listed("failures.toml", file)
    reasons = {name: outcomes[name].reason for name in runner.failed(outcomes)}
    named = _named(explained, outcomes)
    assert {name: reason for name, reason in reasons.items() if name not in named} == {}, "not explained"
    assert named - set(reasons) == set(), "explained as failures, but they pass now"
    assert runner.share(outcomes) >= 0.9


def test_command_names_what_there_is(runner):
    asked = subprocess.run(
        [sys.executable, runner.__file__, "test_ridge.py"], capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert "no such file of tests: test_ridge.py; there are test_mlp.py" in asked.stderr
