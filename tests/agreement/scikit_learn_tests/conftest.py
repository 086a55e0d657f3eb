"""The runner as a module: it is a command first."""

import importlib.util
import tomllib
from pathlib import Path

import pytest
import sklearn

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def runner():
    spec = importlib.util.spec_from_file_location("scikit_learn_runner", HERE / "runner.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def lists():
    """What is left out and what fails, by file; both lists hold for one version of scikit-learn."""
    left_out, failures = (
        tomllib.loads((HERE / f"{name}.toml").read_text("utf-8")) for name in ("left_out", "failures")
    )
    assert left_out["version"] == failures["version"]
    if not sklearn.__version__.startswith(f"{left_out['version']}."):
        pytest.skip(f"the lists are for scikit-learn {left_out['version']}, not {sklearn.__version__}")
    return left_out, failures
