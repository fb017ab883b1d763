from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appointments.rules import (
    on_clinics_clock,
    refuse_early_attendance,
    refuse_odd_year,
    refuse_out_of_bounds,
    refuse_transition,
)
from common.errors import StateConflict, ValidationFailed
from tests.factories.accounts import ClinicFactory

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
# Its clocks are put forward from 2 to 3 on 2027-03-28.
BERLIN = ZoneInfo("Europe/Berlin")


def in_berlin():
    return ClinicFactory.build(time_zone="Europe/Berlin")


@pytest.mark.parametrize(("year", "odd"), [(1989, True), (1990, False), (2100, False), (2101, True)])
def test_years_are_from_1990_to_2100(year, odd):
    moment = datetime(year, 6, 1, tzinfo=UTC)
    if odd:
        with pytest.raises(ValidationFailed) as refusal:
            refuse_odd_year(moment)
        assert set(refusal.value.details) == {"appointment_datetime"}
    else:
        refuse_odd_year(moment)


def test_a_time_without_an_offset_is_read_on_the_clinics_clock():
    meant = on_clinics_clock(datetime(2027, 3, 27, 9, 0), in_berlin())  # noqa: DTZ001
    assert (meant, meant.utcoffset()) == (datetime(2027, 3, 27, 8, 0, tzinfo=UTC), timedelta(hours=1))


def test_a_time_with_an_offset_stays_as_it_is():
    moment = datetime(2027, 3, 28, 2, 30, tzinfo=UTC)
    assert on_clinics_clock(moment, in_berlin()) is moment


@pytest.mark.parametrize(("hour", "minute"), [(2, 0), (2, 59)])
def test_a_time_that_the_clocks_skip_is_refused(hour, minute):
    with pytest.raises(ValidationFailed, match="skip") as refusal:
        on_clinics_clock(datetime(2027, 3, 28, hour, minute), in_berlin())  # noqa: DTZ001
    assert set(refusal.value.details) == {"appointment_datetime"}


@pytest.mark.parametrize(("hour", "minute"), [(1, 59), (3, 0)])
def test_times_beside_those_that_the_clocks_skip_are_taken(hour, minute):
    moment = datetime(2027, 3, 28, hour, minute)  # noqa: DTZ001
    assert on_clinics_clock(moment, in_berlin()).astimezone(BERLIN).hour == hour


def test_a_mistyped_year_is_refused_before_anything_is_reckoned_from_it():
    with pytest.raises(ValidationFailed, match="year"):
        on_clinics_clock(datetime(1, 1, 1), in_berlin())  # noqa: DTZ001
    with pytest.raises(ValidationFailed, match="year"):
        refuse_out_of_bounds(datetime(2101, 1, 1, tzinfo=UTC), NOW)


def test_this_very_moment_is_past_already():
    with pytest.raises(ValidationFailed) as refusal:
        refuse_out_of_bounds(NOW, NOW)
    assert set(refusal.value.details) == {"appointment_datetime"}
    refuse_out_of_bounds(NOW + timedelta(microseconds=1), NOW)


def test_attendance_is_marked_from_the_clinics_midnight_on():
    midnight = datetime(2026, 12, 1, 23, 0, tzinfo=UTC)
    visit = datetime(2026, 12, 2, 15, 0, tzinfo=UTC)
    refuse_early_attendance(visit, in_berlin(), midnight)
    with pytest.raises(StateConflict):
        refuse_early_attendance(visit, in_berlin(), midnight - timedelta(seconds=1))
    # Half past eleven at night there, and the next day in other places.
    late = datetime(2026, 12, 1, 22, 30, tzinfo=UTC)
    refuse_early_attendance(late, in_berlin(), late - timedelta(hours=12))


def test_a_step_that_there_is_not_is_refused_in_the_words_of_the_states():
    refuse_transition("booked", "confirmed")
    with pytest.raises(StateConflict) as refusal:
        refuse_transition("cancelled", "attended")
    assert "cancelled" in str(refusal.value).lower()
    assert "attended" in str(refusal.value).lower()
