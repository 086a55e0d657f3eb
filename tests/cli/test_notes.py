"""What is noticed in the data is said: warnings in Python, lines of notes by the command."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import descend
from descend.data.notices import Notices
from descend.errors import DataWarning
from descend.judging import evaluate

ROWS = 60


def table(rows: int = ROWS) -> pl.DataFrame:
    """A category, a number, texts that all differ, one value throughout, and a number to predict."""
    place = np.arange(rows)
    return pl.DataFrame(
        {
            "kind": np.array(["a", "b"])[place % 2],
            "n": place % 7 + 0.5,
            "name": [f"id{each}" for each in place],
            "same": ["x"] * rows,
            "y": place % 2 + place % 7 / 100,
        }
    )


def fitted(**options: Any) -> descend.Model:
    return descend.fit(table().drop("name", "same"), "y", epochs=2, **options).model


def test_fit_warns_of_the_columns_it_left_out() -> None:
    with pytest.warns(DataWarning) as said:
        descend.fit(table(), "y", epochs=1)
    assert [str(each.message) for each in said] == [
        "columns left out: 'name' (60 different texts in 60 cells), 'same' (every cell is 'x')"
    ]
    assert said[0].filename == __file__


def test_fit_warns_of_rows_without_a_target() -> None:
    frame = table().drop("name", "same").with_columns(pl.Series("y", [None, *table()["y"][1:]]))
    with pytest.warns(DataWarning, match="1 row whose target is missing was left out"):
        descend.fit(frame, "y", epochs=1)


@pytest.mark.parametrize("method", ["predict", "predict_proba"])
def test_predictions_warn_of_what_training_had_not(method: str) -> None:
    frame = table().drop("name", "same").with_columns(pl.col("y") > 0.5)
    model = descend.fit(frame, "y", epochs=1).model
    with pytest.warns(DataWarning) as said:
        getattr(model, method)({"kind": ["a", "new", "new"], "n": [1.0, None, 2.0], "more": [1, 2, 3]})
    assert [str(each.message) for each in said] == [
        "not used, for training had no such columns: 'more'",
        "column 'kind': 'new' in 2 rows was not seen in training and was encoded as 'other'",
        "column 'n': 1 missing cell was filled with the median",
    ]
    assert {each.filename for each in said} == {__file__}


def test_evaluate_counts_over_all_blocks_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted()
    monkeypatch.setattr("descend.judging._ROWS_AT_ONCE", 7)
    other = table().drop("name", "same").with_columns(
        pl.Series("kind", ["new"] * 20 + ["a"] * 40), pl.Series("n", [None] * 30 + [1.5] * 30)
    )  # fmt: skip
    notices = Notices()
    evaluate(model, other, notices=notices)
    assert notices.texts == (
        "column 'kind': 'new' in 20 rows was not seen in training and was encoded as 'other'",
        "column 'n': 30 missing cells were filled with the median",
    )


def test_the_command_prints_notes_and_warns_of_nothing(command: Any, tmp_path: Any) -> None:
    table().write_csv(tmp_path / "t.csv")
    table().head(4).with_columns(
        pl.Series("kind", ["a", "new", "b", "a"]), pl.Series("n", [1.5, 2.5, None, 3.5]),
        pl.Series("y", [1.0, 0.0, 1.0, None]),
    ).write_csv(tmp_path / "new.csv")  # fmt: skip
    assert command("fit", "t.csv", "--target", "y", "--out", "run", "--epochs", "1").status == 0
    unseen = "note: column 'kind': 'new' in 1 row was not seen in training and was encoded as 'other'"
    filled = "note: column 'n': 1 missing cell was filled with the median"
    missing = "note: 1 row whose target is missing was left out"
    assert command("evaluate", "run", "new.csv").err.splitlines() == [missing, unseen, filled]
    assert command("evaluate", "run", "new.csv", "--json").out.startswith("{")
    assert command("predict", "run", "new.csv").err.splitlines() == [unseen, filled]


def test_what_was_done_while_reading_is_said_at_prediction_too(command: Any, tmp_path: Any) -> None:
    lines = ["kind;n;y"] + [f"{'ab'[place % 2]};{place % 7}.5;{place}" for place in range(ROWS)]
    (tmp_path / "t.csv").write_text("\n".join(lines).replace(".5", ",5"))
    assert command("fit", "t.csv", "--target", "y", "--out", "run", "--epochs", "1").status == 0
    assert "commas were read as decimal points" in command("predict", "run", "t.csv").err
    with pytest.warns(DataWarning, match="commas were read as decimal points"):
        descend.load("run").predict("t.csv")
