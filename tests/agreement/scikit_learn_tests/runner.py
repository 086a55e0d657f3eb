"""Runs scikit-learn's own tests of its estimators against descend's classes of the same names.

    python tests/agreement/scikit_learn_tests/runner.py [test_mlp.py test_logistic.py test_base.py]

The tests are those of the installed scikit-learn, copied with four names replaced where they are imported;
the installation is not touched. They run under scikit-learn's own configuration and fixtures, in a process of
their own. left_out.toml names what is not run, failures.toml explains what fails.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import sklearn

HERE = Path(__file__).resolve().parent
CLASSES = ("LinearRegression", "LogisticRegression", "MLPClassifier", "MLPRegressor")
HOMES = ("sklearn.linear_model", "sklearn.neural_network")
FILES = {  # their folders, and the classes they test
    "test_mlp.py": ("neural_network", ("MLPClassifier", "MLPRegressor")),
    "test_logistic.py": ("linear_model", ("LogisticRegression",)),
    "test_base.py": ("linear_model", ("LinearRegression",)),
}


class Outcome(NamedTuple):
    """How a test ended: passed, failed, skipped, left out, or failed as expected (by scikit-learn too)."""

    result: str
    reason: str


def source(file: str) -> str:
    """The text of one of the FILES in the installed scikit-learn."""
    return (Path(sklearn.__file__).parent / FILES[file][0] / "tests" / file).read_text("utf-8")


def substituted(text: str, module: str) -> str:
    """The source with every import of the CLASSES followed by one of the same names from the module.

    It stands on the import's last line, so that line numbers stay scikit-learn's.
    """
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module in HOMES:
            names = [
                f"{alias.name} as {alias.asname or alias.name}"
                for alias in node.names
                if alias.name in CLASSES
            ]
            if names:
                lines[node.end_lineno - 1] += f"; from {module} import {', '.join(names)}"
    return "\n".join(lines) + "\n"


def listed(name: str, file: str) -> dict[str, str]:
    """The tests that left_out.toml or failures.toml lists for a file, with their reasons."""
    entries = tomllib.loads((HERE / name).read_text("utf-8")).get(file, [])
    return {test: entry["reason"] for entry in entries for test in entry["tests"]}


def run(file: str, module: str = "descend") -> dict[str, Outcome]:
    """Every test of the file, by name and parameters, with how it ended on the module's classes."""
    return run_text(file, substituted(source(file), module), list(listed("left_out.toml", file)))


def run_text(file: str, text: str, left_out: Sequence[str] = ()) -> dict[str, Outcome]:
    """Every test of a module with this text; ``file`` is the name it gets."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, file).write_text(text, "utf-8")
        Path(folder, "pytest.ini").write_text("[pytest]\n", "utf-8")
        outcomes = Path(folder, "outcomes.json")
        command = [sys.executable, "-m", "pytest", file, "--quiet", f"--outcomes={outcomes}"]
        command += [f"--left-out={json.dumps(list(left_out))}"]
        for plugin in ("selection", "sklearn.conftest", "no:cacheprovider", "no:xdist"):
            command += ["-p", plugin]
        ended = subprocess.run(
            command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=1800
        )
        if not outcomes.exists() or ended.returncode not in (0, 1):
            raise RuntimeError(f"{file} did not run:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")
        return {name: Outcome(*how) for name, how in json.loads(outcomes.read_text("utf-8")).items()}


def _environment() -> dict[str, str]:
    """This process's, with the plugin in reach and without what configures scikit-learn's tests."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SKLEARN_", "SCIPY_ARRAY_API", "PYTEST_"))
    }
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, [str(HERE), kept.get("PYTHONPATH")]))}


def failed(outcomes: Mapping[str, Outcome]) -> set[str]:
    """The names of the tests that failed."""
    return {name for name, outcome in outcomes.items() if outcome.result == "failed"}


def share(outcomes: Mapping[str, Outcome]) -> float:
    """Passed tests among those that passed or failed: what was left out or skipped counts for nothing."""
    counts = Counter(outcome.result for outcome in outcomes.values())
    return counts["passed"] / (counts["passed"] + counts["failed"])


def main() -> int:
    """Prints a line a file and the failures; the exit status is 1 where one is not in failures.toml."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", default=list(FILES), help=f"of {', '.join(FILES)}")
    parser.add_argument("--classes", default="descend", metavar="MODULE", help="where the classes are")
    options = parser.parse_args()
    if unknown := set(options.files) - set(FILES):
        parser.error(f"no such file of tests: {', '.join(sorted(unknown))}; there are {', '.join(FILES)}")
    unexplained = 0
    for file in options.files:
        outcomes = run(file, options.classes)
        counts = Counter(outcome.result for outcome in outcomes.values())
        print(
            f"{file}: {counts['passed']} passed, {counts['failed']} failed ({share(outcomes):.1%} passed), "
            f"{counts['skipped']} skipped, {counts['failed as expected']} failed as expected, "
            f"{counts['left out']} left out, {len(outcomes)} in all"
        )
        explained = listed("failures.toml", file)
        for name in sorted(failed(outcomes)):
            reason = explained.get(name) or explained.get(name.partition("[")[0])
            unexplained += reason is None
            print(f"  {name}\n    {outcomes[name].reason}\n    {reason or 'not explained'}")
    return int(unexplained > 0)


if __name__ == "__main__":
    sys.exit(main())
