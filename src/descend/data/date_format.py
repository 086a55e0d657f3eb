"""How the text of a column's dates is written, and the moments that such text stands for."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import polars as pl

PIVOT = 49
"""Years of two digits up to this one are this century's: 49 is 2049, 50 is 1950, as newer spreadsheets do."""

DATE_ORDERS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y. %m. %d.", "%Y.%m.%d.", "%Y년 %m월 %d일",
    "%d.%m.%Y", "%d. %m. %Y", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y",
    "%d-%b-%Y", "%d %b %Y", "%d. %b %Y", "%b %d, %Y", "%b %d %Y", "%Y-%b-%d", "%d/%b/%Y",
    "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%y/%m/%d", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d",
    "%d-%b-%y", "%d %b %y", "%b %d, %y",
)  # fmt: skip
"""Ways of writing a date that are understood; where several read a whole column, the first one holds.

``%b`` is a month's English name, whole or its first three letters.
"""

ISO = "%Y-%m-%d"
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DIRECTIVES = {
    "%Y": r"\d{4}",
    "%y": r"\d{2}",
    "%m": r"\d{1,2}",
    "%d": r"\d{1,2}",
    "%b": "(?i:" + "|".join(f"{month[:3]}(?:{month[3:]})?" for month in _MONTHS) + r"|Sept)\.?",
}
_WEEKDAY = r"(?:(?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*\.?,? )?"
_OFFSET = r"(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?"
_TIME = (
    r"(?:(?:[T ,]|, | at )(?<hour>\d{1,2}):(?<minute>\d{2})"
    r"(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?"
    rf"(?: ?(?<half>[AaPp])\.?[Mm]\.?)?(?: ?(?<zone>Z|UTC|GMT|{_OFFSET}))?)?"
)
_SECOND = 1_000_000  # microseconds
_FIRST_DAY = -719_162  # 0001-01-01 in days since 1970-01-01


@dataclass(frozen=True, slots=True)
class DateFormat:
    """What a column's dates look like beside ISO's own spelling; a time of day may follow each.

    order : one of ``DATE_ORDERS``, or "" where the dates had a type of their own.
    zone : the zone whose clock the dates were read from, a name or an offset such as +08:00; dates of
        another zone are moved to it. "" where the dates have no zone, or several.
    missing : words for a missing cell, as they are spelled.

    Raises ValueError for an unknown order or zone.
    """

    order: str = ""
    zone: str = ""
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks the order and the zone: a declaration may come from a file."""
        if self.order and self.order not in DATE_ORDERS:
            raise ValueError(f"no order of dates: {self.order!r}")
        try:
            on_clock(pl.Series([], dtype=pl.Datetime("us")), self.zone or "+00:00")
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"no time zone: {self.zone!r}") from error

    def read(self, cells: pl.Series) -> pl.Series:
        """Text without missing cells as datetimes in microseconds, on the clock of the zone if there is one.

        Null where a cell is written neither as declared nor as ISO writes dates.
        """
        dates, zones = read_dates(cells, self.order or ISO)
        if self.order not in ("", ISO):
            iso, iso_zones = read_dates(cells, ISO)
            dates, zones = (a.zip_with(dates.is_not_null(), b) for a, b in ((dates, iso), (zones, iso_zones)))
        if not self.zone or not zones.is_not_null().any():
            return dates
        utc = (dates.cast(pl.Int64) - _microseconds(zones)).cast(pl.Datetime("us"))
        return dates.zip_with(zones.is_null(), on_clock(utc, self.zone))


def read_dates(cells: pl.Series, order: str) -> tuple[pl.Series, pl.Series]:
    """Text as datetimes in microseconds, null where it is no date in this order, and their zones as text.

    A clock is read as it is written. The zone is an offset such as +08:00, null where none is written.
    """
    date = pl.col("date").str.replace(r"([A-Za-z]{3})[a-z]*\.?", "${1}") if "%b" in order else pl.col("date")
    day = date.str.to_date(order, strict=False)
    if "%y" in order:  # strptime takes years up to 69 for this century's
        day = pl.when(day.dt.year() > 2000 + PIVOT).then(day.dt.offset_by("-100y")).otherwise(day)
    day = pl.when(day.cast(pl.Int32) >= _FIRST_DAY).then(day)
    moment = day.cast(pl.Datetime("us")).cast(pl.Int64) + _time_of_day()
    zone = pl.col("zone").str.replace("^(?:UTC|GMT)(.)", "${1}").replace(["Z", "UTC", "GMT"], "+00:00")
    read = (
        cells.alias("cell").to_frame().lazy()
        .select(pl.col("cell").str.strip_chars().str.extract_groups(_pattern(order)).alias("parts"))
        .unnest("parts")
        .select(moment.cast(pl.Datetime("us")).alias("moment"), zone.alias("zone"))
        .collect()
    )  # fmt: skip
    return read["moment"], read["zone"]


def orders_of(cells: pl.Series) -> list[str]:
    """The ``DATE_ORDERS`` that at least one text is written in."""
    found = (
        cells.alias("cell")
        .to_frame()
        .select(
            pl.col("cell").str.strip_chars().str.contains(_pattern(order)).any().alias(order)
            for order in DATE_ORDERS
        )
    )
    return [order for order in DATE_ORDERS if found[order][0]]


@functools.cache
def _pattern(order: str) -> str:
    date = "".join(_DIRECTIVES.get(part, re.escape(part)) for part in re.split("(%.)", order))
    return f"^{_WEEKDAY}(?<date>{date}){_TIME}$"


def on_clock(utc: pl.Series, zone: str) -> pl.Series:
    """What a clock of the zone shows at moments of UTC; datetimes in microseconds without a zone, both.

    zone : a name such as Asia/Shanghai, or an offset such as +08:00.
    """
    if zone[0] in "+-":
        return (utc.cast(pl.Int64) + _microseconds(pl.Series([zone]))[0]).cast(pl.Datetime("us"))
    return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _time_of_day() -> pl.Expr:
    """Microseconds since midnight of a cell's parts; 0 where no time is written, null where it is none."""
    hour, minute, second = (
        pl.col(name).cast(pl.Int64, strict=False).fill_null(0) for name in ("hour", "minute", "second")
    )
    half = pl.col("half").str.to_lowercase()
    valid = (hour <= 23) & (minute <= 59) & (second <= 59) & (half.is_null() | hour.is_between(1, 12))
    hour = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + 12 * (half == "p").cast(pl.Int64))
    fraction = (pl.col("fraction").fill_null("") + "000000").str.slice(0, 6).cast(pl.Int64)
    return pl.when(valid).then(((hour * 60 + minute) * 60 + second) * _SECOND + fraction)


def _microseconds(offsets: pl.Series) -> pl.Series:
    """Offsets such as +08:00, -0330 and +08 in microseconds east of UTC."""
    parts = offsets.str.extract_groups(r"^(?<sign>[+-])(?<hours>\d{2}):?(?<minutes>\d{2})?$").struct.unnest()
    minutes = parts["hours"].cast(pl.Int64) * 60 + parts["minutes"].cast(pl.Int64).fill_null(0)
    return minutes * 60 * _SECOND * ((parts["sign"] == "+").cast(pl.Int64) * 2 - 1)
