"""Two nurses, or one nurse's two clicks, in the same moment."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.audit import Actor
from accounts.models import AuditEntry
from appointments.booking import book_once
from appointments.closures import close_day
from appointments.models import Appointment, Patient
from appointments.patients import Caller
from appointments.services import book, cancel, change, mark_attendance
from appointments.undoing import UNDO_FOR, undo
from common.clock import Clock
from common.errors import DomainError, StateConflict, VersionConflict
from messaging.dispatch import dispatch
from messaging.models import Message
from tests.appointments.test_concurrency import at_once
from tests.factories.accounts import ClinicFactory, StaffFactory
from tests.factories.appointments import PatientFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic():
    return ClinicFactory(slot_capacity=2, quiet_from=None, quiet_to=None, send_cancellations=True)


@pytest.fixture
def nurse(clinic):
    return Actor.of(StaffFactory(clinics=[clinic]))


def booked(clinic, nurse, hours=48):
    patient = PatientFactory(clinic=clinic)
    return book(clinic=clinic, patient=patient, starts_at=NOW + hours * HOUR, actor=nurse, now=NOW)


@pytest.mark.parametrize("known", [True, False])
def test_a_form_that_is_sent_twice_at_once_books_once(clinic, nurse, known):
    who = PatientFactory(clinic=clinic) if known else Caller(clinic, "+26771234567", name="Neo Tau")
    job = lambda: book_once(who, starts_at=NOW + 48 * HOUR, actor=nurse, now=NOW)  # noqa: E731
    results = at_once(job, job, job)
    assert sorted(is_new for _visit, is_new in results) == [False, False, True]
    assert (Appointment.objects.count(), Patient.objects.count()) == (1, 1)


def test_two_nurses_who_mark_one_visit_differently_do_not_overwrite_each_other(clinic, nurse):
    visit = booked(clinic, nurse, hours=2)
    results = at_once(
        *(
            lambda came=came: mark_attendance(visit.pk, attended=came, version=1, actor=nurse, now=NOW)
            for came in (True, False)
        )
    )
    assert sorted(type(result) for result in results if isinstance(result, DomainError)) == [VersionConflict]
    assert AuditEntry.objects.filter(object_id=visit.pk).count() == 2


def test_two_clicks_on_undo_put_the_visit_back_once(clinic, nurse):
    visit = booked(clinic, nurse)
    cancel(visit.pk, texts_wait=UNDO_FOR, actor=nurse, now=NOW)
    entry = AuditEntry.objects.get(object_id=visit.pk, action="cancelled").pk
    results = at_once(*(lambda: undo(entry, actor=nurse, now=NOW) for _click in range(2)))
    assert sum(isinstance(result, StateConflict) for result in results) == 1
    visit.refresh_from_db()
    assert (visit.status, visit.version) == ("booked", 3)


def test_a_cancellation_is_either_undone_or_told_never_both(clinic, nurse):
    visit = booked(clinic, nurse)
    cancel(visit.pk, actor=nurse, now=NOW)
    entry = AuditEntry.objects.get(object_id=visit.pk, action="cancelled").pk
    at_once(lambda: undo(entry, actor=nurse, now=NOW), lambda: dispatch(clock=Clock(NOW)))
    visit.refresh_from_db()
    told = Message.objects.filter(purpose="cancelled", status="sent").exists()
    assert (visit.status == "cancelled") == told


def test_a_day_is_closed_once_and_nobody_is_booked_on_it_meanwhile(clinic, nurse):
    visits = [booked(clinic, nurse) for _number in range(2)]
    day, to = date(2026, 12, 3), date(2026, 12, 4)
    patient = PatientFactory(clinic=clinic)
    closing = lambda: close_day(clinic=clinic, day=day, move_to=to, actor=nurse, now=NOW)  # noqa: E731
    at_once(
        closing,
        closing,
        lambda: book(clinic=clinic, patient=patient, starts_at=NOW + 49 * HOUR, actor=nurse, now=NOW),
        lambda: change(visits[0].pk, starts_at=NOW + 50 * HOUR, actor=nurse, now=NOW),
    )
    left = [v for v in Appointment.objects.all() if v.starts_at.astimezone(clinic.zone).date() == day]
    assert left == []
    assert Message.objects.filter(purpose="rescheduled").count() == Appointment.objects.count()
