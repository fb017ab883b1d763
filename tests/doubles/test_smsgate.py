"""The double is like the app: the app's own client reads it, and what the app would not take it does not."""

import socket
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import requests

from tests.doubles.smsgate import running_smsgate

client = pytest.importorskip("android_sms_gateway", reason="the lock has it: install requirements-dev.txt")

PHONE = "+26771234567"


@pytest.fixture
def app(smsgate):
    with client.APIClient(smsgate.username, smsgate.password, base_url=smsgate.base_url) as opened:
        yield opened


def message(**fields):
    return client.Message(
        **{
            "id": str(uuid4()),
            "phone_numbers": [PHONE],
            "text_message": client.domain.TextMessage("Dumela"),
            "ttl": 3600,
        }
        | fields
    )


def test_the_client_reads_what_the_double_took(app, smsgate):
    wanted = message()
    made = app.send(wanted)
    assert (made.id, made.state.value) == (wanted.id, "Pending")
    assert [(each.phone_number, each.state.value) for each in made.recipients] == [(PHONE, "Pending")]
    (taken,) = smsgate.accepted()
    assert (taken["id"], taken["body"], taken["ttl"]) == (wanted.id, "Dumela", 3600)


@pytest.mark.parametrize("state", ["pending", "processed", "sent", "delivered", "failed", "cancelled"])
def test_the_client_reads_each_state(app, smsgate, state):
    smsgate.behave(ends_as=state)
    wanted = message()
    app.send(wanted)
    found = app.get_state(wanted.id)
    assert found.state.value == state.capitalize()
    assert found.state.value in found.states


def test_a_number_that_was_never_given_is_not_found(app):
    with pytest.raises(client.errors.NotFoundError):
        app.get_state(str(uuid4()))


def test_a_number_that_the_phone_has_is_a_conflict_whatever_the_text(app, smsgate):
    wanted = message()
    app.send(wanted)
    with pytest.raises(client.errors.APIError) as raised:
        app.send(message(id=wanted.id, text_message=client.domain.TextMessage("Another")))
    assert raised.value.status_code == 409
    assert [taken["body"] for taken in smsgate.accepted()] == ["Dumela"]


def test_a_wrong_password_is_refused(smsgate):
    with (
        client.APIClient(smsgate.username, "wrong", base_url=smsgate.base_url) as stranger,
        pytest.raises(client.errors.UnauthorizedError),
    ):
        stranger.send(message())


@pytest.mark.parametrize(
    "fields",
    [
        {"phone_numbers": []},
        {"text_message": client.domain.TextMessage("")},
        {"text_message": None},
        {"ttl": 4},
        {"id": "x" * 37},
    ],
)
def test_what_the_app_would_not_take_the_double_does_not_take(app, smsgate, fields):
    with pytest.raises(client.errors.BadRequestError):
        app.send(message(**fields))
    assert smsgate.accepted() == []


def test_the_client_registers_and_lists_webhooks(app):
    event = client.enums.WebhookEvent.SMS_RECEIVED
    made = app.create_webhook(client.Webhook("one", "https://clinic.example/hook", event))
    assert app.get_webhooks() == [made]


def test_a_webhook_with_a_known_id_takes_the_others_place(app):
    event = client.enums.WebhookEvent.SMS_SENT
    for host in ("one", "two"):
        app.create_webhook(client.Webhook("one", f"https://{host}.example/", event))
    assert [hook.url for hook in app.get_webhooks()] == ["https://two.example/"]


def test_the_client_reads_a_text_that_came_in(app, smsgate):
    told = smsgate.inbound("http://127.0.0.1:9/", sender=PHONE, body="Ee")
    read = client.webhooks.SmsReceivedPayload.from_dict(told["payload"])
    assert (read.sender, read.message, told["answered"]) == (PHONE, "Ee", None)


def test_a_rule_holds_for_its_phones_and_its_number_of_times(app, smsgate):
    smsgate.behave(rules=[{"do": "error", "code": 503, "to": [PHONE], "times": 1}])
    app.send(message(phone_numbers=["+26771999999"]))
    with pytest.raises(client.errors.ServiceUnavailableError):
        app.send(message())
    app.send(message())
    assert len(smsgate.accepted()) == 2


def test_a_text_that_was_taken_is_in_the_books_though_the_connection_broke(app, smsgate):
    smsgate.behave(rules=[{"do": "accept_then_drop"}])
    wanted = message()
    with pytest.raises(requests.ConnectionError):
        app.send(wanted)
    assert [taken["id"] for taken in smsgate.accepted()] == [wanted.id]


def test_a_word_that_the_double_does_not_know_is_refused(smsgate):
    with pytest.raises(OSError, match="400"):
        smsgate.behave(slowness=3)


def test_the_double_is_gone_after_its_block():
    with running_smsgate() as double:
        address = urlsplit(double.base_url)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port))
