"""What is wrong with the list of providers is said before the first text."""

import pytest

from messaging.checks import check_providers


def found():
    return {problem.id.removeprefix("messaging.") for problem in check_providers()}


@pytest.mark.parametrize(
    ("providers", "problems"),
    [
        ([], {"E001"}),
        (["smtp"], {"E002"}),
        (["nowhere.Provider"], {"E002"}),
        (["console", "console"], {"E003", "W001"}),
        (["console"], {"W001"}),
    ],
)
def test_a_list_of_providers_that_can_not_do_is_found(settings, providers, problems):
    settings.SMS_PROVIDERS = providers
    assert found() == problems


@pytest.mark.parametrize("setting", ["SMS_MAX_PER_SECOND", "SMS_BALANCE_WARNING"])
def test_a_number_of_a_provider_that_is_not_used_is_found(settings, setting):
    settings.DEBUG = True
    setattr(settings, setting, {"console": 1.0, "twilio": 10.0})
    [problem] = check_providers()
    assert problem.id == "messaging.E004"
    assert problem.msg.startswith(f"{setting} names 'twilio'")


def test_the_console_is_enough_to_try_the_site_out(settings):
    settings.DEBUG = True
    assert found() == set()
