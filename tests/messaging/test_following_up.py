from datetime import timedelta

import pytest

from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.models import Message
from messaging.providers.base import StatusReport
from messaging.receipts import take
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.scripted_provider import ScriptedProvider, SecondProvider

pytestmark = pytest.mark.django_db(transaction=True)
SECOND = "tests.messaging.scripted_provider.SecondProvider"


@pytest.fixture(autouse=True)
def providers(settings):
    settings.SMS_PROVIDERS = ["twilio", SECOND]
    ScriptedProvider.reset()
    SecondProvider.reset()


def sent(**fields) -> Message:
    given = {
        "clinic": ClinicFactory(quiet_from=None, quiet_to=None),
        "status": "sent",
        "sent_at": NOW,
        "created_at": NOW,
        "provider": "twilio",
        "provider_message_id": "SM1",
        "expires_at": NOW + timedelta(hours=20),
    }
    return MessageFactory(**{**given, **fields})


def undelivered(message: Message, *, code="30003", status="undelivered", permanent=False) -> None:
    report = StatusReport(message.provider_message_id, status, code=code, permanent=permanent)
    take(report, provider=message.provider, now=NOW)


def follower(message: Message) -> Message | None:
    return Message.objects.filter(follows=message).first()


def test_a_phone_that_was_off_is_tried_again_later_that_day():
    first = sent()
    undelivered(first)
    again = follower(first)
    assert (again.status, again.to, again.body) == ("queued", first.to, first.body)
    assert again.send_at == NOW + timedelta(hours=2)
    assert again.next_provider == "twilio"


def test_the_next_try_begins_its_own_history_as_queued():
    first = sent()
    undelivered(first)
    assert list(follower(first).events.values_list("status", "at")) == [("queued", NOW)]


def test_the_first_text_keeps_its_end():
    first = sent()
    undelivered(first)
    first.refresh_from_db()
    assert first.status == "undelivered"


def test_the_same_news_twice_is_one_more_try():
    first = sent()
    undelivered(first)
    undelivered(first)
    assert Message.objects.count() == 2


def test_after_the_second_try_the_next_provider_has_its_turn():
    second = sent(follow_up=1)
    undelivered(second)
    assert follower(second).next_provider == SECOND
    dispatch(clock=Clock(NOW))
    assert len(SecondProvider.given) == 1


def test_after_the_last_try_it_is_left_to_a_person():
    third = sent(follow_up=2, provider=SECOND)
    undelivered(third)
    assert follower(third) is None


def test_a_route_that_is_closed_is_not_tried_twice():
    first = sent()
    undelivered(first, code="30018", status="failed")
    assert follower(first).next_provider == SECOND


def test_a_number_that_is_none_is_never_tried_again():
    first = sent()
    undelivered(first, code="30005", permanent=True)
    assert follower(first) is None


def test_shortly_before_the_visit_a_call_is_surer():
    first = sent(expires_at=NOW + timedelta(minutes=10))
    undelivered(first)
    assert follower(first) is None


def test_with_little_time_the_next_try_is_sooner():
    first = sent(expires_at=NOW + timedelta(hours=1))
    undelivered(first)
    assert follower(first).send_at == NOW + timedelta(minutes=30)
