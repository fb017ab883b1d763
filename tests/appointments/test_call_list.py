from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from appointments.call_list import last_calls, note_call, reasons, to_phone
from appointments.models import Appointment, PhoneCall, Reminder
from messaging.models import OptOut
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory, StaffFactory
from tests.factories.appointments import AppointmentFactory, PatientFactory, ReminderFactory
from tests.factories.messaging import BadNumberFactory, MessageFactory

pytestmark = pytest.mark.django_db


def visit(**fields) -> Appointment:
    return AppointmentFactory(**{"starts_at": NOW + timedelta(days=2), **fields})


def text(appointment, status, **fields):
    given = {
        "clinic": appointment.clinic,
        "status": status,
        "purpose": "reminder",
        "subject_type": "appointments.appointment",
        "subject_id": appointment.pk,
        "subject_at": appointment.starts_at,
        "created_at": NOW - timedelta(hours=5),
        "sent_at": None,
        "provider": "twilio",
    }
    return MessageFactory(**{**given, **fields})


def listed(now=NOW) -> list[Appointment]:
    return list(to_phone(Appointment.objects.select_related("clinic", "patient"), now))


def why(appointment) -> str:
    [found] = listed()
    assert found == appointment
    return reasons([found])[found.pk].code


@pytest.mark.parametrize("status", ["failed", "undelivered", "expired", "unknown"])
def test_who_was_not_reached_is_to_be_phoned(status):
    appointment = visit()
    text(appointment, status)
    assert why(appointment) == status


@pytest.mark.parametrize(("code", "reason"), [("OPTED_OUT", "opted_out"), ("NO_CONSENT", "no_consent")])
def test_who_gets_no_texts_is_to_be_phoned(code, reason):
    appointment = visit()
    text(appointment, "suppressed", error_code=code)
    assert why(appointment) == reason


def test_a_number_that_can_get_no_texts_is_named():
    appointment = visit()
    text(appointment, "failed", error_code="21614", error_permanent=True)
    assert why(appointment) == "bad_number"


def test_silence_for_four_hours_is_a_reason_where_the_provider_tells():
    appointment = visit()
    text(appointment, "sent", sent_at=NOW - timedelta(hours=4))
    assert why(appointment) == "no_receipt"


@pytest.mark.parametrize(
    "sent",
    [
        {"sent_at": NOW - timedelta(hours=3, minutes=59)},
        {"sent_at": NOW - timedelta(hours=9), "provider": "console"},
    ],
)
def test_silence_is_no_reason_sooner_or_where_the_provider_never_tells(sent):
    text(visit(), "sent", **sent)
    assert listed() == []


def test_a_text_that_waits_is_no_reason():
    text(visit(), "queued")
    assert listed() == []


def test_who_was_told_is_not_phoned_whatever_came_before_or_after():
    appointment = visit()
    text(appointment, "delivered", created_at=NOW - timedelta(days=4))
    text(appointment, "failed")
    assert listed() == []


def test_a_later_text_that_left_makes_up_for_one_that_did_not():
    appointment = visit()
    text(appointment, "failed", created_at=NOW - timedelta(days=4))
    text(appointment, "sent", sent_at=NOW - timedelta(hours=1))
    assert listed() == []


def test_a_text_for_an_earlier_time_of_the_visit_says_nothing_of_this_one():
    appointment = visit()
    text(appointment, "failed", subject_at=NOW + timedelta(days=1))
    assert listed() == []


@pytest.mark.parametrize("status", ["confirmed", "cancelled", "attended", "missed"])
def test_only_visits_that_are_booked_are_phoned_for(status):
    text(visit(status=status), "failed")
    assert listed() == []


@pytest.mark.parametrize("ahead", [timedelta(minutes=-1), timedelta(days=7, minutes=1)])
def test_the_list_is_of_the_coming_seven_days(ahead):
    text(visit(starts_at=NOW + ahead), "failed")
    assert listed() == []


def reminder_of(appointment, state):
    return Reminder.objects.create(
        appointment=appointment,
        hours_before=24,
        visit_at=appointment.starts_at,
        due_at=appointment.starts_at - timedelta(hours=24),
        state=state,
    )


def test_a_reminder_that_came_too_late_is_a_reason():
    appointment = visit()
    reminder_of(appointment, "expired")
    assert why(appointment) == "expired"


def test_who_no_reminder_can_reach_is_there_before_it_is_due():
    opted, refused, asked = (visit(patient=PatientFactory()) for _ in range(3))
    for appointment in (opted, refused, asked):
        reminder_of(appointment, "planned")
    OptOut.objects.create(phone=opted.patient.phone, source="reply", opted_out_at=NOW)
    refused.patient.consent = False
    refused.patient.consent_source, refused.patient.consent_at = "nurse", NOW
    refused.patient.save()
    found = {a.pk: r.code for a, r in ((a, reasons([a])[a.pk]) for a in listed())}
    assert found == {opted.pk: "opted_out", refused.pk: "no_consent"}


def test_a_next_try_is_told():
    appointment = visit()
    first = text(appointment, "undelivered")
    later = NOW + timedelta(hours=2)
    text(appointment, "queued", follows=first, send_at=later)
    [found] = listed()
    assert reasons([found])[found.pk].next_try_at == later


def test_who_was_reached_by_phone_leaves_the_list():
    appointment = visit()
    text(appointment, "failed")
    note_call(appointment.pk, outcome="no_answer", actor=SYSTEM, now=NOW)
    assert listed() == [appointment]
    assert last_calls([appointment])[appointment.pk].outcome == "no_answer"
    note_call(appointment.pk, outcome="reached", actor=SYSTEM, now=NOW)
    assert listed() == []
    assert AuditEntry.objects.filter(object_id=appointment.pk, action="phoned").count() == 2


def test_a_call_about_an_earlier_time_does_not_count():
    appointment = visit()
    note_call(appointment.pk, outcome="reached", actor=SYSTEM, now=NOW)
    Appointment.objects.update(starts_at=NOW + timedelta(days=3), ends_at=NOW + timedelta(days=3, hours=1))
    appointment.refresh_from_db()
    text(appointment, "failed")
    assert listed() == [appointment]


def test_a_double_click_is_one_call():
    appointment = visit()
    note_call(appointment.pk, outcome="reached", actor=SYSTEM, now=NOW)
    note_call(appointment.pk, outcome="reached", actor=SYSTEM, now=NOW + timedelta(seconds=1))
    assert PhoneCall.objects.count() == 1


def test_the_call_of_the_api_lists_them_with_the_reason(api):
    appointment = visit()
    text(appointment, "failed")
    other = visit()
    text(other, "failed")
    client = api(StaffFactory(clinics=[appointment.clinic]))
    answer = client.get("/api/v1/appointments/call-list").json()
    assert [(row["id"], row["reason"]["code"]) for row in answer["results"]] == [
        (str(appointment.pk), "failed")
    ]


def test_the_outcome_of_a_call_can_be_told_by_the_api(api):
    appointment = visit()
    text(appointment, "failed")
    client = api(StaffFactory(clinics=[appointment.clinic]))
    answer = client.post(
        f"/api/v1/appointments/{appointment.pk}/calls", {"outcome": "reached"}, format="json"
    )
    assert (answer.status_code, answer.json()["outcome"]) == (201, "reached")
    assert client.get("/api/v1/appointments/call-list").json()["count"] == 0


def test_the_lists_cost_does_not_grow_with_its_length(api):
    clinic = ClinicFactory()
    client = api(StaffFactory(clinics=[clinic]))

    def queries(count):
        for _number in range(count):
            text(visit(patient=PatientFactory(clinic=clinic)), "failed")
        with CaptureQueriesContext(connection) as captured:
            client.get("/api/v1/appointments/call-list?limit=100")
        return len(captured)

    assert queries(2) == queries(20)


def test_a_number_that_gets_no_texts_is_to_be_phoned_before_the_next_reminder_is_due():
    appointment = visit()
    ReminderFactory(appointment=appointment)
    assert listed() == []
    BadNumberFactory(phone=appointment.patient.phone)
    assert why(appointment) == "bad_number"


def test_a_bad_number_is_no_reason_when_no_reminder_is_to_come():
    BadNumberFactory(phone=visit().patient.phone)
    assert listed() == []


def test_a_text_that_the_network_filtered_says_nothing_of_the_number():
    appointment = visit()
    text(appointment, "undelivered", error_code="30007", error_permanent=True)
    assert why(appointment) == "undelivered"
