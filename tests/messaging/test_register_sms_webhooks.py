"""The command that tells the phone where to call."""

import pytest
from django.core.management import CommandError, call_command

from messaging.providers.smsgate_registration import EVENTS
from tests.messaging.provider_calls import port_that_refuses

URL = "https://reminders.example/api/v1/sms/webhooks/smsgate"


@pytest.fixture
def public(smsgate, settings):
    settings.PUBLIC_BASE_URL = "https://reminders.example/"
    return smsgate


def run(capsys) -> str:
    call_command("register_sms_webhooks")
    return capsys.readouterr().out


def test_each_event_is_registered_once_however_often_it_is_run(public, capsys):
    run(capsys)
    assert "registered already" in run(capsys)
    assert sorted((hook["event"], hook["url"]) for hook in public.webhooks()) == sorted(
        (event, URL) for event in EVENTS
    )
    assert public.requests()["register"] == len(EVENTS)


def test_a_new_address_takes_the_place_of_the_old_one(public, settings, capsys):
    run(capsys)
    settings.PUBLIC_BASE_URL = "https://other.example"
    run(capsys)
    assert {hook["url"] for hook in public.webhooks()} == {
        "https://other.example/api/v1/sms/webhooks/smsgate"
    }


def test_with_twilio_beside_it_the_person_is_told_its_address_for_replies(public, settings, capsys):
    settings.SMS_PROVIDERS = ["twilio", "smsgate"]
    assert "https://reminders.example/api/v1/sms/webhooks/twilio/inbound" in run(capsys)


@pytest.mark.parametrize(
    "name",
    [
        "PUBLIC_BASE_URL",
        "SMSGATE_BASE_URL",
        "SMSGATE_USERNAME",
        "SMSGATE_PASSWORD",
        "SMSGATE_WEBHOOK_SECRET",
    ],
)
def test_a_setting_that_is_missing_is_named(public, settings, name):
    setattr(settings, name, "")
    with pytest.raises(CommandError, match=name):
        call_command("register_sms_webhooks")
    assert public.webhooks() == []


def test_an_address_that_the_app_would_not_call_is_refused_here(public, settings):
    settings.PUBLIC_BASE_URL = "http://reminders.example"
    with pytest.raises(CommandError, match="https://"):
        call_command("register_sms_webhooks")


def test_a_wrong_password_is_told_in_words(public, settings):
    settings.SMSGATE_PASSWORD = "another"
    with pytest.raises(CommandError, match="SMSGATE_PASSWORD"):
        call_command("register_sms_webhooks")


def test_a_phone_that_is_off_is_told_in_words(public, settings):
    with port_that_refuses() as port:
        settings.SMSGATE_BASE_URL = f"http://127.0.0.1:{port}"
        with pytest.raises(CommandError, match="Is the app running"):
            call_command("register_sms_webhooks")


def test_an_address_that_is_no_phones_is_told_in_words(public, settings):
    settings.SMSGATE_BASE_URL = f"{public.base_url}/elsewhere"
    with pytest.raises(CommandError, match="HTTP 404"):
        call_command("register_sms_webhooks")
