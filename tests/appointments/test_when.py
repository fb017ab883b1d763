from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appointments.file_import.errors import CellError
from appointments.file_import.when import read_when

GABORONE = ZoneInfo("Africa/Gaborone")
BERLIN = ZoneInfo("Europe/Berlin")
HALF_PAST_NINE = datetime(2026, 12, 1, 7, 30, tzinfo=UTC)


def error_of(*arguments):
    with pytest.raises(CellError) as refusal:
        read_when(*arguments)
    return refusal.value.column, refusal.value.code


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-01 09:30",
        "2026-12-01 9:30",
        "2026-12-01 09:30:00",
        "2026-12-01T09:30",
        "2026-12-01T09:30:00.000",
        "2026-12-01T07:30Z",
        "2026-12-01T07:30:00z",
        "2026-12-01T09:30:00+02:00",
        "2026-12-01 09:30 +0200",
        "2026-12-01T02:30-05",
        "2026/12/01 09:30",
        "01/12/2026 09:30",
        "1/12/2026 9:30",
        "01-12-2026 09:30",
        "01.12.2026 09:30",
        "01.12.2026, 09:30",
        "1 Dec 2026 09:30",
        "01-December-2026 09:30",
        "01/12/2026 9:30 AM",
        "01/12/2026 09:30am",
        "01/12/2026 09:30 a.m.",
        "01/12/2026 09h30",
        "46357.395833",
        "46357.3958",
        "46357,395833333",
        "\u00a001/12/2026\u00a0\u00a009:30 ",
        "'2026-12-01 09:30",
    ],
)
def test_a_date_and_time_is_read_in_any_form(written):
    assert read_when(written, None, None, GABORONE) == HALF_PAST_NINE


@pytest.mark.parametrize(
    ("date", "time"),
    [
        ("01/12/2026", "09:30"),
        ("01/12/2026", "9:30 AM"),
        ("01/12/2026", "09h30"),
        ("01/12/2026", "09.30"),
        ("01/12/2026", "0930"),
        ("01/12/2026", "0930hrs"),
        ("01/12/2026", "0.395833"),
        ("01/12/2026", ",3958333333"),
        ("46357", "09:30:00"),
        ("46357.0", "0.3958333"),
        ("2026-12-01 00:00:00", "09:30"),
        ("2026-12-01T", "09:30"),
        ("2026-12-01 09:30", ""),
        ("2026-12-01 09:30", "09:30"),
    ],
)
def test_a_date_and_a_time_in_two_columns_combine(date, time):
    assert read_when(None, date, time, GABORONE) == HALF_PAST_NINE


def test_a_date_in_the_datetime_column_combines_with_a_time_in_its_own():
    assert read_when("01/12/2026", None, "09:30", GABORONE) == HALF_PAST_NINE


def test_a_date_in_both_columns_may_be_the_same():
    assert read_when("01/12/2026 09:30", "2026-12-01", "", GABORONE) == HALF_PAST_NINE


@pytest.mark.parametrize(
    ("time", "hour"),
    [("12:00 am", 0), ("12:00 pm", 12), ("1 PM", 13), ("11:00 p.m.", 23), ("13:00 PM", 13), ("14h", 14)],
)
def test_halves_of_the_day_are_read(time, hour):
    assert read_when(None, "01/12/2026", time, ZoneInfo("UTC")).hour == hour


def test_a_time_without_an_offset_is_in_the_clinics_zone():
    assert read_when("2026-07-01 09:30", None, None, BERLIN) == datetime(2026, 7, 1, 7, 30, tzinfo=UTC)


def test_a_local_time_that_the_clocks_leave_out_is_refused():
    assert error_of("2026-03-29 02:30", None, None, BERLIN) == (
        "appointment_datetime",
        "NONEXISTENT_TIME",
    )


def test_a_local_time_that_comes_twice_is_the_first_of_both():
    assert read_when("2026-10-25 02:30", None, None, BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("whole", "date", "time", "column", "code"),
    [
        ("", None, None, "appointment_datetime", "MISSING_DATE"),
        (None, "", "09:30", "appointment_date", "MISSING_DATE"),
        ("31/02/2030 09:00", None, None, "appointment_datetime", "INVALID_DATE"),
        ("12/31/2026 09:00", None, None, "appointment_datetime", "INVALID_DATE"),
        ("1 Foo 2026 09:00", None, None, "appointment_datetime", "INVALID_DATE"),
        ("tomorrow", None, None, "appointment_datetime", "INVALID_DATE"),
        ("01/12/26 09:30", None, None, "appointment_datetime", "INVALID_DATE"),
        ("1989-12-31 09:30", None, None, "appointment_datetime", "INVALID_DATE"),
        ("2101-01-01 09:30", None, None, "appointment_datetime", "INVALID_DATE"),
        ("99999.5", None, None, "appointment_datetime", "INVALID_DATE"),
        (None, "31/02/2030", "09:00", "appointment_date", "INVALID_DATE"),
        ("2026-12-01", "2026-12-02", "09:00", "appointment_date", "INVALID_DATE"),
        ("2030-06-04", None, None, "appointment_datetime", "NO_TIME"),
        ("46357", None, None, "appointment_datetime", "NO_TIME"),
        (None, "2030-06-04", "", "appointment_time", "NO_TIME"),
        ("2026-12-01 25:00", None, None, "appointment_datetime", "INVALID_TIME"),
        ("2026-12-01 14:00 AM", None, None, "appointment_datetime", "INVALID_TIME"),
        ("2026-12-01T09:30+99:00", None, None, "appointment_datetime", "INVALID_TIME"),
        (None, "2026-12-01", "25:00", "appointment_time", "INVALID_TIME"),
        (None, "2026-12-01", "0960", "appointment_time", "INVALID_TIME"),
        (None, "2026-12-01", "morning", "appointment_time", "INVALID_TIME"),
        (None, "2026-12-01", "0.99999", "appointment_time", "INVALID_TIME"),
        ("2026-12-01 09:30", None, "10:30", "appointment_time", "INVALID_TIME"),
    ],
)
def test_what_is_no_date_and_time_names_the_column_at_fault(whole, date, time, column, code):
    assert error_of(whole, date, time, GABORONE) == (column, code)


def test_a_year_of_two_digits_asks_for_four():
    with pytest.raises(CellError, match="four digits"):
        read_when("1-Dec-26 09:30", None, None, GABORONE)


@settings(deadline=None)
@given(st.datetimes(datetime(1990, 1, 2), datetime(2100, 12, 30)))  # noqa: DTZ001  (local times)
def test_every_local_time_to_the_second_reads_back(moment):
    moment = moment.replace(microsecond=0)
    expected = moment.replace(tzinfo=GABORONE)
    assert read_when(moment.isoformat(), None, None, GABORONE) == expected
    assert read_when(f"{moment:%d/%m/%Y %I:%M:%S %p}", None, None, GABORONE) == expected
    assert read_when(None, f"{moment:%d.%m.%Y}", f"{moment:%H:%M:%S}", GABORONE) == expected


@settings(deadline=None)
@given(st.text(alphabet="0123456789/-.:, TZ+aApPmMh'", max_size=20), st.text(max_size=12))
def test_no_text_crashes_the_reading_of_dates(whole, time):
    for arguments in ((whole, None, None), (None, whole, time), (time, whole, "")):
        with suppress(CellError):
            assert read_when(*arguments, GABORONE).tzinfo is UTC
