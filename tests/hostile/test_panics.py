"""Panics of polars, which pass every ``except Exception``, at every door."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import polars as pl
import pytest
import typer.main

import descend
from descend.cli.main import run
from descend.data import dataset as dataset_module
from descend.data import encoding, sources
from descend.data.panics import panics_named
from descend.errors import DataError
from descend.judging import evaluate

MESSAGE = r"polars, which reads tables, stopped at something in the data: out of range; look for values"


def panic(*_: object, **__: object) -> NoReturn:
    raise pl.exceptions.PanicException("out of range")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    path.write_text("a,y\n" + "".join(f"{place}.5,{2 * place}.5\n" for place in range(40)))
    return path


def test_reading(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "typed", panic)
    with pytest.raises(DataError, match=MESSAGE):
        sources.read(table, target="y")
    with pytest.raises(DataError, match=MESSAGE):
        descend.fit(table, "y")


def test_understanding(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dataset_module, "infer_columns", panic)
    with pytest.raises(DataError, match=MESSAGE):
        descend.fit(table, "y")
    assert run(["fit", str(table), "--target", "y"]) == 2
    assert capsys.readouterr().err.startswith("descend: polars, which reads tables, stopped at")


def test_predicting_and_evaluating(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = descend.fit(table, "y", epochs=1).model
    monkeypatch.setattr(encoding.TableEncoder, "_table_of", panic)
    with pytest.raises(DataError, match=MESSAGE):
        model.predict(table)
    with pytest.raises(DataError, match=MESSAGE):
        evaluate(model, table)


def test_the_command_line_as_the_last_resort(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(typer.main, "get_command", lambda app: _Panicking())
    assert run(["doctor"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


class _Panicking:
    make_context = panic


def test_threads_that_are_refused_are_named() -> None:
    with pytest.raises(DataError, match="was refused threads: raise the limit"), panics_named():
        raise pl.exceptions.PanicException("could not spawn threads:\nResource temporarily unavailable")


def test_all_else_passes() -> None:
    with pytest.raises(KeyboardInterrupt), panics_named():
        raise KeyboardInterrupt
