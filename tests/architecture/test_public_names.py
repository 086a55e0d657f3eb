"""The public surface: listed once, complete, typed and documented."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import descend

PUBLIC = [name for name in descend.__all__ if name not in ("errors", "schedules")]


def test_every_public_name_exists():
    for name in descend.__all__:
        assert getattr(descend, name) is not None


def test_every_class_and_function_within_reach_is_listed():
    """Nothing public of networks, optimizers, training, models or the workflow is forgotten."""
    found = set()
    for home in ("networks", "optimizers"):
        module = importlib.import_module(f"descend.{home}")
        found |= {
            name
            for name in module.__all__
            if inspect.isclass(getattr(module, name)) and name not in ("Place", "Layer", "Loss")
        }
    assert found <= set(descend.__all__)


def test_stub_lists_the_same_names():
    stub = Path(descend.__file__).with_name("__init__.pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    imported = {
        alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported == set(descend.__all__)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Regression'"):
        _ = descend.Regression


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name):
    thing = getattr(descend, name)
    assert thing.__doc__
    assert len(thing.__doc__.strip()) > 10
    for member, value in vars(thing).items() if inspect.isclass(thing) else ():
        if not member.startswith("_") and inspect.isfunction(value):
            assert value.__doc__, f"{name}.{member} has no docstring"


@pytest.mark.parametrize("module", ["errors", "optimizers.schedules"])
def test_public_modules_document_their_classes(module):
    home = importlib.import_module(f"descend.{module}")
    for name, thing in vars(home).items():
        if inspect.isclass(thing) and thing.__module__ == home.__name__:
            assert thing.__doc__, f"{module}.{name} has no docstring"
