"""A pytest plugin for runner.py: leaves out what left_out.toml names and writes how each test ended.

Many of the tests give no random_state: NumPy's global generator is seeded before each, so that a run can be
repeated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--left-out", help="JSON list of tests: a name, or a name with its parameters")
    parser.addoption("--outcomes", help="JSON file to write: test -> [outcome, reason]")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = set(json.loads(config.getoption("--left-out")))
    dropped = [item for item in items if item.name in left_out or _function(item.name) in left_out]
    known = {name for item in dropped for name in (item.name, _function(item.name))}
    if unknown := left_out - known:
        raise pytest.UsageError(f"left out, but not among the tests: {sorted(unknown)}")
    config.hook.pytest_deselected(items=dropped)
    items[:] = [item for item in items if item not in dropped]
    config.stash[_ENDED] = {f"{name}": ["left out", ""] for name in (item.name for item in dropped)}


def pytest_runtest_setup(item: pytest.Item) -> None:
    np.random.seed(0)  # the generator that random_state=None means


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test's call decides; its setup and teardown only where they fail or skip."""
    if report.when == "call" or report.outcome != "passed":
        expected = "wasxfail" in vars(report)
        outcome = "failed as expected" if expected and report.skipped else report.outcome
        _LAST[report.nodeid.partition("::")[2]] = [outcome, _reason(report) if report.failed else ""]


def pytest_sessionfinish(session: pytest.Session) -> None:
    ended = session.config.stash.get(_ENDED, {}) | _LAST
    Path(session.config.getoption("--outcomes")).write_text(json.dumps(ended), "utf-8")


_ENDED = pytest.StashKey[dict[str, list[str]]]()
_LAST: dict[str, list[str]] = {}


def _function(name: str) -> str:
    return name.partition("[")[0]


def _reason(report: pytest.TestReport) -> str:
    """The message of the failure on one line, and the line of the test it came from."""
    longrepr: Any = report.longrepr
    crash = getattr(longrepr, "reprcrash", None)
    if crash is None:
        return " ".join(str(longrepr).split())[-200:]
    own = [entry for entry in longrepr.reprtraceback.reprentries if getattr(entry, "reprfileloc", None)]
    line = own[0].reprfileloc.lineno if own else crash.lineno
    return f"line {line}: {' '.join(crash.message.split())[:200]}"
