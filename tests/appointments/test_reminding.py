import threading
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.audit import SYSTEM
from appointments.models import Reminder, ReminderState
from appointments.patients import change_patient
from appointments.reminding import queue_due_reminders, rules_to_plan
from appointments.services import book, cancel, change
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message, MessageStatus
from messaging.providers.base import Outcome, Result
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory
from tests.messaging.scripted_provider import ScriptedProvider

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic(db):
    return ClinicFactory(quiet_from=None, quiet_to=None)


def visit(clinic, *, hours, now=NOW, **fields):
    patient = fields.pop("patient", None) or PatientFactory(clinic=clinic)
    return book(clinic=clinic, patient=patient, starts_at=now + hours * HOUR, actor=SYSTEM, now=now, **fields)


def planned(appointment):
    reminders = Reminder.objects.filter(appointment=appointment, state=ReminderState.PLANNED)
    return sorted(reminders.values_list("hours_before", flat=True))


@pytest.mark.parametrize(
    ("hours_ahead", "kept"),
    [
        (200, [168, 24]),
        (168, [168, 24]),  # due this very moment
        (100, [24]),
        (24, [24]),
        (23, [24]),  # past, but the last one: sent at once
        (2.01, [24]),
        (2, []),
        (1, []),
    ],
)
def test_the_rules_of_a_visit_are_those_still_to_come_or_else_the_last(hours_ahead, kept):
    assert rules_to_plan(NOW + hours_ahead * HOUR, [24, 168], NOW) == kept


def test_a_clinic_without_rules_plans_nothing():
    assert rules_to_plan(NOW + 10 * HOUR, [], NOW) == []


def test_booking_plans_one_reminder_a_rule(clinic):
    appointment = visit(clinic, hours=200)
    assert planned(appointment) == [24, 168]


def test_moving_a_visit_plans_its_reminders_anew(clinic):
    appointment = visit(clinic, hours=200)
    change(appointment.pk, starts_at=NOW + 300 * HOUR, actor=SYSTEM, now=NOW)
    due = Reminder.objects.filter(appointment=appointment).order_by("due_at").values_list("due_at", flat=True)
    assert list(due) == [NOW + 132 * HOUR, NOW + 276 * HOUR]


def test_cancelling_a_visit_removes_its_reminders(clinic):
    appointment = visit(clinic, hours=200)
    cancel(appointment.pk, actor=SYSTEM, now=NOW)
    assert not Reminder.objects.exists()


def test_cancelling_a_visit_cancels_the_text_that_waits(clinic):
    appointment = visit(clinic, hours=10)
    queue_due_reminders(now=NOW)
    cancel(appointment.pk, actor=SYSTEM, now=NOW)
    assert Message.objects.get().status == MessageStatus.CANCELLED


def test_a_due_reminder_becomes_one_message_however_often_it_is_asked_for(clinic):
    visit(clinic, hours=10)
    assert queue_due_reminders(now=NOW) == 1
    assert queue_due_reminders(now=NOW) == 0
    assert Message.objects.count() == 1


def test_a_reminder_is_not_queued_before_it_is_due(clinic):
    visit(clinic, hours=100)
    assert queue_due_reminders(now=NOW + 75 * HOUR) == 0
    assert queue_due_reminders(now=NOW + 76 * HOUR) == 1


def test_of_two_rules_due_in_one_pass_only_the_one_nearest_the_visit_goes(clinic):
    appointment = visit(clinic, hours=200)
    assert queue_due_reminders(now=NOW + 180 * HOUR) == 1
    states = dict(Reminder.objects.filter(appointment=appointment).values_list("hours_before", "state"))
    assert states == {168: ReminderState.SKIPPED, 24: ReminderState.QUEUED}


def test_a_reminder_that_an_outage_delayed_goes_while_the_visit_is_over_two_hours_away(clinic):
    visit(clinic, hours=100)
    assert queue_due_reminders(now=NOW + 97.9 * HOUR) == 1


def test_a_reminder_that_an_outage_delayed_too_long_is_not_sent_and_is_seen(clinic):
    visit(clinic, hours=100)
    assert queue_due_reminders(now=NOW + 98 * HOUR) == 0
    assert Reminder.objects.get().state == ReminderState.EXPIRED


def test_a_rule_of_one_hour_is_sent_on_time():
    assert rules_to_plan(NOW + 1.5 * HOUR, [24, 1], NOW) == [1]


def test_a_rule_of_one_hour_is_queued_when_due(clinic):
    clinic.reminder_hours_before = [1]
    clinic.save()
    visit(clinic, hours=5)
    assert queue_due_reminders(now=NOW + 4 * HOUR) == 1


@pytest.mark.parametrize(("language", "words"), [("tn", "Dumela"), ("en", "Hello")])
def test_the_text_is_in_the_language_of_the_appointment(clinic, language, words):
    visit(clinic, hours=10, language=language)
    queue_due_reminders(now=NOW)
    assert Message.objects.get().body.startswith(words)


def test_the_text_gives_the_time_at_the_clinic(clinic):
    visit(clinic, hours=10)  # 18:00 UTC is 20:00 in Gaborone
    queue_due_reminders(now=NOW)
    assert "20:00" in Message.objects.get().body


@pytest.mark.django_db(transaction=True)
def test_moving_a_visit_away_and_back_does_not_send_the_same_reminder_again(clinic):
    appointment = visit(clinic, hours=10)
    queue_due_reminders(now=NOW)
    dispatch(clock=Clock(NOW))
    change(appointment.pk, starts_at=NOW + 12 * HOUR, actor=SYSTEM, now=NOW)
    change(appointment.pk, starts_at=NOW + 10 * HOUR, actor=SYSTEM, now=NOW)
    assert queue_due_reminders(now=NOW) == 0


@pytest.mark.django_db(transaction=True)
def test_moving_a_visit_away_and_back_before_its_text_left_still_sends_it(clinic):
    appointment = visit(clinic, hours=10)
    queue_due_reminders(now=NOW)
    change(appointment.pk, starts_at=NOW + 12 * HOUR, actor=SYSTEM, now=NOW)
    change(appointment.pk, starts_at=NOW + 10 * HOUR, actor=SYSTEM, now=NOW)
    queue_due_reminders(now=NOW)
    dispatch(clock=Clock(NOW))
    sent = Message.objects.get(status=MessageStatus.SENT)
    assert "20:00" in sent.body


def test_a_new_phone_takes_the_waiting_text_along(clinic):
    appointment = visit(clinic, hours=10)
    queue_due_reminders(now=NOW)
    change_patient(appointment.patient_id, phone="72345678", actor=SYSTEM, now=NOW)
    assert queue_due_reminders(now=NOW) == 1
    waiting = Message.objects.get(status=MessageStatus.QUEUED)
    assert waiting.to == "+26772345678"


def test_many_due_reminders_are_queued_in_a_bounded_number_of_queries(clinic, django_assert_max_num_queries):
    for _number in range(30):
        visit(clinic, hours=10)
    with django_assert_max_num_queries(20):
        assert queue_due_reminders(now=NOW) == 30


@pytest.mark.django_db(transaction=True)
def test_a_text_held_back_until_the_next_rule_is_due_does_not_leave_beside_it(clinic):
    visit(clinic, hours=200)
    queue_due_reminders(now=NOW + 40 * HOUR)
    queue_due_reminders(now=NOW + 180 * HOUR)  # nothing was sent in between
    assert dispatch(clock=Clock(NOW + 180 * HOUR)).reached["sent"] == 1
    sent = Message.objects.get(status=MessageStatus.SENT)
    assert sent.reminder.hours_before == 24


@pytest.fixture
def scripted(settings):
    settings.SMS_PROVIDERS = ["tests.messaging.scripted_provider.ScriptedProvider"]
    ScriptedProvider.reset()
    return ScriptedProvider


def meanwhile(provider, work):
    """The provider says "later", and while it does so somebody works on the same visit."""

    def in_a_connection_of_its_own():
        provider.meanwhile = None
        other = threading.Thread(target=lambda: (work(), connection.close()))
        other.start()
        other.join()

    provider.meanwhile = staticmethod(in_a_connection_of_its_own)


def text_after(provider, hours, minutes=30):
    provider.answers.clear()
    for number in range(3):
        now = NOW + hours * HOUR + timedelta(minutes=minutes * number)
        queue_due_reminders(now=now)
        dispatch(clock=Clock(now))
    return list(Message.objects.filter(status=MessageStatus.SENT))


@pytest.mark.django_db(transaction=True)
def test_a_visit_moved_away_and_back_while_its_text_was_on_its_way_is_still_reminded(clinic, scripted):
    appointment = visit(clinic, hours=10)
    queue_due_reminders(now=NOW)
    scripted.answers[appointment.patient.phone] = Outcome(Result.TRANSIENT)
    meanwhile(scripted, lambda: change(appointment.pk, starts_at=NOW + 12 * HOUR, actor=SYSTEM, now=NOW))
    dispatch(clock=Clock(NOW))
    Reminder.objects.filter(visit_at=NOW + 12 * HOUR).delete()
    dispatch(clock=Clock(NOW + HOUR))
    change(appointment.pk, starts_at=NOW + 10 * HOUR, actor=SYSTEM, now=NOW + HOUR)
    assert len(text_after(scripted, 2)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_phone_corrected_while_the_text_was_on_its_way_gets_the_text(clinic, scripted):
    appointment = visit(clinic, hours=10)
    queue_due_reminders(now=NOW)
    scripted.answers[appointment.patient.phone] = Outcome(Result.TRANSIENT)
    meanwhile(
        scripted, lambda: change_patient(appointment.patient_id, phone="72345678", actor=SYSTEM, now=NOW)
    )
    dispatch(clock=Clock(NOW))
    [sent] = text_after(scripted, 1)
    assert sent.to == "+26772345678"


def test_a_new_language_or_name_is_in_the_text_that_waits(clinic):
    appointment = visit(clinic, hours=10, language="tn")
    queue_due_reminders(now=NOW)
    change(appointment.pk, language="en", actor=SYSTEM, now=NOW)
    change_patient(appointment.patient_id, name="Naledi", actor=SYSTEM, now=NOW)
    queue_due_reminders(now=NOW)
    assert Message.objects.get(status=MessageStatus.QUEUED).body.startswith("Hello Naledi")


@pytest.mark.django_db
def test_hours_before_a_visit_are_hours_that_pass_where_clocks_change():
    clinic_zone = ZoneInfo("Europe/London")
    visit_at = datetime(2027, 3, 28, 10, 0, tzinfo=clinic_zone)  # summer time begins that night
    clinic = ClinicFactory(time_zone="Europe/London", quiet_from=None, quiet_to=None)
    book(clinic=clinic, patient=PatientFactory(clinic=clinic), starts_at=visit_at, actor=SYSTEM, now=NOW)
    due = Reminder.objects.get(hours_before=24).due_at
    assert due == datetime(2027, 3, 27, 9, 0, tzinfo=UTC)
