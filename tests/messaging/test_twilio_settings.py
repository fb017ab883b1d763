"""What start-up says of a site that is to use Twilio."""

import pytest

from messaging.checks import check_providers


@pytest.fixture
def configured(settings):
    settings.SMS_PROVIDERS = ["twilio"]
    settings.TWILIO_ACCOUNT_SID = "AC" + "0" * 32
    settings.TWILIO_AUTH_TOKEN = "secret"
    settings.TWILIO_FROM = "Clinic"
    settings.TWILIO_MESSAGING_SERVICE_SID = ""
    settings.PUBLIC_BASE_URL = "https://reminders.example"
    return settings


def found() -> list[str | None]:
    return [problem.id for problem in check_providers()]


def test_a_complete_set_of_settings_has_no_problem(configured):
    assert found() == []


def test_without_twilio_its_settings_are_not_asked_for(settings):
    settings.SMS_PROVIDERS = ["tests.messaging.scripted_provider.ScriptedProvider"]
    assert found() == []


@pytest.mark.parametrize("name", ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"])
def test_a_missing_setting_is_named_with_its_mend(configured, name):
    setattr(configured, name, "")
    (problem,) = check_providers()
    assert name in problem.msg
    assert f"Set {name}" in problem.hint


@pytest.mark.parametrize(("sender", "service"), [("", ""), ("Clinic", "MG1")])
def test_exactly_one_kind_of_sender_is_needed(configured, sender, service):
    configured.TWILIO_FROM, configured.TWILIO_MESSAGING_SERVICE_SID = sender, service
    (problem,) = check_providers()
    assert problem.is_serious()
    assert "TWILIO_FROM" in problem.msg
    assert "TWILIO_MESSAGING_SERVICE_SID" in problem.msg


@pytest.mark.parametrize(
    "sender", ["Clinic", "Clinic 24", "ElevenChars", "+26771234567", "26771234567", "12345"]
)
def test_a_sender_that_phones_can_show_is_taken(configured, sender):
    configured.TWILIO_FROM = sender
    assert found() == []


@pytest.mark.parametrize("sender", ["TwelveLetter", "Clínica", "Clinic!", "+2677123456789012"])
def test_a_sender_that_no_phone_can_show_is_refused(configured, sender):
    configured.TWILIO_FROM = sender
    assert found() == ["messaging.E012"]


def test_an_address_of_the_api_that_is_none_is_refused(configured):
    configured.TWILIO_API_BASE_URL = "api.twilio.com"
    assert found() == ["messaging.E013"]


def test_without_a_public_address_start_up_warns_that_no_receipts_will_come(configured):
    configured.PUBLIC_BASE_URL = ""
    (problem,) = check_providers()
    assert not problem.is_serious()
    assert "PUBLIC_BASE_URL" in problem.msg
