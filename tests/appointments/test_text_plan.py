from datetime import UTC, datetime, timedelta

import pytest

from accounts.audit import SYSTEM
from accounts.models import ConsentPolicy
from appointments.models import Patient
from appointments.reminding import queue_due_reminders
from appointments.services import book
from appointments.text_plan import texts_to_come
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message, SendingSwitch
from tests.factories.accounts import ClinicFactory
from tests.factories.appointments import PatientFactory
from tests.factories.messaging import BadNumberFactory, OptOutFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clinic():
    return ClinicFactory(quiet_from=None, quiet_to=None, reminder_hours_before=[48, 24])


def plan(patient, hours=100, clinic=None, **options):
    starts_at = NOW + hours * HOUR
    return texts_to_come(
        clinic=clinic or patient.clinic, patient=patient, starts_at=starts_at, now=NOW, **options
    )


@pytest.mark.django_db(transaction=True)
def test_what_is_shown_before_booking_is_what_leaves(clinic):
    clinic.send_confirmations = True
    clinic.save()
    patient = PatientFactory(clinic=clinic, name="Thabo Molefe")
    shown = plan(patient)
    book(clinic=clinic, patient=patient, starts_at=NOW + 100 * HOUR, actor=SYSTEM, now=NOW)
    for hours in (0, 52, 76):
        queue_due_reminders(now=NOW + hours * HOUR)
        dispatch(clock=Clock(NOW + hours * HOUR))
    left = Message.objects.filter(status="sent").order_by("sent_at")
    assert [text.text.body for text in shown.texts] == [message.body for message in left]
    assert [text.leaves_at or NOW for text in shown.texts] == [message.sent_at for message in left]
    assert shown.why_none == ""


def test_a_visit_soon_gets_one_at_once(clinic):
    assert [text.leaves_at for text in plan(PatientFactory(clinic=clinic), hours=10).texts] == [None]


def test_a_text_that_would_leave_at_night_is_shown_for_the_morning():
    clinic = ClinicFactory(reminder_hours_before=[10])
    shown = plan(PatientFactory(clinic=clinic), hours=24).texts
    assert [f"{text.leaves_at:%d %H:%M}" for text in shown] == ["02 07:00"]


def test_a_visit_too_soon_gets_none_and_says_so(clinic):
    shown = plan(PatientFactory(clinic=clinic), hours=1)
    assert (shown.texts, "two hours" in shown.why_none) == ([], True)


def test_a_clinic_without_rules_says_so():
    clinic = ClinicFactory(reminder_hours_before=[])
    assert "no reminders" in plan(PatientFactory(clinic=clinic)).why_none


def test_who_did_not_agree_gets_none(clinic):
    assert "agreed" in plan(PatientFactory(clinic=clinic, consent=False)).why_none


def test_a_new_patient_of_a_clinic_that_asks_first_gets_none():
    clinic = ClinicFactory(consent_policy=ConsentPolicy.EXPLICIT)
    new = Patient(clinic=clinic, phone="+26771234567")
    assert "agreed" in plan(new, clinic=clinic).why_none


def test_who_wants_no_texts_gets_none(clinic):
    patient = PatientFactory(clinic=clinic)
    OptOutFactory(phone=patient.phone)
    assert plan(patient).texts == []


def test_a_number_that_got_nothing_last_time_is_named_beside_the_texts(clinic):
    patient = PatientFactory(clinic=clinic)
    BadNumberFactory(phone=patient.phone)
    shown = plan(patient)
    assert (len(shown.texts), "number" in shown.why_none) == (2, True)


def test_the_kill_switch_is_named(clinic):
    SendingSwitch.objects.update_or_create(pk=1, defaults={"sending": False, "changed_at": NOW})
    assert plan(PatientFactory(clinic=clinic)).is_switched_off


def test_the_text_is_in_the_language_of_the_visit(clinic):
    patient = PatientFactory(clinic=clinic)
    assert plan(patient, language="tn").texts[0].text != plan(patient, language="en").texts[0].text
