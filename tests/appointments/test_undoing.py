from datetime import UTC, datetime, timedelta

import pytest

from accounts.audit import SYSTEM, Actor
from accounts.models import AuditEntry
from appointments.closures import close_day
from appointments.erasure import erase
from appointments.errors import AppointmentConflict
from appointments.models import Appointment
from appointments.reminding import queue_due_reminders
from appointments.scheduled_texts import schedule_reminder
from appointments.services import book, cancel, change, confirm, mark_attendance
from appointments.undoing import UNDO_FOR, last_done, undo
from common.clock import Clock
from common.errors import NotFound, StateConflict
from common.ids import new_id
from messaging.dispatch import dispatch
from messaging.models import Message
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory
from tests.factories.appointments import PatientFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOON = NOW + timedelta(seconds=50)


@pytest.fixture
def clinic():
    return ClinicFactory(
        quiet_from=None,
        quiet_to=None,
        reminder_hours_before=[24],
        send_confirmations=True,
        send_cancellations=True,
        slot_capacity=1,
    )


def visit(clinic, hours=50):
    patient = PatientFactory(clinic=clinic)
    return book(clinic=clinic, patient=patient, starts_at=NOW + hours * HOUR, actor=SYSTEM, now=NOW - HOUR)


def day_cancel(appointment, actor=SYSTEM):
    return cancel(appointment.pk, texts_wait=UNDO_FOR, actor=actor, now=NOW)


def day_move(appointment, hours, actor=SYSTEM):
    return change(appointment.pk, starts_at=NOW + hours * HOUR, texts_wait=UNDO_FOR, actor=actor, now=NOW)


def last_entry():
    return AuditEntry.objects.exclude(action="booked").order_by("-at", "-id").first().pk


def undone(now=SOON):
    return undo(last_entry(), actor=SYSTEM, now=now)


def waiting():
    found = Message.objects.filter(status="queued").order_by("created_at", "pk")
    return list(found.values_list("purpose", flat=True))


@pytest.fixture
def leave(transactional_db):
    def leave(at=NOW):
        queue_due_reminders(now=at)
        dispatch(clock=Clock(at))

    return leave


def test_a_cancelled_visit_is_as_it_was_with_its_reminders(clinic):
    appointment = visit(clinic)
    confirm(appointment.pk, actor=SYSTEM, now=NOW)
    day_cancel(appointment)
    back = undone()
    assert (back.status, back.is_live) == ("confirmed", True)
    assert [r.due_at for r in back.reminders.all()] == [back.starts_at - 24 * HOUR]


def test_the_text_of_a_cancellation_waits_for_the_minute_and_never_leaves_when_undone(clinic, leave):
    appointment = visit(clinic)
    leave(NOW - HOUR)
    day_cancel(appointment)
    leave(SOON)
    assert waiting() == ["cancelled"]
    undone()
    leave(NOW + HOUR)
    assert not Message.objects.filter(purpose="cancelled", status="sent").exists()


def test_a_cancellation_that_nobody_undoes_is_told(clinic, leave):
    appointment = visit(clinic)
    leave(NOW - HOUR)
    day_cancel(appointment)
    leave(NOW + UNDO_FOR)
    assert Message.objects.filter(purpose="cancelled", status="sent").exists()


def test_a_cancellation_by_the_api_is_told_at_once(clinic, leave):
    appointment = visit(clinic)
    leave(NOW - HOUR)
    cancel(appointment.pk, actor=SYSTEM, now=NOW)
    leave(NOW)
    assert Message.objects.filter(purpose="cancelled", status="sent").exists()
    with pytest.raises(StateConflict, match="told"):
        undone()
    appointment.refresh_from_db()
    assert appointment.status == "cancelled"


def test_after_the_minute_a_cancellation_is_final(clinic):
    appointment = visit(clinic)
    day_cancel(appointment)
    with pytest.raises(StateConflict, match="minute"):
        undone(NOW + UNDO_FOR)
    assert Appointment.objects.get().status == "cancelled"


def test_a_time_that_was_taken_meanwhile_is_not_given_back(clinic):
    appointment = visit(clinic)
    day_cancel(appointment)
    entry = last_entry()
    visit(clinic)
    with pytest.raises(AppointmentConflict):
        undo(entry, actor=SYSTEM, now=SOON)
    appointment.refresh_from_db()
    assert (appointment.status, waiting().count("cancelled")) == ("cancelled", 1)


@pytest.mark.parametrize("done", [day_cancel, lambda appointment: day_move(appointment, 100)])
def test_a_day_that_was_closed_meanwhile_is_not_given_back(clinic, done):
    appointment = visit(clinic)
    done(appointment)
    entry, stood = last_entry(), appointment.starts_at.astimezone(clinic.zone).date()
    close_day(clinic=clinic, day=stood, actor=SYSTEM, now=SOON)
    with pytest.raises(AppointmentConflict, match="closed"):
        undo(entry, actor=SYSTEM, now=SOON)


@pytest.mark.parametrize("done", [day_cancel, lambda appointment: day_move(appointment, 100)])
def test_a_visit_that_stood_on_a_closed_day_stands_there_again(clinic, done):
    appointment = visit(clinic)
    stood = appointment.starts_at.astimezone(clinic.zone).date()
    close_day(clinic=clinic, day=stood, actor=SYSTEM, now=NOW - HOUR)
    done(appointment)
    back = undone()
    assert (back.is_live, back.starts_at) == (True, appointment.starts_at)


def test_a_second_undo_has_nothing_left_to_do(clinic):
    day_cancel(visit(clinic))
    entry = last_entry()
    undo(entry, actor=SYSTEM, now=SOON)
    with pytest.raises(StateConflict, match="since"):
        undo(entry, actor=SYSTEM, now=SOON)


def test_what_somebody_changed_since_stays(clinic):
    appointment = visit(clinic)
    day_move(appointment, 60)
    entry = last_entry()
    change(appointment.pk, visit_type="check-up", actor=SYSTEM, now=SOON)
    with pytest.raises(StateConflict, match="since"):
        undo(entry, actor=SYSTEM, now=SOON)


def test_nobody_undoes_what_is_no_click(clinic):
    visit(clinic)
    for entry in (new_id(), AuditEntry.objects.get(action="booked").pk):
        with pytest.raises(NotFound):
            undo(entry, actor=SYSTEM, now=SOON)


def test_a_texts_of_the_booking_that_waited_waits_again(clinic):
    appointment = visit(clinic)
    chosen = NOW + 3 * HOUR
    schedule_reminder(appointment, send_at=chosen, actor=SYSTEM, now=NOW)
    day_cancel(appointment)
    assert waiting() == ["cancelled"]
    undone()
    assert sorted(waiting()) == ["confirmation", "reminder"]
    assert Message.objects.get(status="queued", purpose="reminder").send_at == chosen


def test_a_reminder_that_has_left_does_not_leave_again(clinic, leave):
    appointment = visit(clinic, hours=20)
    leave(NOW - HOUR)
    day_cancel(appointment)
    undone()
    leave(SOON)
    assert Message.objects.filter(purpose="reminder").count() == 1


def test_a_moved_visit_goes_back_and_nobody_was_told(clinic, leave):
    appointment = visit(clinic, hours=20)
    leave(NOW - HOUR)
    before = Message.objects.count()
    day_move(appointment, 50)
    leave(SOON)
    assert waiting() == ["rescheduled"]
    back = undone()
    leave(NOW + HOUR)
    assert back.starts_at == appointment.starts_at
    assert Message.objects.exclude(status="cancelled").count() == before


def test_a_reminder_of_the_new_time_waits_for_the_minute_too(leave):
    appointment = visit(ClinicFactory(quiet_from=None, quiet_to=None, reminder_hours_before=[24]))
    day_move(appointment, 10)
    leave(SOON)
    assert not Message.objects.exists()
    leave(NOW + UNDO_FOR)
    assert Message.objects.get().subject_at == NOW + 10 * HOUR


def closed_away(appointment, to_hours):
    zone = appointment.clinic.zone
    day, to = appointment.starts_at.astimezone(zone).date(), (NOW + to_hours * HOUR).astimezone(zone).date()
    close_day(clinic=appointment.clinic, day=day, move_to=to, actor=SYSTEM, now=NOW - HOUR)
    appointment.refresh_from_db()


@pytest.mark.parametrize("was_told", [True, False])
def test_who_was_to_be_told_of_a_closing_is_told_once_after_a_move_and_its_undo(clinic, leave, was_told):
    appointment = visit(clinic, hours=96)
    if was_told:
        leave(NOW - HOUR)
    closed_away(appointment, 120)
    assert waiting() == ["rescheduled"]
    day_move(appointment, 144)
    undone()
    assert waiting() == ["rescheduled"]
    assert Message.objects.get(status="queued").subject_at == appointment.starts_at


def test_the_text_of_a_closing_stands_in_for_the_reminder_after_a_cancellation_and_its_undo(leave):
    appointment = visit(ClinicFactory(quiet_from=None, quiet_to=None, reminder_hours_before=[24]), hours=96)
    closed_away(appointment, 24)
    change(appointment.pk, starts_at=NOW + 10 * HOUR, by_clinic=True, actor=SYSTEM, now=NOW - HOUR)
    assert waiting() == ["rescheduled"]
    day_cancel(appointment)
    undone()
    leave(NOW + HOUR)
    assert list(Message.objects.exclude(status="cancelled").values_list("purpose", flat=True)) == [
        "rescheduled"
    ]


def test_a_visit_goes_back_to_a_time_that_has_passed_and_is_confirmed_again(clinic):
    appointment = visit(clinic, hours=0.001)
    confirm(appointment.pk, actor=SYSTEM, now=NOW)
    later = NOW + 600 * timedelta(seconds=1)
    change(appointment.pk, starts_at=NOW + 50 * HOUR, texts_wait=UNDO_FOR, actor=SYSTEM, now=later)
    back = undone(later)
    assert (back.starts_at, back.status) == (appointment.starts_at, "confirmed")


@pytest.mark.parametrize("came", [True, False])
def test_attendance_is_undone_to_what_it_was(clinic, came):
    appointment = visit(clinic, hours=2)
    confirm(appointment.pk, actor=SYSTEM, now=NOW - HOUR)
    mark_attendance(appointment.pk, attended=came, actor=SYSTEM, now=NOW)
    assert undone().status == "confirmed"


def test_what_an_erasure_cancelled_is_not_offered(clinic):
    admin, appointment = Actor.of(AdminFactory()), visit(clinic)
    erase(appointment.patient_id, cancel_visits=True, actor=admin, now=NOW)
    assert last_done(admin, Appointment.objects.all(), now=SOON) == []


def test_a_text_keeps_a_short_key_however_often_it_is_undone(clinic):
    appointment = visit(clinic)
    for seconds in (0, 10, 20):
        at = NOW + timedelta(seconds=seconds)
        cancel(appointment.pk, texts_wait=UNDO_FOR, actor=SYSTEM, now=at)
        undone(at + timedelta(seconds=5))
    key = Message.objects.get(status="queued", purpose="confirmation").dedupe_key
    assert key == f"confirmation:{appointment.pk}:1:1:again:7"


def test_one_sees_what_one_did_oneself_within_the_minute(clinic):
    nurse, other = (Actor.of(StaffFactory(clinics=[clinic])) for _ in range(2))
    mine, theirs, again = visit(clinic), visit(clinic, 51), visit(clinic, 52)
    day_cancel(mine, nurse)
    day_cancel(theirs, other)
    day_move(again, 54, nurse)
    undo(last_entry(), actor=nurse, now=NOW)
    visits = Appointment.objects.all()
    done = last_done(nurse, visits, now=SOON)
    assert [(one.action, one.appointment.pk) for one in done] == [("cancelled", mine.pk)]
    assert last_done(nurse, visits, now=NOW + UNDO_FOR) == []
    assert last_done(nurse, visits.none(), now=SOON) == []
