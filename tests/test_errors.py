"""The exception tree: what it is drawn as, and which status each error ends a command with."""

import inspect
import re

import pytest

from descend import errors

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if inspect.isclass(kind) and issubclass(kind, errors.DescendError)
}


def test_the_drawn_tree_is_the_tree():
    drawn = re.findall(r"^( *[│├└─ ]*)(\w+) {2,}", inspect.cleandoc(errors.__doc__ or ""), re.MULTILINE)
    parents = {}
    path = {}
    for branch, name in drawn:
        depth = len(branch)
        parents[name] = next((path[d] for d in sorted(path, reverse=True) if d < depth), None)
        path = {d: n for d, n in path.items() if d < depth} | {depth: name}
    assert parents == {
        name: kind.__base__.__name__ if kind is not errors.DescendError else None
        for name, kind in CLASSES.items()
    }


@pytest.mark.parametrize("kind", [k for k in CLASSES.values() if issubclass(k, errors.UserError)])
def test_the_callers_mistakes_end_with_status_2(kind):
    assert kind.exit_code == 2


def test_other_statuses():
    assert errors.DescendError.exit_code == 1
    assert errors.Diverged.exit_code == 3
    assert not issubclass(errors.Diverged, errors.UserError)


@pytest.mark.parametrize("kind", [errors.OptionError, errors.DataError])
def test_bad_values_are_value_errors_too(kind):
    assert issubclass(kind, ValueError)


def test_choices_suggest_the_nearest_name_and_list_all():
    assert errors.choices("rellu", ["tanh", "relu"]) == "did you mean 'relu'? choices: tanh, relu"
    assert errors.choices("xyz", ["tanh", "relu"]) == "choices: tanh, relu"
    assert errors.choices(3, ["tanh"]) == "choices: tanh"
