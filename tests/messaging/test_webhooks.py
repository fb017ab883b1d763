"""What Twilio calls, as it comes in over HTTP: receipts and texts."""

from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.test import Client

from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message, MessageStatus, Receipt, Reply
from tests.doubles.twilio_callbacks import signature
from tests.factories.messaging import MessageFactory
from tests.messaging.provider_calls import texts_waiting

PUBLIC = "https://reminders.example"
PATH = "/api/v1/sms/webhooks/twilio/status"
NUMBER = "SM" + "1" * 32
DELIVERED = {"MessageSid": NUMBER, "MessageStatus": "delivered", "To": "+26771234567", "AccountSid": "AC1"}
INBOUND = "/api/v1/sms/webhooks/twilio/inbound"
RECEIVED = {"MessageSid": "SM" + "2" * 32, "From": "+26771234567", "To": "+26771000000", "Body": "Ee"}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def signed_site(settings):
    settings.PUBLIC_BASE_URL = PUBLIC
    settings.TWILIO_AUTH_TOKEN = "the-token"


@pytest.fixture
def sent(db) -> Message:
    return MessageFactory(status=MessageStatus.SENT, provider="twilio", provider_message_id=NUMBER)


def call(params=DELIVERED, *, path=PATH, signed_url=None, key="the-token", **headers):
    signed = signature(signed_url or PUBLIC + path, params, key)
    client = Client(enforce_csrf_checks=True, headers={"X-Twilio-Signature": signed, **headers})
    return client.post(path, urlencode(params), content_type=FORM)


def status_of(message: Message) -> str:
    return Message.objects.get(pk=message.pk).status


@pytest.mark.parametrize("base", ["/api/v1", "/api"])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_signed_receipt_is_taken_at_every_form_of_its_address(sent, base, end):
    assert call(path=f"{base}/sms/webhooks/twilio/status{end}").status_code == 204
    assert status_of(sent) == "delivered"


def test_a_query_in_the_address_is_signed_too(sent):
    assert call(path=f"{PATH}?message={uuid4()}").status_code == 204


def test_the_public_address_counts_behind_a_proxy_and_not_the_one_that_django_sees(sent):
    assert call(signed_url=f"http://testserver{PATH}").status_code == 403
    assert status_of(sent) == "sent"


def test_a_public_address_with_a_path_of_its_own_is_signed_with_it(sent, settings):
    settings.PUBLIC_BASE_URL = f"{PUBLIC}/clinic/"
    assert call(signed_url=f"{PUBLIC}/clinic{PATH}").status_code == 204


def test_a_forged_call_is_refused_in_the_form_of_all_errors_and_changes_nothing(sent):
    answer = call(key="guessed")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert status_of(sent) == "sent"
    assert not Receipt.objects.exists()


def test_an_unsigned_call_is_refused(sent):
    assert Client().post(PATH, DELIVERED).status_code == 403
    assert status_of(sent) == "sent"


def test_a_signed_call_whose_words_were_changed_is_refused(sent):
    signed = signature(PUBLIC + PATH, {**DELIVERED, "MessageStatus": "sent"}, "the-token")
    answer = Client(headers={"X-Twilio-Signature": signed}).post(
        PATH, urlencode(DELIVERED), content_type=FORM
    )
    assert answer.status_code == 403
    assert status_of(sent) == "sent"


def test_a_site_without_a_token_believes_nobody(sent, settings):
    settings.TWILIO_AUTH_TOKEN = ""
    assert call(key="").status_code == 403


def test_a_site_without_a_public_address_believes_nobody(sent, settings):
    settings.PUBLIC_BASE_URL = ""
    assert call(signed_url=PATH).status_code == 403


def test_a_signature_of_odd_characters_is_only_wrong(sent):
    answer = Client().post(
        PATH, urlencode(DELIVERED), content_type=FORM, headers={"X-Twilio-Signature": "\u00e9"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("body", [b"\xff\xfe=\xff", b"a=1&" * 2000, b""])
def test_a_body_of_rubbish_is_refused(sent, body):
    answer = Client().post(PATH, body, content_type=FORM, headers={"X-Twilio-Signature": "x"})
    assert answer.status_code == 403


def test_a_body_that_is_too_large_is_not_read(sent):
    answer = Client().post(PATH, b"a" * 70_000, content_type=FORM, headers={"X-Twilio-Signature": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


def test_only_post_is_understood(db):
    answer = Client().get(PATH)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")


def test_a_call_about_an_unknown_message_is_answered_like_any_other(db):
    assert call().status_code == 204


@pytest.mark.parametrize(
    "params", [{"MessageSid": NUMBER}, {"MessageSid": NUMBER, "MessageStatus": "received"}]
)
def test_a_signed_call_that_is_no_receipt_changes_nothing(sent, params):
    assert call(params).status_code == 204
    assert status_of(sent) == "sent"


@pytest.mark.parametrize(
    ("code", "permanent"),
    [("30003", False), ("30005", True), ("30006", True), ("30008", False), ("21610", True)],
)
def test_an_error_of_the_receipt_says_whether_the_phone_is_of_any_use(sent, code, permanent):
    call({**DELIVERED, "MessageStatus": "undelivered", "ErrorCode": code})
    failed = Message.objects.get(pk=sent.pk)
    assert (failed.status, failed.error_code, failed.error_permanent) == ("undelivered", code, permanent)


def test_no_number_of_a_patient_is_kept_with_a_receipt(sent):
    call({**DELIVERED, "MessageStatus": "failed", "ErrorMessage": "+26771234567 is not reachable"})
    assert Receipt.objects.get().detail == "••• is not reachable"


def test_a_text_that_comes_in_is_kept_and_answered_with_no_text(db):
    answer = call(RECEIVED, path=INBOUND)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/xml")
    assert answer.content == b"<Response/>"
    reply = Reply.objects.get()
    assert (reply.provider, reply.phone, reply.body) == ("twilio", "+26771234567", "Ee")


def test_a_text_that_comes_in_twice_is_kept_once(db):
    assert {call(RECEIVED, path=INBOUND).status_code for _ in range(2)} == {200}
    assert Reply.objects.count() == 1


def test_a_forged_text_is_refused_and_not_kept(db):
    assert call(RECEIVED, path=INBOUND, key="guessed").status_code == 403
    assert not Reply.objects.exists()


def test_a_signature_for_one_address_is_none_for_the_other(db):
    assert call(RECEIVED, path=INBOUND, signed_url=PUBLIC + PATH).status_code == 403


def test_letters_that_no_database_keeps_do_not_stop_a_text(db):
    call({**RECEIVED, "Body": "A\0B"}, path=INBOUND)
    assert Reply.objects.get().body == "AB"


def test_a_signed_call_that_is_no_text_is_not_kept(db):
    assert call({"AccountSid": "AC1"}, path=INBOUND).status_code == 200
    assert not Reply.objects.exists()


def test_a_receipt_that_comes_after_a_switch_to_another_provider_is_taken(sent, settings):
    settings.SMS_PROVIDERS = ["console"]
    assert call().status_code == 204
    assert status_of(sent) == "delivered"


@pytest.fixture
def site(live_server, twilio, settings):
    settings.PUBLIC_BASE_URL = live_server.url
    return twilio


@pytest.mark.django_db(transaction=True)
def test_a_receipt_settles_a_text_whose_answer_was_lost(site):
    site.behave(rules=[{"do": "accept_then_drop"}], lookups=503, callbacks={"how": "never"})
    texts_waiting(1)
    dispatch(clock=Clock())
    assert Message.objects.get().status == "unknown"
    (taken,) = site.accepted()
    site.tell(taken["sid"], "delivered")
    settled = Message.objects.get()
    assert (settled.status, settled.provider_message_id) == ("delivered", taken["sid"])
