"""What start-up says of a site that is to use a phone with SMSGate."""

import pytest

from messaging.checks import check_providers


@pytest.fixture
def configured(settings):
    settings.SMS_PROVIDERS = ["smsgate"]
    settings.SMSGATE_BASE_URL = "http://192.168.1.50:8080"
    settings.SMSGATE_USERNAME = "sms"
    settings.SMSGATE_PASSWORD = "secret"
    settings.SMSGATE_WEBHOOK_SECRET = "the-signing-key"
    settings.PUBLIC_BASE_URL = "https://reminders.example"
    return settings


def found() -> list[str | None]:
    return [problem.id for problem in check_providers()]


def test_a_complete_set_of_settings_has_no_problem(configured):
    assert found() == []


@pytest.mark.parametrize("name", ["SMSGATE_BASE_URL", "SMSGATE_USERNAME", "SMSGATE_PASSWORD"])
def test_a_missing_setting_is_named_with_its_mend(configured, name):
    setattr(configured, name, "")
    (problem,) = check_providers()
    assert problem.is_serious()
    assert name in problem.msg
    assert f"Set {name}" in problem.hint


@pytest.mark.parametrize(
    "address", ["192.168.1.50:8080", "ftp://phone", "http://", "http://phone:x", "http://["]
)
def test_an_address_of_the_phone_that_is_none_is_refused(configured, address):
    configured.SMSGATE_BASE_URL = address
    assert found() == ["messaging.E021"]


def test_without_a_public_address_start_up_warns_that_no_receipts_will_come(configured):
    configured.PUBLIC_BASE_URL = ""
    (problem,) = check_providers()
    assert not problem.is_serious()
    assert "PUBLIC_BASE_URL" in problem.msg


@pytest.mark.parametrize("secret", ["", "short"])
def test_without_a_good_secret_start_up_warns_that_nothing_from_the_phone_is_believed(configured, secret):
    configured.SMSGATE_WEBHOOK_SECRET = secret
    (problem,) = check_providers()
    assert not problem.is_serious()
    assert "SMSGATE_WEBHOOK_SECRET" in problem.msg
