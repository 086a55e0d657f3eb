"""The examples of docs/from-scikit-learn.md run, and each row names who asked for it."""

import ast
import re
import warnings
from pathlib import Path

import pytest
from sklearn.exceptions import ConvergenceWarning

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "from-scikit-learn.md").read_text("utf-8")
GAINS = PAGE.split("\n## ")[0]  # the tables of later sections hold no examples
ROWS = [line.strip("| ").split(" | ") for line in GAINS.splitlines() if line.startswith("| ")][2:]
LINK = re.compile(r"\[#(\d+)\]\(https://github\.com/scikit-learn/scikit-learn/(?:issues|pull)/(\d+)\)")


@pytest.fixture(scope="module")
def prepared():
    """What the page's first block defines."""
    names = {}
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], names)
    return names


def test_every_row_has_who_asked_and_three_lines():
    assert len(ROWS) >= 10
    for _, gained, asked, example in ROWS:
        assert gained.endswith(".")
        assert LINK.sub("", asked).strip(", ") == ""
        assert all(number == target for number, target in LINK.findall(asked))
        assert len(re.findall("`[^`]+`", example)) == 3, example


@pytest.mark.parametrize("row", ROWS, ids=[row[0].strip("`") for row in ROWS])
def test_example_ends_with_what_is_true(row, prepared):
    *statements, last = ast.parse("\n".join(re.findall("`([^`]+)`", row[3]))).body
    assert isinstance(last, ast.Expr)
    names = dict(prepared)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        exec(compile(ast.Module(statements, []), "example", "exec"), names)
        assert eval(compile(ast.Expression(last.value), "example", "eval"), names)
