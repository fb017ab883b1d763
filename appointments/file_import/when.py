"""Dates and times as people and spreadsheets write them; the day comes before the month."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from appointments.file_import.errors import CellError
from appointments.rules import FIRST_YEAR, LAST_YEAR
from common.spreadsheets import bare

_YEAR_FIRST = r"(?P<y1>\d{4})(?P<s1>[-/.])(?P<m1>\d{1,2})(?P=s1)(?P<d1>\d{1,2})"
_DAY_FIRST = r"(?P<d2>\d{1,2})(?P<s2>[-/. ])(?P<m2>\d{1,2})(?P=s2)(?P<y2>\d{4}|\d{2})"
_NAMED_MONTH = r"(?P<d3>\d{1,2})[-/. ]?(?P<name>[A-Za-z]{3,9})\.?,?[-/ ]?(?P<y3>\d{4}|\d{2})"
_TIME = (
    r"(?P<hour>\d{1,2})"
    r"(?:\s*[:hH.]\s*(?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?|[hH](?=\s|$)|(?=\s*[AaPp]\.?[Mm]))"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_OFFSET = r"\s?(?P<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)"
_DATE_AND_TIME = re.compile(
    rf"(?:{_YEAR_FIRST}|{_DAY_FIRST}|{_NAMED_MONTH})(?:(?:[Tt]|,?\s){_TIME}(?:{_OFFSET})?)?[Tt]?"
)
_ONLY_TIME = re.compile(rf"{_TIME}(?:{_OFFSET})?")
_COMPACT_TIME = re.compile(r"(?P<hour>\d{2})(?P<minute>\d{2})(?:\s?(?:h|hrs|hours))?", re.IGNORECASE)
_SERIAL = re.compile(r"(?P<day>\d{5})(?:[.,](?P<fraction>\d+))?")
_DAY_FRACTION = re.compile(r"0?[.,](?P<fraction>\d+)")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Excel's day 0, for days after February 1900.
_EXCEL_DAY_0 = date(1899, 12, 30)


@dataclass(frozen=True, slots=True)
class _Clock:
    time: time
    offset: timezone | None = None


def read_when(
    datetime_text: str | None, date_text: str | None, time_text: str | None, zone: ZoneInfo
) -> datetime:
    """The time of a visit in UTC, from one column or from two; without an offset it is in `zone`.

    A date in the first and a time in the third combine too. Raises CellError on the column at fault:
    MISSING_DATE, INVALID_DATE, NO_TIME, INVALID_TIME, NONEXISTENT_TIME.
    """
    whole, day_text, clock_text = (bare(text or "") for text in (datetime_text, date_text, time_text))
    column = "appointment_datetime" if whole or not (day_text or clock_text) else "appointment_date"
    if not (whole or day_text):
        raise CellError(column, "MISSING_DATE", _("There is no date. Write it like 2026-12-01."))
    day, clock = _read_date(whole or day_text, column)
    if whole and day_text and _read_date(day_text, "appointment_date")[0] != day:
        raise CellError("appointment_date", "INVALID_DATE", _("Two columns give different dates."))
    if clock_text:
        clock = _combine(clock, _read_time(clock_text))
    if clock is None:
        at_fault = "appointment_time" if time_text is not None and not whole else column
        raise CellError(at_fault, "NO_TIME", _("There is no time. Write it like 2026-12-01 09:30."))
    return _in_utc(day, clock, zone, "appointment_time" if clock_text else column)


def _combine(clock: _Clock | None, given: _Clock) -> _Clock:
    # A spreadsheet writes a plain date as midnight.
    if clock is None or clock.time == time(0):
        return given
    if clock.time.replace(second=0) != given.time.replace(second=0):
        raise CellError("appointment_time", "INVALID_TIME", _("Two columns give different times."))
    return clock


def _read_date(text: str, column: str) -> tuple[date, _Clock | None]:
    if match := _SERIAL.fullmatch(text):
        day, clock = _from_serial(match)
    elif match := _DATE_AND_TIME.fullmatch(text):
        day = _calendar_day(match, column)
        clock = _clock(match, column) if match["hour"] else None
    else:
        raise CellError(
            column, "INVALID_DATE", _("This is not a date that can be read. Write it like 2026-12-01 09:30.")
        )
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise CellError(column, "INVALID_DATE", _("Check the year."))
    return day, clock


def _calendar_day(match: re.Match[str], column: str) -> date:
    year, day = match["y1"] or match["y2"] or match["y3"], match["d1"] or match["d2"] or match["d3"]
    if len(year) == 2:
        raise CellError(column, "INVALID_DATE", _("Write the year with four digits, like 2026."))
    try:
        return date(int(year), _month(match), int(day))
    except ValueError:
        raise CellError(
            column,
            "INVALID_DATE",
            _("This day does not exist. Write the day before the month, like 31/12/2026."),
        ) from None


def _month(match: re.Match[str]) -> int:
    if not match["name"]:
        return int(match["m1"] or match["m2"])
    return _MONTHS.index(match["name"][:3].lower()) + 1


def _from_serial(match: re.Match[str]) -> tuple[date, _Clock | None]:
    day = datetime.combine(_EXCEL_DAY_0, time(0)) + timedelta(days=int(match["day"]))
    if not int(match["fraction"] or 0):
        return day.date(), None
    exact = day + timedelta(minutes=_minutes(match["fraction"]))
    return exact.date(), _Clock(exact.time())


def _minutes(fraction: str) -> int:
    # To the minute: what is finer in a fraction of a day is rounding.
    return round(float(f"0.{fraction}") * 24 * 60)


def _read_time(text: str) -> _Clock:
    column = "appointment_time"
    if match := _DAY_FRACTION.fullmatch(text):
        minutes = _minutes(match["fraction"])
        if minutes < 24 * 60:
            return _Clock(time(minutes // 60, minutes % 60))
    elif match := _ONLY_TIME.fullmatch(text):
        return _clock(match, column)
    elif match := _COMPACT_TIME.fullmatch(text):
        return _Clock(_time_of_day(int(match["hour"]), int(match["minute"]), 0, column))
    raise CellError(column, "INVALID_TIME", _("This is not a time that can be read. Write it like 09:30."))


def _clock(match: re.Match[str], column: str) -> _Clock:
    clock = _time_of_day(_hour(match, column), int(match["minute"] or 0), int(match["second"] or 0), column)
    return _Clock(clock, _offset(match["offset"], column))


def _hour(match: re.Match[str], column: str) -> int:
    hour, half = int(match["hour"]), (match["half"] or "").lower()
    if half == "a" and hour > 12:
        raise _no_such_time(column)
    if half and hour <= 12:
        return hour % 12 + (12 if half == "p" else 0)
    return hour


def _time_of_day(hour: int, minute: int, second: int, column: str) -> time:
    try:
        return time(hour, minute, second)
    except ValueError:
        raise _no_such_time(column) from None


def _no_such_time(column: str) -> CellError:
    return CellError(column, "INVALID_TIME", _("This time does not exist. Write it like 09:30."))


def _offset(text: str | None, column: str) -> timezone | None:
    if not text:
        return None
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if shift > timedelta(hours=14):
        raise CellError(column, "INVALID_TIME", _("Check the offset from UTC. Botswana's is +02:00."))
    return timezone(-shift if text[0] == "-" else shift)


def _in_utc(day: date, clock: _Clock, zone: ZoneInfo, column: str) -> datetime:
    naive = datetime.combine(day, clock.time)
    if clock.offset is not None:
        return naive.replace(tzinfo=clock.offset).astimezone(UTC)
    moment = naive.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != naive:
        raise CellError(
            column,
            "NONEXISTENT_TIME",
            _("The clocks go forward that day, and this time is left out. Choose another time."),
        )
    return moment
