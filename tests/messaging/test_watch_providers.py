from datetime import timedelta

import pytest
from django.utils import timezone

from messaging.models import Breaker, ProviderState
from messaging.watches.providers import failing, in_trouble, unknown
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def providers(settings):
    settings.SMS_PROVIDERS = ["twilio", "smsgate"]


def left_alone(minutes, **fields):
    now = timezone.now()
    given = {
        "breaker": Breaker.OPEN,
        "opened_at": now - timedelta(minutes=minutes),
        "rest_until": now + timedelta(minutes=1),
        "last_error": "READ_TIMEOUT",
    }
    return ProviderState.objects.create(**{"name": "twilio", **given, **fields})


def found(check, now=NOW):
    return [(finding.kind.value, finding.subject) for finding in check(now)]


def test_a_provider_that_is_left_alone_for_ten_minutes_is_an_alarm():
    left_alone(11)
    assert found(in_trouble) == [("provider_down", "twilio")]


def test_a_provider_that_is_being_tried_is_still_in_trouble():
    left_alone(11, breaker=Breaker.HALF_OPEN)
    assert found(in_trouble) == [("provider_down", "twilio")]


def test_a_short_rest_is_no_alarm():
    left_alone(5)
    assert found(in_trouble) == []


def test_an_account_that_is_closed_does_not_wait_ten_minutes():
    left_alone(1, last_error="20003")
    assert found(in_trouble) == [("account_closed", "twilio")]


@pytest.mark.parametrize("fields", [{"pin": "leave"}, {"name": "other"}, {"breaker": Breaker.CLOSED}])
def test_a_provider_that_nobody_uses_or_that_works_again_is_no_alarm(fields):
    left_alone(30, **fields)
    assert found(in_trouble) == []


def lost(*, hours, **fields):
    claimed = timezone.now() - timedelta(hours=hours)
    return MessageFactory(
        **{"status": "unknown", "provider": "twilio", "claimed_at": claimed, "created_at": claimed, **fields}
    )


def test_a_text_of_which_nobody_can_be_asked_is_an_alarm_at_once():
    lost(hours=0, look_up_at=None)
    assert found(unknown) == [("unknown_stays", "")]


def test_a_text_that_is_asked_for_has_some_hours():
    message = lost(hours=1, look_up_at=NOW)
    assert found(unknown) == []
    message.claimed_at = timezone.now() - timedelta(hours=5)
    message.save()
    assert found(unknown) == [("unknown_stays", "")]


def test_an_unknown_text_of_last_week_calls_nobody_any_more():
    lost(hours=7 * 24, look_up_at=None)
    assert found(unknown) == []


def ended(status, count, clinic, provider="twilio"):
    sent_at = NOW - timedelta(minutes=10)
    MessageFactory.create_batch(
        count, clinic=clinic, status=status, provider=provider, created_at=sent_at, sent_at=sent_at
    )


def test_many_texts_that_come_to_nothing_with_one_provider_are_its_alarm():
    clinic = ClinicFactory()
    ended("undelivered", 5, clinic)
    ended("delivered", 18, clinic)
    ended("delivered", 20, clinic, "smsgate")
    [finding] = failing(NOW)
    assert (finding.subject, finding.facts) == ("twilio", {"count": 23, "failed": 5})


@pytest.mark.parametrize(("bad", "good"), [(5, 20), (15, 4)])
def test_a_fifth_of_them_or_too_few_are_none(bad, good):
    clinic = ClinicFactory()
    ended("failed", bad, clinic)
    ended("delivered", good, clinic)
    assert found(failing) == []


def test_what_failed_hours_ago_is_over():
    ended("failed", 30, ClinicFactory())
    assert found(failing, NOW + timedelta(hours=2)) == []
