"""Writes docs/scikit-learn-tests.md from left_out.toml and failures.toml.

python tests/agreement/scikit_learn_tests/page.py
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "docs" / "scikit-learn-tests.md"
FILES = {
    "test_mlp.py": "MLPClassifier and MLPRegressor: sklearn/neural_network/tests/test_mlp.py",
    "test_logistic.py": "LogisticRegression: sklearn/linear_model/tests/test_logistic.py",
    "test_base.py": "LinearRegression: sklearn/linear_model/tests/test_base.py",
}

INTRODUCTION = """\
# scikit-learn's own tests

`tests/agreement/scikit_learn_tests/runner.py` runs the tests that scikit-learn {version} brings for these
estimators against descend's classes. It copies each file of tests from the installed scikit-learn,
replaces the names `LinearRegression`, `LogisticRegression`, `MLPClassifier` and `MLPRegressor` where they
are imported, and changes nothing else but to seed NumPy's global generator before each test; with
scikit-learn's own classes put back the same way everything passes. `make test` holds that nine in ten of
the tests that are not left out pass, and that those which fail are exactly the ones below.

```
.venv/bin/python tests/agreement/scikit_learn_tests/runner.py
```

A test is left out only if it uses none of the four classes. Tests that scikit-learn skips or expects to fail
count neither way. A name without brackets stands for all its parameters.

<!-- written by tests/agreement/scikit_learn_tests/page.py from left_out.toml and failures.toml -->
"""


def page() -> str:
    """The text of the page."""
    left_out, failures = (_read(name) for name in ("left_out.toml", "failures.toml"))
    parts = [INTRODUCTION.format(version=left_out["version"])]
    for file, title in FILES.items():
        parts.append(f"\n## {title}\n")
        parts.append(_section("Fails", failures.get(file, [])))
        parts.append(_section("Left out", left_out.get(file, [])))
    return "".join(parts)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text("utf-8"))


def _section(kind: str, entries: list[dict[str, Any]]) -> str:
    if not entries:
        return f"\n{kind}: none.\n"
    lines = [f"\n| {kind} | Why |\n| --- | --- |\n"]
    for entry in entries:
        tests = "<br>".join(f"`{test}`" for test in entry["tests"])
        lines.append(f"| {tests} | {entry['reason']} |\n")
    return "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
