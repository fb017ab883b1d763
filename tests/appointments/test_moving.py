from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from appointments.closures import (
    Hours,
    close_day,
    move_session,
    plan_to_close,
    plan_to_move_session,
)
from appointments.models import Appointment, Closure, Reminder
from appointments.moving import PlanChanged, examples_of_texts
from appointments.services import change
from common.errors import ValidationFailed
from messaging.models import Message
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory

pytestmark = pytest.mark.django_db
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 12, day) for day in (7, 8, 9))
MORNING = Hours(MONDAY, time(9), time(11))


@pytest.fixture
def clinic():
    return ClinicFactory(slot_capacity=1, slot_minutes=30)


def at(clinic, day, clock):
    return datetime.combine(day, time.fromisoformat(clock), clinic.zone)


NOW_DAY = date(2026, 12, 1)


def now(clinic):
    return at(clinic, NOW_DAY, "08:00")


def visit(clinic, clock, day=MONDAY, **fields):
    return AppointmentFactory(patient__clinic=clinic, starts_at=at(clinic, day, clock), **fields)


def planned(plan):
    return [f"{move.starts_at:%d %H:%M}" for move in plan.moves]


def session(clinic, to=TUESDAY):
    return plan_to_move_session(clinic=clinic, hours=MORNING, move_to=to, now=now(clinic))


def moved(clinic, to=TUESDAY, **options):
    return move_session(clinic=clinic, hours=MORNING, move_to=to, actor=SYSTEM, now=now(clinic), **options)


def test_a_session_moves_to_the_same_times_of_another_day_and_the_rest_of_the_day_stays(clinic):
    for clock in ("08:30", "09:00", "10:30", "11:00"):
        visit(clinic, clock)
    plan = session(clinic)
    assert planned(plan) == ["08 09:00", "08 10:30"]
    moved(clinic)
    times = [f"{v.starts_at.astimezone(clinic.zone):%d %H:%M}" for v in Appointment.objects.all()]
    assert times == ["07 08:30", "07 11:00", "08 09:00", "08 10:30"]
    assert not Closure.objects.exists()


def test_what_is_taken_there_goes_to_the_next_free_time_and_none_of_them_collide(clinic):
    for clock in ("09:00", "09:30"):
        visit(clinic, clock)
        visit(clinic, clock, TUESDAY)
    assert planned(session(clinic)) == ["08 10:00", "08 10:30"]


def test_a_full_day_spills_over_to_the_next(clinic):
    clinic.opening_hours = {**clinic.opening_hours, "1": ["09:00", "10:00"]}
    clinic.save()
    for clock in ("09:00", "09:30", "10:00"):
        visit(clinic, clock)
    # 10:00 is free though the clinic is not open then: that hour was not the site's choice.
    visit(clinic, "10:00", TUESDAY)
    assert planned(session(clinic)) == ["08 09:00", "08 09:30", "09 07:30"]


def test_a_session_that_moves_within_its_day_leaves_its_hours(clinic):
    visit(clinic, "09:00")
    visit(clinic, "11:00")
    assert planned(session(clinic, MONDAY)) == ["07 11:30"]


def test_everybody_is_told_the_new_time_and_reminded_of_it(clinic):
    first, _second = visit(clinic, "09:00", status="confirmed"), visit(clinic, "10:00", language="tn")
    plan = session(clinic)
    shown = {text.body for text in examples_of_texts(plan)}
    moved(clinic, expected=plan.digest)
    sent = Message.objects.filter(purpose="rescheduled")
    assert {message.body for message in sent} == shown
    assert Reminder.objects.filter(visit_at=at(clinic, TUESDAY, "09:00")).count() == 2
    first.refresh_from_db()
    assert (first.status, first.version) == ("booked", 2)
    assert AuditEntry.objects.filter(action="moved by the clinic").count() == 2


def test_a_plan_that_has_changed_since_it_was_shown_moves_nobody(clinic):
    there = visit(clinic, "09:00")
    plan = session(clinic)
    visit(clinic, "10:00")
    with pytest.raises(PlanChanged):
        moved(clinic, expected=plan.digest)
    there.refresh_from_db()
    assert there.starts_at == at(clinic, MONDAY, "09:00")


def test_a_day_is_not_closed_by_a_plan_that_has_changed(clinic):
    there = visit(clinic, "09:00")
    plan = plan_to_close(clinic=clinic, day=MONDAY, move_to=TUESDAY, now=now(clinic))
    change(there.pk, duration_minutes=20, actor=SYSTEM, now=now(clinic))
    options = {"day": MONDAY, "move_to": TUESDAY, "actor": SYSTEM, "now": now(clinic)}
    with pytest.raises(PlanChanged):
        close_day(clinic=clinic, expected=plan.digest, **options)
    assert not Closure.objects.exists()


def test_the_plan_of_closing_a_day_is_what_closing_does(clinic):
    for clock in ("09:00", "09:30", "15:00"):
        visit(clinic, clock)
    visit(clinic, "09:30", TUESDAY)
    plan = plan_to_close(clinic=clinic, day=MONDAY, move_to=TUESDAY, now=now(clinic))
    done = close_day(
        clinic=clinic,
        day=MONDAY,
        move_to=TUESDAY,
        expected=plan.digest,
        actor=SYSTEM,
        now=now(clinic),
    )
    assert done.moved == [move.appointment.pk for move in plan.moves]
    stored = dict(Appointment.objects.values_list("pk", "starts_at"))
    assert all(stored[move.appointment.pk] == move.starts_at for move in plan.moves)


def test_a_visit_that_finds_no_time_stays_with_the_reason(clinic):
    clinic.opening_hours = {str(weekday): None for weekday in range(7)}
    clinic.save()
    stays = visit(clinic, "09:00")
    visit(clinic, "09:00", TUESDAY)
    goes = visit(clinic, "09:30")
    plan = moved(clinic)
    assert [(stay.appointment.pk, stay.refusal.code) for stay in plan.stays] == [
        (stays.pk, "APPOINTMENT_CONFLICT")
    ]
    assert [move.appointment.pk for move in plan.moves] == [goes.pk]


def test_a_patient_with_a_visit_there_already_gets_another_time(clinic):
    clinic.slot_capacity = None
    clinic.save()
    patient = PatientFactory(clinic=clinic)
    for day in (MONDAY, TUESDAY):
        AppointmentFactory(patient=patient, starts_at=at(clinic, day, "09:00"))
    assert planned(session(clinic)) == ["08 09:30"]


def test_hours_that_are_none_and_closed_days_are_refused(clinic):
    Closure.objects.create(clinic=clinic, date=TUESDAY, created_at=now(clinic))
    with pytest.raises(ValidationFailed):
        session(clinic)
    backwards = Hours(MONDAY, time(11), time(9))
    with pytest.raises(ValidationFailed):
        plan_to_move_session(clinic=clinic, hours=backwards, move_to=WEDNESDAY, now=now(clinic))
    with pytest.raises(ValidationFailed):
        plan_to_close(clinic=clinic, day=TUESDAY, move_to=TUESDAY, now=now(clinic))


def cost_of_moving(clinic, count, day):
    start = at(clinic, day, "08:00")
    for number in range(count):
        AppointmentFactory(
            patient__clinic=clinic, starts_at=start + timedelta(minutes=number), duration_minutes=1
        )
    with CaptureQueriesContext(connection) as queries:
        done = close_day(
            clinic=clinic, day=day, move_to=day + timedelta(days=7), actor=SYSTEM, now=now(clinic)
        )
    assert len(done.moved) == count
    return len(queries)


def test_moving_two_hundred_costs_a_bounded_number_of_queries():
    clinic = ClinicFactory(slot_capacity=200)
    few, many = cost_of_moving(clinic, 5, MONDAY), cost_of_moving(clinic, 200, TUESDAY)
    # Writes come in sets of a hundred.
    assert many <= few + 20
