"""Dates in text and with types of their own: how a column is understood, and read again later."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from descend.data import sources
from descend.data.encoding import TableEncoder, encoder_from_json, fit_encoder
from descend.data.kinds import Column
from descend.errors import DataError, ModelFileError

MANY = [date(2024, 1, 3) + timedelta(days=37 * n) for n in range(40)]


def table(folder: Path, cells: list[str], name: str = "table.csv") -> Path:
    path = folder / name
    rows = "".join(f'"{cell}",{place % 3}\n' for place, cell in enumerate(cells))
    path.write_text(f"d,y\n{rows}", encoding="utf-8")
    return path


def column(folder: Path, cells: list[str]) -> Column:
    return sources.read(table(folder, cells), target="y").columns[0]


def moments(folder: Path, cells: list[str]) -> list[datetime | None]:
    found = column(folder, cells)
    assert found.date_format is not None, found
    return found.date_format.read(pl.Series(cells)).to_list()


def refusal(folder: Path, cells: list[str]) -> str:
    with pytest.raises(DataError) as raised:
        column(folder, cells)
    return str(raised.value)


def encoder_of(data: object) -> TableEncoder:
    """An encoder that has been to a file and back."""
    encoder = fit_encoder(sources.read(data, target="y"))
    again = encoder_from_json(json.loads(json.dumps({"kind": "TableEncoder", **encoder.to_json()})))
    assert isinstance(again, TableEncoder)
    return again


@pytest.mark.parametrize(
    "written",
    ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y",
     "%Y. %m. %d.", "%Y.%m.%d.", "%Y년 %m월 %d일", "%d. %m. %Y", "%m-%d-%Y",
     "%d-%b-%Y", "%d-%B-%Y", "%d %B %Y", "%B %d, %Y", "%b %d, %Y", "%a, %d %b %Y", "%d.%m.%y",
     "%m/%d/%y", "%d/%m/%y", "%d-%b-%y"],
)  # fmt: skip
@pytest.mark.parametrize("time", ["", " %H:%M", "T%H:%M:%S", " %I:%M %p"])
def test_common_forms(tmp_path: Path, written: str, time: str) -> None:
    expected = [datetime(day.year, day.month, day.day, 9 * bool(time), 30 * bool(time)) for day in MANY]
    assert moments(tmp_path, [each.strftime(written + time) for each in expected]) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["2024-01-01 03:00:00+00:00", "2024-01-02 04:30:00+00:00"], datetime(2024, 1, 1, 3)),
        (
            ["2024-01-01T03:00:00.25+08:00", "2024-01-02T04:30:00+08:00"],
            datetime(2024, 1, 1, 3, 0, 0, 250_000),
        ),
        (["2024-01-01T03:00Z", "2024-02-01T03:00Z"], datetime(2024, 1, 1, 3)),
        (["2024-01-01 12:05 a.m.", "2024-02-01 12:05 PM"], datetime(2024, 1, 1, 0, 5)),
        (["2024-01-01", "2024-01-02 10:30:00"], datetime(2024, 1, 1)),
    ],
)
def test_times_and_offsets_are_read_as_the_clock_shows(
    tmp_path: Path, cells: list[str], expected: datetime
) -> None:
    assert moments(tmp_path, cells)[0] == expected


def test_years_of_two_digits_have_one_stated_pivot(tmp_path: Path) -> None:
    found = column(tmp_path, ["24.12.98", "31.01.24", "05.05.00"])
    assert found.note == "1998-12-24 to 2024-01-31, read as %d.%m.%y"
    assert column(tmp_path, ["29.02.52", "31.12.49"]).note == "1952-02-29 to 2049-12-31, read as %d.%m.%y"
    assert "years of two digits are read as 1950 to 2049" in found.remark


@pytest.mark.parametrize(
    ("cells", "line", "text"),
    [
        (["13/1/2022", "25/1/21", "26/2/2022", "27/2/21"], 3, "25/1/21"),
        (["2024-01-31", "31/01/2024", "2024-02-28"], 3, "31/01/2024"),
        (["31/01/2022"] * 20 + ["31/01/222"], 22, "31/01/222"),
        (["2024-01-01"] * 19 + ["2024-02-02", "2024-02-30"], 22, "2024-02-30"),
        (["0000-01-01", "2024-01-01"] + ["2024-01-02"] * 20, 2, "0000-01-01"),
    ],
)
def test_mixtures_and_impossible_dates_are_refused(
    tmp_path: Path, cells: list[str], line: int, text: str
) -> None:
    assert f"table.csv, line {line}, column 'd': {text!r} is not a date written as" in refusal(
        tmp_path, cells
    )


@pytest.mark.parametrize(
    ("cells", "guessed"),
    [
        (["01/02/2024", "03/04/2024"], True),
        (["01/02/2024", "13/04/2024"], False),
        (["05-06-2024", "07-08-2024"], True),
        (["05.06.2024", "07.08.2024"], False),
        (["01/01/2024", "02/02/2024"], False),
    ],
)
def test_an_order_of_day_and_month_that_cannot_be_told_is_said(
    tmp_path: Path, cells: list[str], guessed: bool
) -> None:
    assert ("cannot be told" in column(tmp_path, cells).remark) == guessed


@pytest.mark.parametrize("word", ["unknown", "—", "0000-00-00", "out"])
def test_words_for_missing_among_dates(tmp_path: Path, word: str) -> None:
    cells = [word if n % 4 == 1 else day.isoformat() for n, day in enumerate(MANY)]
    found = column(tmp_path, cells)
    assert (found.kind, found.remark) == ("date", f"{word!r} is read as missing, in 10 cells")
    encoder = encoder_of(table(tmp_path, cells))
    assert encoder.feature_names[1] == "d is missing"
    later = table(tmp_path, [word], "later.csv")
    assert encoder.transform(later)[0, 1] == 1


@pytest.mark.parametrize(
    "cells",
    [["1.2.10", "1.10.3", "2.0.1"] * 4, ["12-34-56", "98-76-54"] * 6, ["10-20", "20-30"] * 6,
     ["May", "June"] * 6],
)  # fmt: skip
def test_what_only_resembles_dates_stays_a_category(tmp_path: Path, cells: list[str]) -> None:
    assert column(tmp_path, cells).kind == "category"


@pytest.mark.parametrize("written", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y"])
def test_dates_are_read_later_as_they_were_understood(tmp_path: Path, written: str) -> None:
    encoder = encoder_of(table(tmp_path, [day.strftime(written) for day in MANY]))
    expected = encoder.transform({"d": MANY})
    for later in (written, "%Y-%m-%d", "%Y-%m-%d 00:00:00", "%Y-%m-%dT00:00:00.000"):
        path = table(tmp_path, [day.strftime(later) for day in MANY], "later.csv")
        np.testing.assert_array_equal(encoder.transform(path), expected)
    other = "%d/%m/%Y"
    path = table(tmp_path, [day.strftime(other) for day in MANY], "later.csv")
    with pytest.raises(DataError, match=r"later\.csv, line 2, column 'd': .* is not a date written as"):
        encoder.transform(path)


def test_a_model_of_typed_dates_reads_text_that_leaves_no_doubt() -> None:
    encoder = encoder_of({"d": MANY, "y": range(40)})
    expected = encoder.transform({"d": MANY})
    np.testing.assert_array_equal(encoder.transform({"d": [f"{day:%d.%m.%Y}" for day in MANY]}), expected)
    with pytest.raises(DataError, match=r"'03/04/2024' is not a date written as %Y-%m-%d"):
        encoder.transform({"d": ["03/04/2024"]})


def test_a_damaged_format_in_a_model_file_is_refused() -> None:
    described = {
        "kind": "TableEncoder",
        **encoder_of({"d": [f"{day:%d.%m.%Y}" for day in MANY], "y": range(40)}).to_json(),
    }
    for damaged in ("%d", None, {"order": "%Q"}, {"zone": "Moon/Crater"}, {"missing": [1]}, 3):
        described["columns"][0]["date_format"] = damaged
        with pytest.raises(ModelFileError):
            encoder_from_json(described)


class TestZones:
    midnights = tuple(datetime(2024, 1, 1) + timedelta(days=n) for n in range(400))

    def aware(self, zone: str) -> pl.Series:
        return pl.Series("d", list(self.midnights)).dt.replace_time_zone(zone)

    def test_weekday_month_and_time_are_those_of_the_columns_own_clock(self) -> None:
        y = range(400)
        naive = encoder_of({"d": list(self.midnights), "y": y})
        aware = encoder_of(pl.DataFrame({"d": self.aware("Asia/Shanghai"), "y": y}))
        text = encoder_of({"d": [f"{each:%Y-%m-%d %H:%M:%S}+08:00" for each in self.midnights], "y": y})
        expected = naive.transform({"d": list(self.midnights)})
        for encoder in (aware, text):
            assert encoder.feature_names == naive.feature_names
            for rows in ({"d": list(self.midnights)}, {"d": self.aware("Asia/Shanghai")}):
                np.testing.assert_array_equal(encoder.transform(rows), expected)

    def test_moments_of_another_zone_are_moved_to_the_training_tables(self) -> None:
        encoder = encoder_of(pl.DataFrame({"d": self.aware("Asia/Shanghai"), "y": range(400)}))
        expected = encoder.transform({"d": list(self.midnights)})
        utc = self.aware("Asia/Shanghai").dt.convert_time_zone("UTC")
        np.testing.assert_array_equal(encoder.transform({"d": utc}), expected)
        text = utc.dt.strftime("%Y-%m-%dT%H:%M:%SZ").to_list()
        np.testing.assert_array_equal(encoder.transform({"d": text}), expected)

    def test_offsets_that_differ_are_said(self, tmp_path: Path) -> None:
        zone = ZoneInfo("Europe/Berlin")
        cells = [each.replace(tzinfo=zone).isoformat() for each in self.midnights[::20]]
        assert "the offsets from UTC differ" in column(tmp_path, cells).remark
        assert moments(tmp_path, cells) == list(self.midnights[::20])

    def test_the_fingerprint_is_that_of_the_moments(self) -> None:
        first = sources.read(pl.DataFrame({"d": self.aware("Asia/Shanghai")}))
        second = sources.read(pl.DataFrame({"d": self.aware("Asia/Shanghai").dt.convert_time_zone("UTC")}))
        third = sources.read(pl.DataFrame({"d": self.aware("UTC")}))
        assert first.fingerprint == second.fingerprint != third.fingerprint


@pytest.mark.parametrize("day", [3_664_000, -719_600, -721_500])
@pytest.mark.parametrize("kind", [pl.Date, pl.Datetime("ms"), pl.Datetime("ms", "UTC")])
def test_years_outside_1_to_9999_are_refused_by_row(tmp_path: Path, day: int, kind: pl.DataType) -> None:
    days = pl.Series([*range(19_000, 19_030), day], dtype=pl.Int32).cast(pl.Date)
    cells = days.cast(pl.Int64) * 86_400_000 if kind != pl.Date else days.cast(pl.Int32)
    frame = pl.DataFrame({"d": cells.cast(kind), "y": range(31)})
    frame.write_parquet(tmp_path / "t.parquet")
    for source, name in ((frame, "the given table"), (tmp_path / "t.parquet", "t.parquet")):
        message = f"{name}, row 31, column 'd': a date outside the years 1 to 9999"
        with pytest.raises(DataError, match=message):
            _ = sources.read(source, target="y").columns
        with pytest.raises(DataError, match=message):
            sources.read(source, target="d")
        assert len(sources.read(source, target="y", ignore=["d"]).fingerprint) == 64
    encoder = encoder_of(frame.head(30))
    with pytest.raises(DataError, match="the given table, row 31, column 'd': a date outside"):
        encoder.transform(frame)


def test_the_last_moment_of_the_calendar_is_read() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59)
    assert (
        encoder_of({"d": [*(datetime(day.year, day.month, day.day) for day in MANY), last], "y": range(41)})
        .transform({"d": [last]})
        .shape[0]
        == 1
    )
    aware = [last.replace(tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]
    assert sources.read(pl.DataFrame({"d": aware, "y": [1, 2]})).columns[0].kind == "date"
