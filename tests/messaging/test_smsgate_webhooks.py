"""What the phone calls, as it comes in over HTTP: receipts and texts."""

import json
import time
from uuid import uuid4

import pytest
from django.test import Client

from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message, MessageStatus, Receipt, Reply
from tests.doubles.smsgate_callbacks import event, signature, status_event
from tests.factories.messaging import MessageFactory
from tests.messaging.provider_calls import texts_waiting

PATH = "/api/v1/sms/webhooks/smsgate"
KEY = "the-signing-key"
PHONE = "+26771234567"
PING = event("system:ping", {})


@pytest.fixture(autouse=True)
def signed_site(settings):
    settings.SMS_PROVIDERS = ["console"]
    settings.SMSGATE_WEBHOOK_SECRET = KEY


@pytest.fixture
def sent(db) -> Message:
    message = MessageFactory(status=MessageStatus.SENT, provider="smsgate")
    message.provider_message_id = str(message.pk)
    message.save()
    return message


def call(said, *, path=PATH, key=KEY, age=0, stamp=None, sent_body=None, client=None):
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    stamp = stamp if stamp is not None else str(int(time.time() - age))
    headers = {"X-Signature": signature(body, stamp, key), "X-Timestamp": stamp}
    client = client or Client(enforce_csrf_checks=True)
    return client.post(path, sent_body or body, content_type="application/json", headers=headers)


def delivered(message: Message) -> dict:
    return status_event(str(message.pk), PHONE, "delivered", None)


def received(body="Ee", number="4f1c", at="2026-01-01T09:30:00.000+02:00", **more) -> dict:
    payload = {"messageId": number, "sender": PHONE, "message": body, "receivedAt": at, **more}
    return event("sms:received", payload)


def status_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).status


@pytest.mark.parametrize("path", [PATH, PATH + "/", "/api/sms/webhooks/smsgate"])
def test_a_signed_receipt_is_taken_though_the_phone_is_configured_no_more(sent, path):
    assert call(delivered(sent), path=path).status_code == 204
    assert status_of(sent) == "delivered"


@pytest.mark.parametrize("age", [-290, 290])
def test_a_phone_whose_clock_is_a_little_wrong_is_believed(sent, age):
    assert call(delivered(sent), age=age).status_code == 204


@pytest.mark.parametrize("age", [-400, 400, 10**9])
def test_a_call_that_was_signed_long_ago_or_is_yet_to_be_is_refused(sent, age):
    assert call(delivered(sent), age=age).status_code == 403
    assert status_of(sent) == "sent"


@pytest.mark.parametrize("stamp", ["", "soon", "-5", "1e9", "٣", "9" * 400])
def test_a_time_that_is_none_is_refused(sent, stamp):
    # A header holds no other letters.
    assert call(delivered(sent), stamp=stamp).status_code == 403


def test_a_forged_call_is_refused_in_the_form_of_all_errors_and_changes_nothing(sent):
    answer = call(delivered(sent), key="guessed")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert status_of(sent) == "sent"
    assert not Receipt.objects.exists()


def test_a_forged_text_is_not_kept(db):
    assert call(received(), key="guessed").status_code == 403
    assert not Reply.objects.exists()


def test_an_unsigned_call_is_refused(sent):
    assert Client().post(PATH, delivered(sent), content_type="application/json").status_code == 403
    assert status_of(sent) == "sent"


def test_a_signed_call_whose_words_were_changed_is_refused(sent):
    changed = json.dumps(delivered(sent)).encode()
    assert call(PING, sent_body=changed).status_code == 403
    assert status_of(sent) == "sent"


def test_a_site_without_a_secret_believes_nobody(sent, settings):
    settings.SMSGATE_WEBHOOK_SECRET = ""
    assert call(delivered(sent), key="").status_code == 403


def test_a_signature_of_odd_characters_is_only_wrong(db):
    headers = {"X-Signature": "\u00e9", "X-Timestamp": str(int(time.time()))}
    assert Client().post(PATH, b"{}", content_type="application/json", headers=headers).status_code == 403


def test_a_body_that_is_too_large_is_not_read(db):
    answer = call(b"a" * 70_000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_only_post_is_understood(db):
    answer = Client().get(PATH)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "said",
    [
        PING,
        event("mms:received", {"messageId": "1"}),
        event("sms:sent", {"messageId": "not-one-of-ours"}),
        event("sms:sent", {}),
        event("sms:sent", {"messageId": 7}),
        event("sms:received", {"sender": None, "message": ["a"]}),
        {"event": "sms:sent", "payload": []},
        {"event": None},
        [],
        b"",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"event": "sms:failed", "payload": {"messageId": 1e999}}',
    ],
)
def test_a_signed_call_that_tells_nothing_of_ours_changes_nothing(db, said):
    assert call(said).status_code == 204
    assert not Receipt.objects.exists()
    assert not Reply.objects.exists()


def test_a_call_about_an_unknown_message_is_answered_like_any_other(db):
    assert call(status_event(str(uuid4()), PHONE, "delivered", None)).status_code == 204


@pytest.mark.parametrize(
    ("reason", "status", "code", "permanent"),
    [
        ("Send result: RESULT_ERROR_NO_SERVICE (x)", "failed", "NO_SERVICE", False),
        ("Delivery result from SC +26771000000: 70", "undelivered", "DELIVERY_70", False),
        ("sendSMS: Invalid phone number", "failed", "INVALID_NUMBER", True),
    ],
)
def test_a_failure_says_why_and_whether_the_number_is_of_any_use(sent, reason, status, code, permanent):
    call(status_event(str(sent.pk), PHONE, "failed", reason))
    failed = Message.objects.get(pk=sent.pk)
    assert (failed.status, failed.error_code, failed.error_permanent) == (status, code, permanent)


def test_a_text_that_was_cancelled_at_the_phone_has_failed(sent):
    call(status_event(str(sent.pk), PHONE, "cancelled", None))
    assert (status_of(sent), Receipt.objects.get().code) == ("failed", "CANCELLED")


def test_no_number_of_a_patient_is_kept_with_a_receipt(sent):
    call(status_event(str(sent.pk), PHONE, "failed", f"{PHONE} is not reachable"))
    assert Receipt.objects.get().detail == "••• is not reachable"


def test_a_late_failure_does_not_undo_delivery(sent):
    call(delivered(sent))
    call(status_event(str(sent.pk), PHONE, "failed", "Delivery result: 70"))
    assert status_of(sent) == "delivered"


def test_a_call_that_is_replayed_is_kept_once(sent):
    said = delivered(sent)
    assert {call(said).status_code for _ in range(3)} == {204}
    assert Receipt.objects.count() == 1


def test_a_receipt_settles_a_text_whose_answer_was_lost(db):
    lost = MessageFactory(status=MessageStatus.UNKNOWN, provider="smsgate")
    call(delivered(lost))
    settled = Message.objects.get(pk=lost.pk)
    assert (settled.status, settled.provider_message_id) == ("delivered", str(lost.pk))


def test_a_receipt_of_this_phone_does_not_move_another_providers_text(db):
    other = MessageFactory(status=MessageStatus.SENT, provider="twilio", provider_message_id="SM1")
    call(delivered(other))
    assert status_of(other) == "sent"


def test_a_text_that_comes_in_is_kept_with_who_sent_it_and_when(db):
    assert call(received("Ee, ke tla tla")).status_code == 204
    reply = Reply.objects.get()
    assert (reply.provider, reply.phone, reply.body) == ("smsgate", PHONE, "Ee, ke tla tla")
    assert reply.received_at.isoformat() == "2026-01-01T07:30:00+00:00"


def test_an_older_app_names_the_sender_otherwise(db):
    call(received(sender=None, phoneNumber=PHONE))
    assert Reply.objects.get().phone == PHONE


def test_a_text_that_is_told_twice_is_kept_once(db):
    # Two registrations of one event: two calls with ids of their own.
    for _ in range(2):
        call(received())
    assert Reply.objects.count() == 1


def test_the_same_words_another_day_are_another_text_though_the_phone_gives_them_one_number(db):
    call(received(at="2026-01-01T09:30:00.000+02:00"))
    call(received(at="2026-01-08T09:30:00.000+02:00"))
    assert Reply.objects.count() == 2


def test_letters_that_no_database_keeps_do_not_stop_a_text(db):
    assert call(received("A\0B\ud83dC \U0001f600")).status_code == 204
    assert Reply.objects.get().body == "AB?C \U0001f600"


@pytest.fixture
def site(live_server, smsgate, settings):
    settings.PUBLIC_BASE_URL = live_server.url
    smsgate.call_for_all_events(live_server.url + PATH)
    return smsgate


@pytest.mark.django_db(transaction=True)
def test_receipts_of_a_phone_whose_clock_is_far_out_are_refused(site):
    site.behave(skew_seconds=-3600)
    texts_waiting(1)
    dispatch(clock=Clock())
    assert {told["answered"] for told in site.callbacks()} == {403}


@pytest.mark.django_db(transaction=True)
def test_a_text_that_a_patient_sends_reaches_the_site(site, live_server):
    told = site.inbound(live_server.url + PATH, sender=PHONE, body="STOP")
    assert told["answered"] == 204
    assert Reply.objects.get().body == "STOP"
