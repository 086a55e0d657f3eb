"""What a newcomer reads who gives a table that nothing can be learnt from: what was found, and what to do."""

import pytest

from descend.cli.main import run


@pytest.fixture
def refusal(capsys, monkeypatch, tmp_path):
    """``refusal(text, target)`` → the one line on standard error; nothing is printed or left behind."""
    monkeypatch.chdir(tmp_path)

    def call(text, target="y"):
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        assert run(["fit", "t.csv", "--target", target]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
        (line,) = captured.err.splitlines()
        return line.removeprefix("descend: ")

    return call


@pytest.mark.parametrize("value", ["2.5", "3", "cat", "yes"])
@pytest.mark.parametrize(("rows", "found"), [(1, "1 row"), (2, "2 rows"), (9, "9 rows")])
def test_too_few_rows_are_counted_before_anything_else_is_said(refusal, rows, found, value):
    said = refusal("a,y\n" + f"1,{value}\n" * rows)
    assert said == (
        f"t.csv has {found} with a target: at least 10 are needed, to train, validate and test; add rows"
    )


def test_rows_without_a_target_do_not_count(refusal):
    said = refusal("a,y\n1,3.5\n" + "2,\n" * 30)
    assert said.startswith("t.csv has 1 row with a target: at least 10 are needed")


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_file(refusal, text):
    assert refusal(text) == "t.csv is empty: a table starts with a line of column names, its rows beneath"


def test_a_header_alone(refusal):
    assert refusal("a,y\n") == "t.csv has a header and no rows: add them beneath it, a line each"


@pytest.mark.parametrize(
    ("value", "shown", "why"),
    [
        ("cat", "'cat'", "at least two classes are needed"),
        ("7", "7", "at least two classes are needed"),
        ("2.5", "2.5", "there is nothing to predict"),
    ],
)
def test_a_target_of_one_value(refusal, value, shown, why):
    said = refusal("a,y\n" + "".join(f"{i},{value}\n" for i in range(40)))
    assert f"t.csv: the target 'y' is {shown} in every" in said
    assert said.endswith(f"{why}; add rows of other values, or name another target")


def test_a_target_without_values(refusal):
    said = refusal("a,y\n" + "".join(f"{i},\n" for i in range(40)))
    assert said == "t.csv: the target 'y' is missing in every row; fill it in, or name another target"


@pytest.mark.parametrize(
    ("columns", "cells", "why"),
    [
        ("a,y", "7,{}", "a: every cell is '7'"),
        ("b,y", ",{}", "b: every cell is missing"),
        ("y", "{}", "there is none besides the target"),
    ],
)
def test_no_column_to_learn_from(refusal, columns, cells, why):
    said = refusal(f"{columns}\n" + "".join(cells.format(i / 2) + "\n" for i in range(40)))
    assert said == f"t.csv has no column to learn from: {why}; add columns whose values vary"


@pytest.mark.parametrize(
    ("columns", "typed", "meant"),
    [
        ("面积,价格", "价各", "价格"),
        ("建筑面积,成交价格", "成交价", "成交价格"),
        ("area,Price", "PRICE", "Price"),
        ("area,price", "pirce", "price"),
        ("x,y1", "y", "y1"),
    ],
)
def test_a_column_of_nearly_that_name_is_suggested(refusal, columns, typed, meant):
    said = refusal(f"{columns}\n" + "1,2\n" * 20, typed)
    listed = columns.replace(",", ", ")
    assert said == f"t.csv has no column {typed!r}; did you mean {meant!r}? columns: {listed}"
