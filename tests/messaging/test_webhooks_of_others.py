"""A third party's provider is called back at an address made of its dotted path."""

import pytest
from django.test import Client

from messaging.models import Message, MessageStatus, Reply
from tests.factories.messaging import MessageFactory

NAME = "tests.messaging.other_providers.CalledProvider"
PATH = f"/api/v1/sms/webhooks/other/{NAME}"


def call(body: str = "", *, path=PATH, word="sesame"):
    return Client().post(path, body, content_type="text/plain", headers={"X-Word": word})


@pytest.fixture
def configured(settings, db):
    settings.SMS_PROVIDERS = ["console", NAME]


def test_its_receipts_are_taken_all_of_them(configured):
    for number in ("one", "two"):
        MessageFactory(status=MessageStatus.SENT, provider=NAME, provider_message_id=number)
    assert call("one two").status_code == 204
    assert set(Message.objects.values_list("status", flat=True)) == {"delivered"}


def test_its_texts_are_kept_under_its_name(configured):
    assert call("Ee", path=f"{PATH}/replies").status_code == 204
    reply = Reply.objects.get()
    assert (reply.provider, reply.body) == (NAME, "Ee")


def test_it_decides_whom_it_believes(configured):
    answer = call("Ee", path=f"{PATH}/replies", word="please")
    assert answer.status_code == 403
    assert not Reply.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        NAME,
        "twilio",
        "smsgate",
        "messaging.providers.twilio.TwilioProvider",
        "os.system",
        "no.such.Provider",
    ],
)
def test_what_is_not_configured_has_no_address_and_is_not_imported(settings, db, name):
    settings.SMS_PROVIDERS = ["console", "twilio"]
    answer = call(path=f"/api/v1/sms/webhooks/other/{name}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_a_provider_that_reads_no_calls_believes_nobody(settings, db):
    name = "tests.messaging.scripted_provider.ScriptedProvider"
    settings.SMS_PROVIDERS = [name]
    assert call(path=f"/api/v1/sms/webhooks/other/{name}").status_code == 403
