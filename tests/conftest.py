"""Fixtures that several test folders share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("descend", deadline=None)  # a busy machine fails nothing
settings.load_profile("descend")

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real tables and images: DESCEND_TEST_DATA, else shared/data beside the repository."""
    named = os.environ.get("DESCEND_TEST_DATA")
    folder = Path(named) if named else _ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set DESCEND_TEST_DATA")
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every program of the native engine is freed by the end (a failed test's frames keep theirs)."""
    yield
    try:
        from descend.engines.native._native import _programs_alive
    except ImportError:
        return
    gc.collect()
    assert request.session.testsfailed or _programs_alive() == 0
