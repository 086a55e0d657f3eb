"""The examples in public docstrings do what they say."""

import doctest
import importlib

import pytest


@pytest.mark.parametrize("module", ["descend.networks.network", "descend.training.trainer"])
def test_docstring_examples_run(module):
    found = doctest.testmod(importlib.import_module(module))
    assert found.attempted > 0
    assert found.failed == 0
