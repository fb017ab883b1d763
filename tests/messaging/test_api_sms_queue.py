from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from tests.factories.accounts import AdminFactory, StaffFactory, ViewerFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db
QUEUE = "/api/v1/sms/queue"


@pytest.fixture
def nurse(clinic):
    return StaffFactory(clinics=[clinic])


@pytest.fixture
def caller(api, nurse):
    return api(nurse)


def listed(caller, **query):
    answer = caller.get(QUEUE, query)
    assert answer.status_code == 200, answer.content
    return [message["id"] for message in answer.json()["results"]]


def in_hours(hours, clinic, **fields):
    return MessageFactory(clinic=clinic, send_at=timezone.now() + timedelta(hours=hours), **fields)


def sending(clinic):
    now = timezone.now()
    lease = {"claim": uuid4(), "claimed_at": now, "lease_expires_at": now}
    return MessageFactory(clinic=clinic, status="sending", **lease)


def test_what_waits_is_listed_soonest_first(caller, clinic):
    late, soon = in_hours(5, clinic), in_hours(1, clinic)
    for status in ("sent", "delivered", "cancelled", "unknown"):
        MessageFactory(clinic=clinic, status=status)
    assert listed(caller) == [str(soon.pk), str(late.pk)]


def test_what_is_being_sent_or_unknown_is_asked_for_by_status(caller, clinic):
    going, lost = sending(clinic), MessageFactory(clinic=clinic, status="unknown")
    in_hours(1, clinic)
    assert listed(caller, status="sending") == [str(going.pk)]
    assert listed(caller, status="unknown") == [str(lost.pk)]


def test_times_bound_when_it_is_to_leave(caller, clinic):
    messages = [in_hours(hours, clinic) for hours in (1, 2, 3)]
    begin, end = (messages[place].send_at.isoformat() for place in (1, 2))
    assert listed(caller, **{"from": begin, "to": end}) == [str(messages[1].pk)]


def test_one_clinics_queue_is_asked_for(api):
    message, _other = MessageFactory(), MessageFactory()
    assert listed(api(AdminFactory()), clinic_id=str(message.clinic_id)) == [str(message.pk)]


def test_another_clinics_texts_are_not_listed(caller):
    other = MessageFactory()
    assert listed(caller) == []
    assert listed(caller, clinic_id=str(other.clinic_id)) == []


def test_pages_by_cursor_hold_every_text_once(caller, clinic):
    made = {str(in_hours(hours, clinic).pk) for hours in (1, 1, 2, 3, 4)}
    found, answer = [], caller.get(QUEUE, {"cursor": "", "limit": 2}).json()
    while True:
        found += [message["id"] for message in answer["results"]]
        if not answer["next"]:
            break
        answer = caller.get(answer["next"]).json()
    assert len(found) == len(made)
    assert set(found) == made


def test_pages_by_number_count_all(caller, clinic):
    MessageFactory.create_batch(3, clinic=clinic)
    answer = caller.get(QUEUE, {"page": 2, "limit": 2}).json()
    assert (answer["count"], len(answer["results"])) == (3, 1)


@pytest.mark.parametrize(
    "query", [{"status": "sent"}, {"status": "x"}, {"from": "soon"}, {"clinic_id": "1"}, {"to_": "x"}]
)
def test_what_cannot_be_asked_is_refused(caller, query):
    answer = caller.get(QUEUE, query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_a_viewer_reads_masked_phones(api, clinic):
    MessageFactory(clinic=clinic, to="+26771234567")
    [shown] = api(ViewerFactory(clinics=[clinic])).get(QUEUE).json()["results"]
    assert shown["to"] == "+267•••••567"


def test_the_number_of_texts_does_not_change_the_number_of_queries(
    caller, clinic, django_assert_max_num_queries
):
    MessageFactory.create_batch(15, clinic=clinic)
    with django_assert_max_num_queries(7):
        assert len(listed(caller)) == 15


# Cancelling


def cancel(caller, message):
    return caller.post(f"/api/v1/sms/{message.pk}/cancel")


def test_a_text_that_waits_is_cancelled(caller, clinic, nurse):
    message = MessageFactory(clinic=clinic)
    answer = cancel(caller, message)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json()["events"][-1]["status"] == "cancelled"
    entry = AuditEntry.objects.get(object_id=message.pk)
    assert (entry.action, entry.actor_id) == ("cancelled", nurse.pk)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [('{"foo": 1}', "application/json", 400), ("{", "application/json", 400), ("<a/>", "text/xml", 415)],
)
def test_a_cancellation_with_a_body_is_refused_and_the_text_waits_on(caller, clinic, body, kind, status):
    message = MessageFactory(clinic=clinic)
    answer = caller.generic("POST", f"/api/v1/sms/{message.pk}/cancel", body, content_type=kind)
    assert answer.status_code == status
    message.refresh_from_db()
    assert message.status == "queued"


@pytest.mark.parametrize("status", ["sent", "delivered", "failed", "cancelled", "unknown", "suppressed"])
def test_what_does_not_wait_cannot_be_cancelled(caller, clinic, status):
    message = MessageFactory(clinic=clinic, status=status)
    answer = cancel(caller, message)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "STATE_CONFLICT")
    message.refresh_from_db()
    assert message.status == status


def test_what_is_being_sent_cannot_be_cancelled(caller, clinic):
    assert cancel(caller, sending(clinic)).status_code == 409


def test_another_clinics_text_cannot_be_cancelled(caller):
    message = MessageFactory()
    assert cancel(caller, message).status_code == 404
    message.refresh_from_db()
    assert message.status == "queued"


def test_a_viewer_cancels_nothing(api, clinic):
    message = MessageFactory(clinic=clinic)
    assert cancel(api(ViewerFactory(clinics=[clinic])), message).status_code == 403
    message.refresh_from_db()
    assert message.status == "queued"
