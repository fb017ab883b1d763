from datetime import UTC, datetime, timedelta

import pytest

from accounts.audit import SYSTEM
from accounts.models import Clinic
from appointments.file_import.importing import import_file
from appointments.file_import.reading import open_file
from appointments.models import Appointment
from appointments.patients import change_patient
from appointments.reminding import queue_due_reminders
from appointments.services import book, cancel, change, confirm, mark_attendance
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message, MessageStatus
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic():
    return ClinicFactory(
        code="GAB01",
        quiet_from=None,
        quiet_to=None,
        reminder_hours_before=[24],
        send_confirmations=True,
        send_cancellations=True,
        send_missed=True,
    )


def visit(clinic, hours=100):
    patient = PatientFactory(clinic=clinic)
    return book(clinic=clinic, patient=patient, starts_at=NOW + hours * HOUR, actor=SYSTEM, now=NOW)


def texts(*, status=MessageStatus.QUEUED):
    found = Message.objects.filter(status=status).order_by("created_at", "pk")
    return list(found.values_list("purpose", flat=True))


def move(appointment, hours, now=NOW, **options):
    return change(appointment.pk, starts_at=NOW + hours * HOUR, actor=SYSTEM, now=now, **options)


@pytest.fixture
def leave(transactional_db):
    """Sends what is due at a time; the console takes it."""

    def leave(at=NOW):
        queue_due_reminders(now=at)
        dispatch(clock=Clock(at))

    return leave


def test_a_booking_is_confirmed_by_a_text_of_its_time(clinic):
    appointment = visit(clinic)
    message = Message.objects.get()
    assert (message.purpose, message.subject_id) == ("confirmation", appointment.pk)
    assert message.subject_at == appointment.starts_at
    assert message.recipient_id == appointment.patient_id
    assert message.expires_at == appointment.starts_at - 2 * HOUR
    assert "booked" in message.body


def confirmed(appointment):
    confirm(appointment.pk, actor=SYSTEM, now=NOW)


@pytest.mark.parametrize(
    ("hours", "do"),
    [
        (100, confirmed),
        (100, lambda a: cancel(a.pk, actor=SYSTEM, now=NOW)),
        (1, lambda a: mark_attendance(a.pk, attended=False, actor=SYSTEM, now=NOW)),
    ],
)
def test_a_clinic_that_has_not_switched_them_on_sends_none(hours, do):
    do(visit(ClinicFactory(), hours))
    assert not Message.objects.exists()


def test_a_visit_that_begins_soon_is_not_confirmed(clinic):
    visit(clinic, hours=2)
    assert texts() == []


def test_confirming_a_visit_sends_nothing(clinic):
    appointment = visit(clinic)
    confirm(appointment.pk, actor=SYSTEM, now=NOW)
    assert texts() == ["confirmation"]


def test_a_cancelled_visit_takes_its_confirmation_back_and_says_so_until_the_visits_time(clinic):
    appointment = visit(clinic)
    cancel(appointment.pk, actor=SYSTEM, now=NOW)
    cancel(appointment.pk, actor=SYSTEM, now=NOW)
    assert texts() == ["cancelled"]
    assert texts(status="cancelled") == ["confirmation"]
    assert Message.objects.get(purpose="cancelled").expires_at == appointment.starts_at


def test_a_visit_in_the_past_that_is_cancelled_tells_nobody(clinic):
    appointment = visit(clinic)
    cancel(appointment.pk, actor=SYSTEM, now=NOW + 101 * HOUR)
    assert texts() == []


def test_a_missed_visit_is_told_half_an_hour_later_and_an_undo_stops_it(clinic):
    appointment = visit(clinic, hours=2)
    at = NOW + 3 * HOUR
    mark_attendance(appointment.pk, attended=False, actor=SYSTEM, now=at)
    message = Message.objects.get()
    assert (message.purpose, message.send_at - at, message.expires_at - at) == (
        "missed",
        HOUR / 2,
        24 * HOUR,
    )
    mark_attendance(appointment.pk, attended=None, actor=SYSTEM, now=at)
    assert texts() == []
    mark_attendance(appointment.pk, attended=False, actor=SYSTEM, now=at)
    assert texts() == ["missed"]


def test_attendance_that_is_written_up_weeks_later_tells_nobody(clinic):
    appointment = visit(clinic, hours=2)
    mark_attendance(appointment.pk, attended=False, actor=SYSTEM, now=NOW + 8 * 24 * HOUR)
    assert texts() == []


def test_a_move_that_no_text_has_spoken_of_is_confirmed_anew(clinic):
    appointment = visit(clinic)
    move(appointment, 120)
    assert texts() == ["confirmation"]
    assert Message.objects.get(status="queued").subject_at == NOW + 120 * HOUR


def test_a_move_without_switched_on_texts_is_silent():
    move(visit(ClinicFactory()), 120)
    assert not Message.objects.exists()


def test_a_move_by_the_clinic_is_always_told():
    appointment = visit(ClinicFactory())
    move(appointment, 120, by_clinic=True)
    message = Message.objects.get()
    assert (message.purpose, message.subject_at) == ("rescheduled", NOW + 120 * HOUR)


@pytest.mark.parametrize("status", ["sent", "delivered", "unknown"])
def test_a_move_is_told_when_a_text_with_the_old_time_has_left(status):
    clinic = ClinicFactory(quiet_from=None, quiet_to=None)
    appointment = visit(clinic, hours=20)
    queue_due_reminders(now=NOW)
    Message.objects.update(status=status)
    move(appointment, 50)
    assert texts() == ["rescheduled"]


@pytest.mark.parametrize("status", ["failed", "expired", "suppressed", "undelivered"])
def test_a_text_that_nobody_got_is_no_reason_to_tell_of_a_move(status):
    appointment = visit(ClinicFactory(), hours=20)
    queue_due_reminders(now=NOW)
    Message.objects.update(status=status)
    move(appointment, 50)
    assert texts() == []


def test_a_visit_that_moves_away_and_back_is_told_by_what_the_patient_knows_last():
    appointment = visit(ClinicFactory(), hours=100)
    move(appointment, 120, by_clinic=True)
    Message.objects.update(status="sent")
    move(appointment, 100)
    Message.objects.filter(status="queued").update(status="sent")
    move(appointment, 120)
    assert texts(status="sent") == ["rescheduled"] * 2
    assert texts() == ["rescheduled"]


def test_a_move_back_before_the_news_has_left_needs_no_text():
    appointment = visit(ClinicFactory(), hours=20)
    queue_due_reminders(now=NOW)
    Message.objects.update(status="sent")
    move(appointment, 50)
    move(appointment, 20)
    assert texts() == []


def test_texts_of_each_kind_leave_while_they_are_true(clinic, leave):
    appointment = visit(clinic)
    leave()
    cancel(appointment.pk, actor=SYSTEM, now=NOW)
    leave()
    assert texts(status="sent") == ["confirmation", "cancelled"]


def test_a_missed_text_leaves_after_the_visit(clinic, leave):
    appointment = visit(clinic, hours=1)
    at = NOW + 2 * HOUR
    mark_attendance(appointment.pk, attended=False, actor=SYSTEM, now=at)
    leave(at)
    assert texts() == ["missed"]
    leave(at + HOUR)
    assert texts(status="sent") == ["missed"]


@pytest.mark.parametrize(
    ("purpose", "status"),
    [("missed", "attended"), ("missed", "booked"), ("cancelled", "booked"), ("confirmation", "cancelled")],
)
def test_a_text_that_is_not_true_any_more_does_not_leave(clinic, leave, purpose, status):
    appointment = visit(clinic)
    Message.objects.update(purpose=purpose)
    Appointment.objects.filter(pk=appointment.pk).update(status=status)
    leave()
    assert texts(status="cancelled") == [purpose]


def test_a_notice_is_written_again_to_a_new_phone(clinic, leave):
    appointment = visit(clinic)
    change_patient(appointment.patient_id, phone="76000001", actor=SYSTEM, now=NOW)
    leave()
    assert set(Message.objects.filter(status="sent").values_list("to", flat=True)) == {"+26776000001"}
    assert texts(status="cancelled") == ["confirmation"]


def bring(*rows):
    text = "\n".join(["phone,datetime,clinic,name,reference,status", *rows])
    return import_file(open_file(text.encode()), clinics=Clinic.objects.all(), actor=SYSTEM, now=NOW)


def test_a_file_tells_of_the_same_as_a_form(clinic):
    assert (
        bring(
            "71234567,2026-12-20 09:00,GAB01,Neo,R1,",
            "71234568,2026-12-20 10:00,GAB01,Pule,R2,",
            "71234569,2026-12-20 10:00,GAB01,Mpho,R3,cancelled",
        ).created
        == 3
    )
    assert texts() == ["confirmation"] * 2
    Message.objects.update(status="sent")
    assert (
        bring(
            "71234567,2026-12-21 09:00,GAB01,Neo,R1,",
            "71234568,2026-12-20 10:00,GAB01,Pule,R2,cancelled",
        ).updated
        == 2
    )
    assert sorted(texts()) == ["cancelled", "rescheduled"]


def test_a_file_again_tells_nobody_anything(clinic):
    rows = [f"7123456{n},2026-12-20 09:00,GAB01,Neo,R{n}," for n in range(3)]
    bring(*rows)
    bring(*rows)
    assert texts() == ["confirmation"] * 3


def test_a_file_of_many_visits_takes_as_many_queries_as_one_of_few(clinic, django_assert_max_num_queries):
    rows = [f"7120{n:04d},2026-12-20 09:00,GAB01,Patient {n},R{n}," for n in range(200)]
    with django_assert_max_num_queries(45):
        bring(*rows)
    assert len(texts()) == 200


def test_a_move_of_a_visit_that_is_near_is_told_by_one_text(leave):
    appointment = visit(ClinicFactory(quiet_from=None, quiet_to=None, reminder_hours_before=[24]), hours=8)
    leave()
    move(appointment, 6)
    leave(NOW + timedelta(minutes=1))
    assert texts(status=MessageStatus.SENT) == ["reminder", "rescheduled"]
    # The reminder of the new time is that text.
    stands_in = appointment.reminders.get(visit_at=NOW + 6 * HOUR)
    assert (stands_in.state, stands_in.message.purpose) == ("queued", "rescheduled")
