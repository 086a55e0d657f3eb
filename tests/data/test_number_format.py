"""Numbers that are not written as Python writes them: how a column is understood, and read again later."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from descend.data import sources
from descend.data.encoding import TableEncoder, encoder_from_json, fit_encoder
from descend.data.kinds import Column
from descend.data.number_format import NumberFormat
from descend.data.target import infer_task
from descend.errors import DataError, DataWarning, ModelFileError
from descend.judging import evaluate
from descend.workflow import fit


def table(folder: Path, cells: list[str], name: str = "x") -> Path:
    path = folder / "table.csv"
    quoted = [cell.replace('"', '""') for cell in cells]
    rows = "".join(f'"{cell}",{place % 3}\n' for place, cell in enumerate(quoted))
    path.write_text(f"{name},y\n{rows}", encoding="utf-8")
    return path


def column(folder: Path, cells: list[str]) -> Column:
    return sources.read(table(folder, cells), target="y").columns[0]


def values(folder: Path, cells: list[str]) -> list[float | None]:
    """The cells as numbers, read as the column was understood."""
    found = column(folder, cells)
    assert found.kind == "number", found
    written = found.number_format or NumberFormat()
    present = pl.Series([None if cell in written.missing else cell for cell in cells])
    return written.read(present).to_list()


def refusal(folder: Path, cells: list[str]) -> str:
    with pytest.raises(DataError) as raised:
        column(folder, cells)
    return str(raised.value)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["12.5%", "3%", "-0.1 %"], [12.5, 3, -0.1]),
        (["$1,234.50", "$3.00", "-$2"], [1234.5, 3, -2]),
        (["€ 1.234,50", "€ 3,25"], [1234.5, 3.25]),
        (["1.234,50 €", "12 €"], [1234.5, 12]),
        (["USD 12.5", "USD 1,000,000"], [12.5, 1e6]),
        (["$250,000", "$90,500"], [250000, 90500]),
        (["₹12,34,567", "₹7"], [1234567, 7]),
        (["￥73，222.84", "￥12"], [73222.84, 12]),
        (["100元", "59008元", "3元"], [100, 59008, 3]),
        (["1 234.5", "12 345", "7"], [1234.5, 12345, 7]),
        (["1\u00a0234.5", "7"], [1234.5, 7]),
        (["1'234.50", "2’000"], [1234.5, 2000]),
        (["1_234.5", "7"], [1234.5, 7]),
        (["1,234.5", "7"], [1234.5, 7]),
        (["1,234,567", "7"], [1234567, 7]),
        (["12,5", "3,75"], [12.5, 3.75]),
        (["−5.5", "3", "2"], [-5.5, 3, 2]),
        (["(1,234.5)", "7"], [-1234.5, 7]),
        (["12.50-", "7"], [-12.5, 7]),
        (["12.5 kg", "7 kg"], [12.5, 7]),
        (["12.5 m²", "7 m²"], [12.5, 7]),
        (["1.2k", "300", "4.5M"], [1200, 300, 4.5e6]),
        (["3.5万", "300", "2亿"], [35000, 300, 2e8]),
        (["1.25D+01", "2.5D-1"], [12.5, 0.25]),
        (["１２.５", "３"], [12.5, 3]),
        (["٧١٥٠٣", "٦٣٫٥", "۲۹"], [71503, 63.5, 29]),
        (["৩১৯.২৭", "๒๙๔๘๓", "७१"], [319.27, 29483, 71]),
        (["Fr. 56'249.–", "Fr. 12.-"], [56249, 12]),
        (["56 249,- Kč", "7,- Kč"], [56249, 7]),
        (["Rs. 5,62,497/-", "Rs. 70/-"], [562497, 70]),
        (["$   16,249.70", "$ 5"], [16249.7, 5]),
        (["–36.5", "—2.5", "7"], [-36.5, -2.5, 7]),
        (["\u200b23.5", "\u200e7.5", "\u30004.5\u00a0"], [23.5, 7.5, 4.5]),
        (['="12.5"', '="7"', '="3.25"'], [12.5, 7, 3.25]),
        (["'12.5", "'7.25", "'3.5"], [12.5, 7.25, 3.5]),
        (["78.9㎡", "7.5㎡"], [78.9, 7.5]),
        (["23.5℃", "-7.5℃"], [23.5, -7.5]),
        (["$78.9/hr", "$7.25/hr"], [78.9, 7.25]),
        ([f"{n},000,000+" for n in range(1, 26)], [1e6 * n for n in range(1, 26)]),
    ],
)
def test_numbers_in_dress_are_read_and_said(tmp_path: Path, cells: list[str], expected: list[float]) -> None:
    assert values(tmp_path, cells) == expected
    assert " is read as " in column(tmp_path, cells).remark


@pytest.mark.parametrize(
    ("cells", "line", "part"),
    [
        (["12%", "0.5", "7%"], 3, "'0.5' is not a number as the others are, such as '12%'"),
        (["12.5 kg", "3.5 lb", "7.25 kg"], 3, "'3.5 lb' is not a number as the others are"),
        (["5", "1,234", "987"], 3, "1234 or 1.234"),
        (["987 €", "1.234 €"], 3, "1234 or 1.234"),
        (["1.5", "TRUE", "2.5", "TRUE", "0.25"], 3, "'TRUE' is not a number"),
        ([f"~{n}.5" for n in range(30)], 2, "'~0.5' is not a plain number"),
        ([f"{n} 1/2" for n in range(30)], 2, "as in 1234.5"),
        (["0x1", "0x1f", "0xa0"], 2, "as in 1234.5"),
        (["90+", *map(str, range(60))], 2, "'90+' is not a number"),
        (["13", "4,6", "17", "3"], 3, "4 and 6 or 4.6"),
        ([*["1,234.5"] * 28, "1.234,5"], 30, "point before the decimals"),
        (
            [f"1{mark}{n:03}{other}5" for n in range(25) for mark, other in (",.", ".,")],
            3,
            "as the others are",
        ),
        ([*(f"{n}.5" for n in range(30)), *["sold", "on request"] * 9], 32, "'sold' is not a number"),
    ],
)
def test_numbers_that_cannot_be_read_in_one_way_are_refused(
    tmp_path: Path, cells: list[str], line: int, part: str
) -> None:
    message = refusal(tmp_path, cells)
    assert f"table.csv, line {line}, column 'x': " in message
    assert part in message
    assert message.endswith("or leave the column out (--ignore x)")


@pytest.mark.parametrize(
    "cells",
    [
        ["36 months", "60 months"] * 5,
        ["Q1", "Q2", "Q3"] * 4,
        ["water", "1.5HCl", "3.0HCl"] * 5,
        ["1Story", "2Story", "1.5Fin", "SLvl", "1Story", "1Story"] * 5,
        ["1999", "100% Love", "1999", "Stay", "Believe", "Vogue", "Hello"] * 2,
        ["1, 2", "2, 5, 7bis", "1, 3"] * 4,
        ["0-17", "18-25", "55+"] * 4,
        ["<=50K", ">50K"] * 6,
        ["1st", "2nd", "3rd"] * 4,
        ["1.2.3", "2.3.1"] * 4,
        ["(1)", "(2)", "(3)"] * 4,
        ["4", "6", "8", "rotary", "rotary"] * 3,
        [f"{n % 24}{'ABC'[n % 3]}" for n in range(120)],
        ["732 829 320", "552 100 554", "404 833 048"] * 3,
        ["1/2", "3/4"] * 5,
        ["0", "1", "2", "3+", "3+"] * 4,
        ["02139", "10001", "."] * 5,
    ],
)
def test_words_with_digits_stay_categories(tmp_path: Path, cells: list[str]) -> None:
    found = column(tmp_path, cells)
    assert (found.kind, found.remark) == ("category", "")


@pytest.mark.parametrize(
    "word",
    [".", "--", "none", "NA.", "<NA>", "#N/A!", "Missing", "UNKNOWN", "n.d.", "#DIV/0!", "—", "未知", "无",
     "нет данных", "see notes"],
)  # fmt: skip
def test_one_word_among_numbers_is_missing(tmp_path: Path, word: str) -> None:
    cells = [word if n % 4 == 1 else f"{n}.5" for n in range(40)]
    found = column(tmp_path, cells)
    assert found.kind == "number"
    assert found.remark == f"{word!r} is read as missing, in 10 cells"
    dataset = sources.read(table(tmp_path, cells), target="y")
    assert fit_encoder(dataset).feature_names == ("x", "x is missing")
    plain = ["" if cell == word else cell for cell in cells]
    np.testing.assert_array_equal(
        fit_encoder(dataset).transform(dataset),
        fit_encoder(sources.read(table(tmp_path, plain), target="y")).transform(table(tmp_path, plain)),
    )


def test_several_known_words_are_missing_together(tmp_path: Path) -> None:
    cells = [*map(str, range(1, 9)), "unknown", "n.d.", "Unknown", "NAN", "-nan", "$"]
    assert "'$' is not a number" in refusal(tmp_path, [*cells, *map(str, range(30))])
    found = column(tmp_path, cells[:-1])
    assert found.kind == "number"
    assert found.remark == "'unknown', 'n.d.', 'Unknown' are read as missing, in 3 cells"


@pytest.mark.parametrize("share", [0.05, 0.3])
def test_the_same_word_is_missing_at_any_share(tmp_path: Path, share: float) -> None:
    cells = [f"{n}.5" if n >= 60 * share else "out of range" for n in range(60)]
    assert column(tmp_path, cells).kind == "number"


def fitted(folder: Path, cells: list[str]) -> TableEncoder:
    """An encoder that has been to a file and back."""
    encoder = fit_encoder(sources.read(table(folder, cells), target="y"))
    again = encoder_from_json(json.loads(json.dumps({"kind": "TableEncoder", **encoder.to_json()})))
    assert isinstance(again, TableEncoder)
    assert again.to_json() == encoder.to_json()
    return again


@pytest.mark.parametrize(
    ("cells", "dressed", "plain", "other"),
    [
        (["12%", "3.5%", "40%"], "10%", 10.0, "$10"),
        (["$1,234.50", "$3", "$40"], "$2,500", 2500.0, "2,500 €"),
        (["12 kg", "3.5 kg", "40 kg"], "10 kg", 10.0, "10 lb"),
        (["1.234,5", "3,5", "40,25"], "2.500", 2500.0, "2,500.5"),
        (["1.2k", "300", "4.5k"], "2k", 2000.0, "2 kg"),
        (["(1.5)", "3", "40"], "(2)", -2.0, "2%"),
        (["1.5", "3", "."] * 2, ".", None, "--"),
        (["1.5", "3", "4"], "3", 3.0, "3%"),
    ],
)
def test_a_column_is_read_later_as_it_was_understood(
    tmp_path: Path, cells: list[str], dressed: str, plain: float | None, other: str
) -> None:
    encoder = fitted(tmp_path, cells)
    expected = encoder.transform({"x": pl.Series([plain], dtype=pl.Float64)})
    later = tmp_path / "new.csv"
    for text in (dressed, "" if plain is None else f"{plain:.1f}"):
        later.write_text(f'x\n"{text}"\n')
        np.testing.assert_array_equal(encoder.transform(later), expected)
        np.testing.assert_array_equal(encoder.transform({"x": [text]}), expected)
    later.write_text(f'x\n"{dressed}"\n"{other}"\n')
    with pytest.raises(DataError, match=r"new\.csv, line 3, column 'x': .* is not a number"):
        encoder.transform(later)


def test_decimal_commas_of_a_whole_file_are_read_once(tmp_path: Path) -> None:
    train, later = tmp_path / "train.csv", tmp_path / "later.csv"
    train.write_text("x;y\n" + "".join(f"{n}.234,{n + 50};{n},5\nn.d.;{n},5\n" for n in range(1, 30)))
    encoder = fit_encoder(sources.read(train, target="y"))
    later.write_text("x;z\n12,345;1,5\n2,5;3,5\n")  # read with points, for it says so throughout
    np.testing.assert_array_equal(encoder.transform(later), encoder.transform({"x": [12.345, 2.5]}))


def test_points_that_may_mark_thousands_are_not_read_in_two_ways(tmp_path: Path) -> None:
    encoder = fitted(tmp_path, ["1.234,5", "3,5", "40,25"])
    assert encoder.transform({"x": ["1.234"]}) == encoder.transform({"x": [1234.0]})
    with pytest.raises(DataError, match=r"row 1, column 'x': '1\.234' is not a number"):
        encoder.transform({"x": ["1.234", "2.5"]})


@pytest.mark.parametrize("kind", [list, np.array, lambda cells: pl.Series(cells, dtype=pl.String)])
def test_text_in_a_frame_is_read_as_that_of_a_file(
    tmp_path: Path, kind: Callable[[list[str]], object]
) -> None:
    for cells in (["12.5%", "3%", "7%"] * 5, ["1.5", "--", "3"] * 5, ["$1,234.5", "$3"] * 5):
        found = sources.read({"x": kind(cells), "y": range(len(cells))}, target="y").columns[0]
        assert found == column(tmp_path, cells)
    with pytest.raises(
        DataError, match="the given table, row 3, column 'x': '3 lb' is not a number as the others"
    ):
        _ = sources.read({"x": kind(["1.5 kg", "2.5 kg", "3 lb"])}).columns


def test_zeros_and_ones_with_a_word_for_missing(tmp_path: Path) -> None:
    encoder = fitted(tmp_path, ["0", "1", ".", "1"] * 3)
    assert encoder.feature_names == ("x", "x is missing")
    np.testing.assert_array_equal(encoder.transform({"x": ["0", "."]})[:, 1], [0, 1])


@pytest.mark.parametrize("word", [".", "missing", "NAN", "-nan", "+NaN", "Nan"])
def test_rows_whose_target_is_a_word_for_missing_are_left_out(tmp_path: Path, word: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n},{word if n % 10 == 3 else n * 1.5}\n" for n in range(60)))
    dataset = sources.read(path, target="y").with_known_target()
    assert dataset.rows == 54
    assert "6 rows whose target is missing" in dataset.notes[-1]
    assert dataset.numbers()[3] == 6.0


def test_a_target_in_dress_is_a_number_and_read_so_when_evaluated(tmp_path: Path) -> None:
    path, later = tmp_path / "t.csv", tmp_path / "later.csv"
    path.write_text("x,y\n" + "".join(f'{n % 7},"{n + 1},200.{n % 7}5 €"\n' for n in range(60)))
    with pytest.warns(DataWarning, match=r"target 'y': '10,200\.25 €' is read as 10200\.25"):
        run = fit(path, "y", epochs=3)
    assert run.model.target is not None
    later.write_text('x,y\n1,"1,100 €"\n2,2200.25\n')
    assert evaluate(run.model, later)["all"]["mean_absolute_error"] >= 0
    later.write_text("x,y\n1,12 kg\n")
    with pytest.raises(DataError, match=r"later\.csv, line 2, column 'y': '12 kg' is not a number"):
        evaluate(run.model, later)


def test_percent_as_a_target_and_plain_targets_stay_plain(tmp_path: Path) -> None:
    path, later = tmp_path / "t.csv", tmp_path / "later.csv"
    path.write_text("x,y\n" + "".join(f"{n % 9}.5,{10 * (n % 9)}%\n" for n in range(90)))
    dataset = sources.read(path, target="y")
    np.testing.assert_array_equal(dataset.numbers()[:3], [0, 10, 20])
    assert infer_task(dataset)[0] == "regression"
    path.write_text("x,y\n" + "".join(f"{n % 9}.5,{n / 90}\n" for n in range(90)))
    model = fit(path, "y", epochs=2).model
    later.write_text("x,y\n1.5,12.5%\n")
    with pytest.raises(DataError, match=r"'12\.5%' is not a number"):
        evaluate(model, later)


@pytest.mark.parametrize(
    "declared",
    [{"decimal": ";"}, {"grouping": "x"}, {"unit": 3}, {"missing": "word"}, {"size": 1}, "text", [1]],
)
def test_damaged_declarations(tmp_path: Path, declared: object) -> None:
    described = {"kind": "TableEncoder", **fitted(tmp_path, ["12%", "3.5%", "40%"]).to_json()}
    described["columns"][0]["number_format"] = declared
    with pytest.raises(ModelFileError):
        encoder_from_json(json.loads(json.dumps(described)))


def test_a_word_that_most_cells_hold_is_missing_among_decimals(tmp_path: Path) -> None:
    found = column(tmp_path, [*["entfällt"] * 45, *(f"{n}.5" for n in range(15))])
    assert (found.kind, found.remark) == ("number", "'entfällt' is read as missing, in 45 cells")


@pytest.mark.parametrize("form", ["from ${}.50", "{}.5*", "ab {} €", "ca. {}", "({} people)"])
def test_numbers_in_an_unknown_form_are_not_left_out_without_a_word(tmp_path: Path, form: str) -> None:
    found = column(tmp_path, [form.format(n) for n in range(30)])
    assert found.remark.startswith("its cells hold numbers in a form that is not read, such as ")
    assert form.format(0) in found.remark


@pytest.mark.parametrize("form", ["A{}", "no-{}", "x_{}", "#{}", "{}-{}", "Street {}, door {}", "10.0.{}.1"])
def test_codes_and_names_are_no_numbers_in_an_unknown_form(tmp_path: Path, form: str) -> None:
    assert column(tmp_path, [form.format(n, n + 1) for n in range(30)]).remark == ""


def test_the_convention_of_a_whole_file_holds_for_later_ones(tmp_path: Path) -> None:
    path, later = tmp_path / "t.csv", tmp_path / "later.csv"
    rows = "".join(f"1.{n:03}.500;{n},5;{n}.000\n" for n in range(30))
    path.write_text("x;z;y\n" + rows)
    encoder = fit_encoder(sources.read(path, target="y"))
    for price, width in (("1.020.500", "7,5"), ("20.790", "7,5"), ("20.790", "7"), ("20790", "7")):
        later.write_text(f"x;z\n{price};{width}\n")
        plain = {"x": [float(price.replace(".", ""))], "z": [float(width.replace(",", "."))]}
        np.testing.assert_array_equal(encoder.transform(later), encoder.transform(plain))
