from datetime import timedelta

import pytest

from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message, MessageStatus
from messaging.providers.base import Outcome, Result
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.scripted_provider import ScriptedProvider, SecondProvider

pytestmark = pytest.mark.django_db(transaction=True)
FIRST = "tests.messaging.scripted_provider.ScriptedProvider"
SECOND = "tests.messaging.scripted_provider.SecondProvider"


@pytest.fixture(autouse=True)
def providers(settings):
    settings.SMS_PROVIDERS = [FIRST, SECOND]
    ScriptedProvider.reset()
    SecondProvider.reset()


@pytest.fixture
def message():
    return MessageFactory(clinic=ClinicFactory(quiet_from=None, quiet_to=None), created_at=NOW)


def stored(message):
    return Message.objects.get(pk=message.pk)


@pytest.mark.parametrize("result", [Result.ROUTE, Result.CONFIGURATION])
def test_trouble_of_a_provider_or_its_route_hands_the_text_to_the_next_one_at_once(message, result):
    ScriptedProvider.answers[message.to] = Outcome(result)
    dispatch(clock=Clock(NOW))
    assert (len(ScriptedProvider.given), len(SecondProvider.given)) == (1, 1)
    assert (stored(message).status, stored(message).provider) == ("sent", SECOND)


@pytest.mark.parametrize("result", [Result.PERMANENT, Result.UNKNOWN])
def test_a_bad_number_or_an_unknown_fate_never_goes_to_the_next_one(message, result):
    ScriptedProvider.answers[message.to] = Outcome(result)
    dispatch(clock=Clock(NOW))
    assert SecondProvider.given == []


def test_after_the_last_one_it_waits_and_begins_with_the_first_again(message):
    ScriptedProvider.answers[message.to] = Outcome(Result.ROUTE)
    SecondProvider.answers[message.to] = Outcome(Result.ROUTE)
    dispatch(clock=Clock(NOW))
    assert stored(message).status == MessageStatus.QUEUED
    assert stored(message).send_at > NOW
    ScriptedProvider.answers.clear()
    dispatch(clock=Clock(NOW + timedelta(hours=1)))
    assert (stored(message).status, stored(message).provider) == ("sent", FIRST)


def test_a_provider_that_is_configured_no_more_is_not_waited_for(message, settings):
    Message.objects.update(next_provider=SECOND)
    settings.SMS_PROVIDERS = [FIRST]
    dispatch(clock=Clock(NOW))
    assert stored(message).provider == FIRST
