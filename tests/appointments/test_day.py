from datetime import date, datetime, time

import pytest

from appointments import day as days
from appointments.day import load_of_day, page_of_day
from appointments.free_slots import days_with_room, slots_of_day
from appointments.models import Closure
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory

pytestmark = pytest.mark.django_db
MONDAY, TUESDAY = date(2026, 12, 7), date(2026, 12, 8)


@pytest.fixture
def clinic():
    return ClinicFactory(
        slot_capacity=2, opening_hours={str(d): ["09:00", "11:00"] for d in range(5)} | {"5": None, "6": None}
    )


def at(clinic, clock, day=MONDAY):
    return datetime.combine(day, time.fromisoformat(clock), clinic.zone)


def visit(clinic, clock="09:00", day=MONDAY, **fields):
    return AppointmentFactory(patient__clinic=clinic, starts_at=at(clinic, clock, day), **fields)


def test_a_day_begins_and_ends_at_the_clinics_midnight(clinic):
    first, last = visit(clinic, "00:00"), visit(clinic, "23:59")
    visit(clinic, "00:00", TUESDAY)
    visit(ClinicFactory())
    assert page_of_day(clinic, MONDAY).visits == [first, last]


def test_a_days_parts_are_counted(clinic):
    for status in ("booked", "confirmed", "attended", "missed", "cancelled"):
        visit(clinic, status=status)
    page = page_of_day(clinic, MONDAY, part="waiting")
    assert page.counts == {"": 5, "waiting": 2, "came": 1, "missed": 1, "cancelled": 1}
    assert {v.status for v in page.visits} == {"booked", "confirmed"}


def test_a_long_day_opens_where_the_next_visit_is(clinic, monkeypatch):
    monkeypatch.setattr(days, "ON_A_PAGE", 2)
    for clock, status in [("08:00", "attended"), ("08:10", "missed"), ("08:20", "attended")]:
        visit(clinic, clock, status=status)
    waiting = visit(clinic, "08:30")
    page = page_of_day(clinic, MONDAY)
    assert (page.number, page.pages, waiting in page.visits) == (2, 2, True)
    assert len(page_of_day(clinic, MONDAY, number=1).visits) == 2
    assert page_of_day(clinic, MONDAY, number=99).number == 2


def test_a_day_without_visits_has_one_empty_page(clinic):
    page = page_of_day(clinic, MONDAY)
    assert (page.visits, page.pages, page.number) == ([], 1, 1)


def test_the_load_of_a_day_is_counted_by_hours_against_what_fits_in(clinic):
    visit(clinic, "09:00", duration_minutes=60)
    visit(clinic, "09:30")
    visit(clinic, "10:00", status="cancelled")
    visit(clinic, "15:00")
    load = load_of_day(clinic, MONDAY)
    assert [(f"{h.begins:%H:%M}", h.taken, h.places, h.percent) for h in load.hours] == [
        ("09:00", 3, 4, 75),
        ("10:00", 0, 4, 0),
    ]
    assert (load.visits, load.outside, load.places, load.is_closed) == (3, 1, 8, False)


def test_visits_one_after_the_other_within_a_slot_take_one_place(clinic):
    visit(clinic, "09:00", duration_minutes=15)
    visit(clinic, "09:15", duration_minutes=15)
    assert load_of_day(clinic, MONDAY).hours[0].taken == 1


def test_a_clinic_without_a_limit_has_no_places_to_count(clinic):
    clinic.slot_capacity = None
    load = load_of_day(clinic, MONDAY)
    assert (load.places, load.hours[0].percent, load.hours[0].is_full) == (None, 0, False)


def slots(clinic, **options):
    offered = slots_of_day(clinic=clinic, day=MONDAY, minutes=30, now=at(clinic, "07:00"), **options)
    return [(f"{slot.starts_at:%H:%M}", slot.left, slot.is_free) for slot in offered.slots]


def test_the_slots_of_a_day_say_how_many_fit_in(clinic):
    visit(clinic, "09:00")
    for _ in range(2):
        visit(clinic, "09:30")
    assert slots(clinic) == [
        ("09:00", 1, True),
        ("09:30", 0, False),
        ("10:00", 2, True),
        ("10:30", 2, True),
    ]


def test_a_slot_in_which_the_patient_is_elsewhere_is_taken(clinic):
    patient = PatientFactory(clinic=clinic)
    there = visit(clinic, "10:00", patient=patient)
    assert ("10:00", 1, False) in slots(clinic, patient_id=patient.pk)
    assert ("10:00", 2, True) in slots(clinic, patient_id=patient.pk, appointment_id=there.pk)


def test_what_is_past_is_not_offered_nor_is_a_closed_day(clinic):
    late = slots_of_day(clinic=clinic, day=MONDAY, minutes=30, now=at(clinic, "10:15"))
    assert [f"{slot.starts_at:%H:%M}" for slot in late.slots] == ["10:30"]
    Closure.objects.create(clinic=clinic, date=MONDAY, created_at=at(clinic, "07:00"))
    closed = slots_of_day(clinic=clinic, day=MONDAY, minutes=30, now=at(clinic, "07:00"))
    assert (closed.is_closed, closed.slots, closed.places) == (True, [], 0)


def test_the_next_days_with_room_leave_out_closed_and_full_ones(clinic):
    Closure.objects.create(clinic=clinic, date=TUESDAY, created_at=at(clinic, "07:00"))
    for clock in ("09:00", "09:30", "10:00", "10:30"):
        for _ in range(2):
            visit(clinic, clock, date(2026, 12, 9))
    visit(clinic, "09:00", date(2026, 12, 10))
    found = days_with_room(clinic=clinic, after=MONDAY, now=at(clinic, "07:00"), count=3)
    assert [(offered.day.day, offered.places) for offered in found] == [(10, 7), (11, 8), (14, 8)]
