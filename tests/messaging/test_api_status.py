from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from messaging.models import MessageEvent
from tests.factories.accounts import AdminFactory, ClinicFactory, StaffFactory, ViewerFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db
FIELDS = {
    *("id", "clinic_id", "to", "body", "language", "status", "send_at", "provider", "provider_message_id"),
    *("segments", "encoding", "attempts", "error", "appointment_id", "created_at", "sent_at"),
    *("delivered_at", "events"),
}


def status(caller, message):
    answer = caller.get(f"/api/v1/sms/status/{message.pk}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_text_has_the_fields_that_callers_rely_on(caller, clinic):
    message = MessageFactory(clinic=clinic, to="+26771234567")
    shown = status(caller, message)
    assert set(shown) == FIELDS
    assert shown["to"] == "+26771234567"
    assert shown["status"] == "queued"
    assert shown["error"] is None
    assert shown["appointment_id"] is None
    assert shown["sent_at"] is None


def test_every_event_is_told_in_order_on_the_clinics_clock(caller, clinic):
    message = MessageFactory(clinic=clinic)
    now = timezone.now()
    MessageEvent.objects.create(message=message, status="sent", at=now, provider="twilio")
    MessageEvent.objects.create(message=message, status="queued", at=now - timedelta(minutes=1))
    MessageEvent.objects.create(
        message=message, status="failed", at=now, code="30005", detail="Unknown handset"
    )
    events = status(caller, message)["events"]
    assert [event["status"] for event in events] == ["queued", "sent", "failed"]
    assert set(events[0]) == {"status", "at", "provider", "code", "detail"}
    assert events[0]["at"].endswith("+02:00")
    assert events[2]["code"] == "30005"


def test_an_error_is_told_with_whether_it_is_for_good(caller, clinic):
    message = MessageFactory(
        clinic=clinic, status="failed", error_code="30005", error_message="Unknown", error_permanent=True
    )
    assert status(caller, message)["error"] == {"code": "30005", "message": "Unknown", "permanent": True}


def test_a_text_about_an_appointment_names_it(caller, clinic):
    about = uuid4()
    message = MessageFactory(clinic=clinic, subject_type="appointments.appointment", subject_id=about)
    other = MessageFactory(clinic=clinic, subject_type="stock.alert", subject_id=about)
    assert status(caller, message)["appointment_id"] == str(about)
    assert status(caller, other)["appointment_id"] is None


def test_a_viewer_reads_the_phone_masked(api, clinic):
    message = MessageFactory(clinic=clinic, to="+26771234567")
    assert status(api(ViewerFactory(clinics=[clinic])), message)["to"] == "+267•••••567"


@pytest.mark.parametrize("made_by", [StaffFactory, ViewerFactory])
@pytest.mark.parametrize("clinics", [0, 1])
def test_another_clinics_text_is_not_there(api, made_by, clinics):
    caller = api(made_by(clinics=ClinicFactory.create_batch(clinics)))
    answer = caller.get(f"/api/v1/sms/status/{MessageFactory().pk}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_an_administrator_sees_every_clinics_texts(api):
    message = MessageFactory()
    assert status(api(AdminFactory()), message)["id"] == str(message.pk)


def test_the_number_of_events_does_not_change_the_number_of_queries(
    caller, clinic, django_assert_num_queries
):
    message = MessageFactory(clinic=clinic)
    for _ in range(20):
        MessageEvent.objects.create(message=message, status="queued", at=timezone.now())
    # The sign-in and its clinics, the message with its own, the events.
    with django_assert_num_queries(4):
        status(caller, message)
