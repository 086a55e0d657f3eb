"""Every engine by name; one whose library is missing is skipped, and says so."""

import pytest

from descend.engines.registry import ENGINES, get_engine
from descend.errors import EngineUnavailable


def _available(name):
    try:
        get_engine(name)
    except EngineUnavailable as error:
        pytest.skip(str(error))
    return name


@pytest.fixture(params=ENGINES)
def engine_name(request):
    """Every engine in turn."""
    return _available(request.param)


@pytest.fixture(params=[name for name in ENGINES if name != "reference"])
def follower(request):
    """Every engine that is compared with the reference."""
    return _available(request.param)
