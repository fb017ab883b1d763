from datetime import timedelta

import pytest
from django.utils import timezone

from common.clock import Clock
from messaging import pace
from messaging.dispatch import dispatch
from messaging.models import Message, ProviderState
from messaging.providers.base import Outcome, Result
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.scripted_provider import ScriptedProvider

FIRST = "tests.messaging.scripted_provider.ScriptedProvider"


def state(**fields) -> ProviderState:
    return ProviderState(name="phone", **fields)


@pytest.fixture
def ten_a_second(settings):
    settings.SMS_MAX_PER_SECOND = {"phone": 10.0}


def test_without_a_rate_there_is_no_limit():
    found = state()
    assert pace.places(found, NOW) is None
    assert pace.give_moments(found, 3, NOW) == [NOW] * 3


def test_each_text_gets_a_moment_of_its_own(ten_a_second):
    found = state()
    moments = pace.give_moments(found, 3, NOW) + pace.give_moments(found, 1, NOW)
    assert [(moment - NOW).total_seconds() for moment in moments] == [0, 0.1, 0.2, 0.3]


def test_moments_are_given_away_for_two_seconds_at_most(ten_a_second):
    found = state()
    assert pace.places(found, NOW) == 20
    pace.give_moments(found, 20, NOW)
    assert pace.places(found, NOW) == 0
    assert pace.places(found, NOW + timedelta(seconds=1)) == 10


def test_moments_that_nobody_used_are_not_saved_up(ten_a_second):
    found = state(next_slot_at=NOW - timedelta(hours=1))
    assert pace.places(found, NOW) == 20


def test_a_phone_that_is_slower_than_the_outlook_has_its_moment_too(settings):
    settings.SMS_MAX_PER_SECOND = {"phone": 0.2}
    found = state()
    assert pace.places(found, NOW) == 1
    pace.give_moments(found, 1, NOW)
    assert pace.places(found, NOW + timedelta(seconds=4)) == 0
    assert pace.places(found, NOW + timedelta(seconds=5)) == 1


def test_too_many_slows_down_and_no_refusal_lets_it_rise_again():
    found = state(answers=1000, halved_at=NOW - timedelta(seconds=10))
    pace.learn(found, taken=50, refused=50, retry_after=None, now=NOW)
    slow = found.pace
    assert slow < 100
    pace.learn(found, taken=50, refused=0, retry_after=None, now=NOW + timedelta(seconds=10))
    assert slow < found.pace < 100


def test_one_crowd_of_refusals_slows_down_once():
    found = state(answers=1000, halved_at=NOW - timedelta(seconds=10))
    pace.learn(found, taken=0, refused=50, retry_after=None, now=NOW)
    slow = found.pace
    pace.learn(found, taken=0, refused=50, retry_after=None, now=NOW + timedelta(seconds=1))
    assert found.pace == slow


def test_the_wait_that_a_provider_asks_for_holds_for_all():
    found = state()
    pace.learn(found, taken=0, refused=1, retry_after=timedelta(seconds=30), now=NOW)
    assert pace.places(found, NOW + timedelta(seconds=27)) == 0
    assert pace.places(found, NOW + timedelta(seconds=30)) > 0


@pytest.mark.django_db(transaction=True)
def test_being_too_fast_costs_a_text_no_attempt(settings):
    settings.SMS_PROVIDERS = [FIRST]
    ScriptedProvider.reset()
    queued = MessageFactory(clinic=ClinicFactory(quiet_from=None, quiet_to=None), created_at=NOW)
    ScriptedProvider.answers[queued.to] = Outcome(Result.TRANSIENT, code="HTTP_429")
    dispatch(clock=Clock(NOW))
    waiting = Message.objects.get()
    assert (waiting.status, waiting.attempts) == ("queued", 0)
    assert NOW < waiting.send_at <= NOW + timedelta(seconds=10)


@pytest.mark.django_db(transaction=True)
def test_a_pass_sends_no_faster_than_the_rate(settings):
    settings.SMS_PROVIDERS = [FIRST]
    settings.SMS_MAX_PER_SECOND = {FIRST: 20.0}
    ScriptedProvider.reset()
    clinic = ClinicFactory(quiet_from=None, quiet_to=None)
    sent_at = []
    ScriptedProvider.meanwhile = staticmethod(lambda: sent_at.append(timezone.now()))
    for _number in range(50):
        MessageFactory(clinic=clinic, created_at=NOW)
    start = timezone.now()
    dispatch(clock=Clock(NOW))
    # However slow this machine: none leaves before its moment.
    assert len(sent_at) == 50
    early = [at for number, at in enumerate(sent_at) if at < start + timedelta(seconds=number / 20 - 0.01)]
    assert early == []


def test_the_slower_of_what_is_set_and_what_is_taken_holds(ten_a_second):
    assert pace.rate(state()) == 10
    assert pace.rate(state(pace=4)) == 4
    assert pace.rate(state(pace=40)) == 10


def test_a_pause_stops_a_provider_without_a_rate_only_beyond_the_outlook():
    assert pace.places(state(next_slot_at=NOW + pace.AHEAD), NOW) is None
    assert pace.places(state(next_slot_at=NOW + pace.AHEAD + timedelta(seconds=1)), NOW) == 0


def test_texts_of_a_provider_that_pauses_leave_when_the_pause_is_over():
    over = NOW + timedelta(seconds=1)
    assert pace.give_moments(state(next_slot_at=over), 2, NOW) == [over, over]


def test_a_place_taken_in_the_past_does_not_make_a_text_leave_in_the_past(ten_a_second):
    found = state(next_slot_at=NOW - timedelta(seconds=5))
    assert pace.give_moments(found, 1, NOW) == [NOW]
    assert found.next_slot_at == NOW + timedelta(seconds=0.1)


def test_too_many_without_a_wait_asked_for_is_a_pause_of_a_second():
    found = state()
    pace.learn(found, taken=1, refused=1, retry_after=None, now=NOW)
    assert found.next_slot_at == NOW + timedelta(seconds=1)


def test_a_pause_is_never_shortened():
    later = NOW + timedelta(minutes=5)
    found = state(next_slot_at=later)
    pace.learn(found, taken=0, refused=1, retry_after=timedelta(seconds=3), now=NOW)
    assert found.next_slot_at == later


@pytest.mark.parametrize(
    ("taken", "refused", "expected"),
    [(75, 25, 100 * 0.75 * 0.95), (10, 90, 100 * 0.5 * 0.95), (50, 50, 100 * 0.5 * 0.95)],
)
def test_the_pace_falls_to_just_under_the_share_that_was_taken_but_not_under_half(taken, refused, expected):
    found = state(answers=1000, halved_at=NOW - timedelta(seconds=10))
    pace.learn(found, taken=taken, refused=refused, retry_after=None, now=NOW)
    assert found.pace == pytest.approx(expected)
    assert found.paced_at == NOW


def test_a_known_pace_falls_from_where_it_is():
    found = state(
        pace=8, paced_at=NOW - pace.FALLS_EVERY, answers=1000, halved_at=NOW - timedelta(seconds=10)
    )
    pace.learn(found, taken=3, refused=1, retry_after=None, now=NOW)
    assert found.pace == pytest.approx(8 * 0.75 * 0.95)


def test_the_pace_never_falls_under_the_slowest():
    found = state(pace=0.6)
    pace.learn(found, taken=0, refused=1, retry_after=None, now=NOW)
    assert found.pace == pace.SLOWEST


def test_who_has_hardly_been_asked_counts_as_one_text_a_second():
    found = state()
    pace.learn(found, taken=3, refused=1, retry_after=None, now=NOW)
    assert found.pace == pytest.approx(0.75 * 0.95)
    just_begun = state(answers=40, halved_at=NOW)
    pace.learn(just_begun, taken=3, refused=1, retry_after=None, now=NOW)
    assert just_begun.pace == pytest.approx(40 * 0.75 * 0.95)


def test_the_pace_rises_by_the_second_for_half_a_minute_at_most():
    for seconds, counted in ((2, 2), (30, 30), (100, 30)):
        found = state(pace=10, paced_at=NOW)
        later = NOW + timedelta(seconds=seconds)
        pace.learn(found, taken=1, refused=0, retry_after=None, now=later)
        assert found.pace == pytest.approx(10 * pace.RISE_A_SECOND**counted)
        assert found.paced_at == later


def test_the_pace_does_not_rise_too_often_nor_by_answers_that_took_nothing():
    found = state(pace=10, paced_at=NOW)
    pace.learn(found, taken=1, refused=0, retry_after=None, now=NOW + timedelta(seconds=1.9))
    pace.learn(found, taken=0, refused=0, retry_after=None, now=NOW + timedelta(seconds=30))
    assert (found.pace, found.paced_at) == (10, NOW)


def test_the_pace_has_a_top():
    found = state(pace=9_999, paced_at=NOW)
    pace.learn(found, taken=1, refused=0, retry_after=None, now=NOW + timedelta(seconds=30))
    assert found.pace == 10_000


def test_a_pace_of_long_ago_is_forgotten():
    found = state(pace=3, paced_at=NOW)
    pace.learn(found, taken=1, refused=0, retry_after=None, now=NOW + pace.FORGOTTEN_AFTER)
    assert found.pace is not None
    found = state(pace=3, paced_at=NOW)
    later = NOW + pace.FORGOTTEN_AFTER + timedelta(seconds=1)
    pace.learn(found, taken=1, refused=0, retry_after=None, now=later)
    assert (found.pace, found.paced_at) == (None, None)
