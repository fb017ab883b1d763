"""All that is kept about one patient, and of nobody else."""

import json
from datetime import UTC, datetime

import pytest

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from appointments.erasure import erase
from appointments.models import PhoneCall
from appointments.patient_export import export_patient
from appointments.patients import change_patient
from common.errors import NotFound
from tests.factories.accounts import AdminFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory
from tests.factories.messaging import MessageFactory, OptOutFactory, ReplyFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def patient():
    return PatientFactory(name="Neo", patient_number="P7", phone="+26771234567")


def exported(patient, reader=None):
    return export_patient(patient.pk, reader=reader, actor=SYSTEM, now=NOW)


def test_it_holds_visits_calls_texts_replies_opt_outs_and_changes(patient):
    visit = AppointmentFactory(patient=patient, reference="R1")
    ReminderFactory(appointment=visit)
    PhoneCall.objects.create(
        appointment=visit, visit_at=visit.starts_at, outcome="reached", at=NOW, by="nurse"
    )
    MessageFactory(clinic=patient.clinic, to=patient.phone, recipient_id=patient.pk, body="Come, Neo")
    ReplyFactory(phone=patient.phone, body="yes")
    OptOutFactory(phone=patient.phone)
    change_patient(patient.pk, name="Neo M", actor=SYSTEM, now=NOW)
    told = json.loads(json.dumps(exported(patient)))
    assert (told["patient"]["name"], told["patient"]["patient_number"]) == ("Neo M", "P7")
    [shown] = told["appointments"]
    assert (shown["reference"], shown["reminders"][0]["hours_before"]) == ("R1", 24)
    assert shown["phone_calls"][0]["outcome"] == "reached"
    assert [text["body"] for text in told["messages"]] == ["Come, Neo"]
    assert [reply["body"] for reply in told["replies"]] == ["yes"]
    assert [stop["phone"] for stop in told["opt_outs"]] == [patient.phone]
    assert {"name": ["Neo", "Neo M"]} in [change["changes"] for change in told["changes"]]


def test_times_are_on_the_clinics_clock(patient):
    assert exported(patient)["made_at"] == "2026-12-01T10:00:00+02:00"


def test_it_holds_nothing_of_others_who_share_the_phone(patient):
    other = PatientFactory(clinic=patient.clinic, name="Kagiso", phone=patient.phone)
    AppointmentFactory(patient=other)
    MessageFactory(clinic=patient.clinic, to=patient.phone, recipient_id=other.pk, body="Come, Kagiso")
    ReplyFactory(phone=patient.phone, body="from one of us")
    told = exported(patient)
    assert (told["appointments"], told["messages"], told["replies"]) == ([], [], [])


@pytest.mark.parametrize("is_admin", [True, False])
def test_what_other_clinics_wrote_to_the_phone_is_for_administrators(patient, is_admin):
    MessageFactory(clinic=patient.clinic, to=patient.phone, body="ours")
    MessageFactory(to=patient.phone, body="theirs")
    ReplyFactory(clinic=patient.clinic, phone=patient.phone, body="to us")
    ReplyFactory(phone=patient.phone, body="to them")
    ReplyFactory(clinic=None, phone=patient.phone, body="to nobody")
    told = exported(patient, AdminFactory() if is_admin else StaffFactory(clinics=[patient.clinic]))
    texts, replies = ({one["body"] for one in told[kind]} for kind in ("messages", "replies"))
    assert texts == ({"ours", "theirs"} if is_admin else {"ours"})
    assert replies == ({"to us", "to them", "to nobody"} if is_admin else {"to us"})


def test_the_log_says_that_it_was_made(patient):
    exported(patient)
    assert AuditEntry.objects.get(object_id=patient.pk).action == "exported"


def test_of_an_erased_patient_there_is_nothing(patient):
    erase(patient.pk, actor=SYSTEM, now=NOW)
    with pytest.raises(NotFound):
        exported(patient)


def test_it_takes_as_many_queries_for_many_visits_as_for_few(patient, django_assert_max_num_queries):
    for number in range(12):
        ReminderFactory(appointment__patient=patient, appointment__starts_at=NOW.replace(day=number + 1))
    with django_assert_max_num_queries(25):
        assert len(exported(patient)["appointments"]) == 12
