from datetime import timedelta

import pytest

from messaging.checks import check_providers
from messaging.models import ProviderState
from messaging.watches.balances import check
from tests.clock import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def warned(twilio, settings):
    settings.SMS_BALANCE_WARNING = {"twilio": 20.0}
    return twilio


def found():
    return [(finding.subject, finding.facts) for finding in check(NOW)]


def test_little_money_is_an_alarm_with_its_sum(warned):
    assert found() == [("twilio", {"amount": "12.34", "currency": "USD"})]


def test_enough_money_is_none(warned):
    warned.behave(balance="20.01")
    assert found() == []


def test_a_debt_is_an_alarm(warned):
    warned.behave(balance="-3.5")
    assert found() == [("twilio", {"amount": "-3.50", "currency": "USD"})]


def test_a_provider_is_asked_once_an_hour(warned):
    found()
    found()
    assert warned.requests()["balance"] == 1
    ProviderState.objects.update(balance_asked_at=NOW - timedelta(hours=1))
    found()
    assert warned.requests()["balance"] == 2


@pytest.mark.parametrize("trouble", [{"balance": None}, {"balance": "much"}, {"lookups": 503}])
def test_a_provider_that_does_not_tell_is_no_alarm(warned, trouble):
    warned.behave(**trouble)
    assert found() == []


def test_what_it_told_before_holds_while_it_does_not_answer(warned):
    found()
    ProviderState.objects.update(balance_asked_at=NOW - timedelta(hours=1))
    warned.behave(lookups="drop")
    assert found() == [("twilio", {"amount": "12.34", "currency": "USD"})]


def test_without_the_setting_nobody_is_asked(twilio):
    assert found() == []
    assert "balance" not in twilio.requests()


def test_a_warning_for_a_provider_that_is_not_used_is_refused_with_the_mend(settings):
    settings.SMS_PROVIDERS, settings.SMS_BALANCE_WARNING = ["console"], {"twilio": 10.0}
    [problem] = [found for found in check_providers() if found.id == "messaging.E004"]
    assert "SMS_BALANCE_WARNING" in problem.msg
