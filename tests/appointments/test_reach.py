from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit import SYSTEM
from appointments.call_list import note_call
from appointments.models import Appointment
from appointments.reach import Tone, reaches
from tests.appointments.test_call_list import text, visit
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import ReminderFactory
from tests.factories.messaging import BadNumberFactory, OptOutFactory

pytestmark = pytest.mark.django_db


def of(appointment, now=NOW):
    [found] = Appointment.objects.select_related("clinic", "patient").filter(pk=appointment.pk)
    return reaches([found], now=now)[found.pk]


def code(appointment):
    return of(appointment).code


def test_a_delivered_reminder_says_when():
    appointment = visit()
    text(appointment, "delivered", delivered_at=NOW)
    found = of(appointment)
    assert (found.code, found.tone, found.at) == ("delivered", Tone.GOOD, NOW)
    assert found.moment(appointment.clinic.zone)


@pytest.mark.parametrize("status", ["queued", "sending"])
def test_a_text_that_is_being_sent_is_on_its_way(status):
    appointment = visit()
    lease = (
        {"claim": appointment.pk, "claimed_at": NOW, "lease_expires_at": NOW} if status == "sending" else {}
    )
    text(appointment, status, **lease)
    assert code(appointment) == "under_way"


def test_a_text_that_waits_for_the_morning_says_when_it_leaves():
    appointment = visit()
    text(appointment, "queued", send_at=NOW + timedelta(hours=9))
    assert of(appointment).at == NOW + timedelta(hours=9)


def test_a_sent_text_is_on_its_way_until_silence_means_something():
    appointment = visit()
    sent = text(appointment, "sent", sent_at=NOW - timedelta(hours=1))
    assert code(appointment) == "under_way"
    type(sent).objects.update(sent_at=NOW - timedelta(hours=5))
    assert code(appointment) == "no_receipt"


def test_a_sent_text_is_all_that_can_be_known_of_a_provider_that_never_tells():
    appointment = visit()
    text(appointment, "sent", sent_at=NOW - timedelta(hours=9), provider="console")
    assert code(appointment) == "sent"


@pytest.mark.parametrize("status", ["failed", "undelivered", "expired", "unknown"])
def test_a_text_that_nobody_got_is_named(status):
    appointment = visit()
    text(appointment, status)
    found = of(appointment)
    assert (found.code, found.tone) == (status, Tone.BAD)


def test_a_planned_reminder_says_when():
    reminder = ReminderFactory(appointment=visit())
    found = of(reminder.appointment)
    assert (found.code, found.at) == ("planned", reminder.due_at)


def test_whoever_wants_no_texts_is_not_reached_though_one_is_planned():
    reminder = ReminderFactory(appointment=visit())
    OptOutFactory(phone=reminder.appointment.patient.phone)
    assert code(reminder.appointment) == "opted_out"


def test_a_number_that_gets_no_texts_is_not_reached():
    appointment = visit()
    BadNumberFactory(phone=appointment.patient.phone)
    assert code(appointment) == "bad_number"


def test_a_patient_who_did_not_agree_is_not_reached():
    assert code(visit(patient__consent=False)) == "no_consent"


def test_whoever_was_reached_by_phone_is_reached():
    appointment = visit(patient__consent=False)
    note_call(appointment.pk, outcome="reached", actor=SYSTEM, now=NOW)
    assert code(appointment) == "phoned"


def test_a_text_of_another_time_says_nothing_of_this_one():
    appointment = visit()
    text(appointment, "delivered", subject_at=NOW)
    assert code(appointment) == "none"


def test_many_cost_as_much_as_one():
    clinic = ClinicFactory()
    costs = []
    for count in (1, 20):
        for _ in range(count):
            text(visit(patient__clinic=clinic), "sent", sent_at=NOW)
        found = list(Appointment.objects.select_related("clinic", "patient"))
        with CaptureQueriesContext(connection) as queries:
            reaches(found, now=NOW)
        costs.append(len(queries))
    assert costs[0] == costs[1] == 5
