from datetime import UTC, date, datetime, timedelta

import pytest

from appointments.free_slots import next_free_slots, slots_of_day
from tests.factories.accounts import ClinicFactory

pytestmark = pytest.mark.django_db
# The clocks go back from 03:00 to 02:00.
AUTUMN = date(2027, 10, 31)
TWICE = {"02:00", "02:30"}


@pytest.fixture
def clinic():
    hours = {str(day): ["01:00", "05:00"] for day in range(7)}
    return ClinicFactory(time_zone="Europe/Berlin", slot_minutes=30, slot_capacity=1, opening_hours=hours)


def test_an_hour_that_comes_twice_is_offered_once(clinic):
    slots = slots_of_day(clinic=clinic, day=AUTUMN, minutes=30, now=datetime(2027, 10, 1, tzinfo=UTC)).slots
    offered = [slot.starts_at for slot in slots if f"{slot.starts_at:%H:%M}" in TWICE]
    assert [start.utcoffset() for start in offered] == [timedelta(hours=2)] * 2
    assert [f"{slot.starts_at:%H:%M}" for slot in slots] == sorted({f"{s.starts_at:%H:%M}" for s in slots})


def test_nor_is_it_offered_twice_instead_of_a_time_that_is_taken(clinic):
    after = datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    found = next_free_slots(clinic=clinic, minutes=30, after=after)
    assert [f"{slot:%H:%M}" for slot in found] == ["02:30", "03:00", "03:30"]
