from datetime import timedelta

import pytest

from accounts.audit import SYSTEM
from accounts.models import AuditEntry
from common.clock import Clock
from messaging import breaker
from messaging.breaker import Health, allowance, begin_trial, learn
from messaging.dispatch import dispatch
from messaging.models import Breaker, Message, Pin, ProviderState
from messaging.providers.base import Outcome, Result
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.scripted_provider import ScriptedProvider, SecondProvider

FIRST = "tests.messaging.scripted_provider.ScriptedProvider"
SECOND = "tests.messaging.scripted_provider.SecondProvider"
WELL, BAD, CLOSED = (Health.WELL, ""), (Health.TROUBLED, "READ_TIMEOUT"), (Health.CLOSED, "20003")
TRANSIENT = Outcome(Result.TRANSIENT)


def state(**fields) -> ProviderState:
    return ProviderState(name="twilio", **fields)


def after(provider_state: ProviderState, *answers, at=NOW) -> ProviderState:
    learn(provider_state, answers, at)
    return provider_state


def test_a_few_troubles_among_many_answers_change_nothing():
    found = after(state(), *[WELL] * 70, *[BAD] * 30)
    assert allowance(found, NOW) is None


def test_trouble_of_fewer_answers_than_the_minimum_changes_nothing():
    assert after(state(), *[BAD] * (breaker.MINIMUM - 1)).breaker == Breaker.CLOSED


def test_a_provider_in_trouble_is_left_alone():
    found = after(state(), *[BAD] * breaker.MINIMUM)
    assert (found.breaker, allowance(found, NOW), found.last_error) == ("open", 0, "READ_TIMEOUT")


def test_good_answers_never_have_a_provider_left_alone():
    found = after(state(), *[BAD] * (breaker.MINIMUM - 1))
    assert after(found, WELL).breaker == Breaker.CLOSED


def test_an_account_that_is_closed_needs_no_second_answer():
    assert allowance(after(state(), WELL, CLOSED), NOW) == 0


def test_after_its_rest_it_is_tried_with_one_text_by_one_worker():
    found = after(state(), CLOSED)
    later = NOW + breaker.FIRST_REST
    assert allowance(found, later) == 1
    begin_trial(found, later)
    assert allowance(found, later) == 0


def test_a_trial_whose_worker_died_does_not_block_the_next():
    found = after(state(), CLOSED)
    begin_trial(found, NOW)
    assert allowance(found, NOW + breaker.TRIAL) == 1


def test_a_good_trial_closes_it_and_a_bad_one_lets_it_rest_longer():
    found = after(state(), CLOSED)
    begin_trial(found, NOW)
    after(found, BAD)
    assert found.rest_until == NOW + 2 * breaker.FIRST_REST
    begin_trial(found, NOW)
    assert (after(found, WELL).breaker, found.trips) == (Breaker.CLOSED, 0)


def test_answers_to_what_was_on_its_way_when_it_opened_do_not_lengthen_the_rest():
    found = after(state(), CLOSED)
    assert after(found, *[BAD] * 100).rest_until == NOW + breaker.FIRST_REST


def test_the_rest_has_a_longest():
    found = state()
    for _number in range(20):
        after(found, CLOSED)
        begin_trial(found, NOW)
    after(found, CLOSED)
    assert found.rest_until == NOW + breaker.LONGEST_REST


def test_old_answers_weigh_less():
    found = after(state(), *[WELL] * 200)
    for minutes in range(2, 12, 2):
        after(found, BAD, at=NOW + timedelta(minutes=minutes))
    after(found, *[BAD] * 18, at=NOW + timedelta(minutes=11))
    assert found.breaker == Breaker.OPEN


def test_the_share_of_trouble_that_is_too_much_is_reached_exactly():
    answers = [*[WELL] * 8, *[BAD] * 12]
    assert after(state(), *answers).breaker == Breaker.OPEN
    assert after(state(), *answers[:-1], WELL).breaker == Breaker.CLOSED


def test_answers_are_counted_over_several_batches():
    found = after(state(), *[BAD] * 10)
    assert (found.answers, found.troubles, found.halved_at) == (10, 10, NOW)
    after(found, *[BAD] * 5, *[WELL] * 4, at=NOW + timedelta(minutes=1))
    assert (found.answers, found.troubles, found.halved_at, found.breaker) == (19, 15, NOW, "closed")
    later = NOW + breaker.HALVE_AFTER
    after(found, WELL, at=later)
    assert (found.answers, found.troubles, found.halved_at) == (19 // 2 + 1, 15 // 2, later)


def test_answers_that_say_nothing_are_not_counted():
    found = after(state(last_error="old"), (Health.SILENT, "NOT_STARTED"))
    assert (found.answers, found.last_error) == (0, "old")
    after(found, (Health.SILENT, "NOT_STARTED"), WELL)
    assert (found.answers, found.last_error) == (1, "old")


def test_the_last_trouble_is_kept_in_as_many_letters_as_there_is_room_for():
    found = after(state(), BAD, (Health.TROUBLED, "x" * 41), WELL)
    assert found.last_error == "x" * 40


def test_while_it_rests_only_its_time_counts():
    found = after(state(), CLOSED)
    assert (allowance(found, NOW), found.opened_at, found.trips) == (0, NOW, 1)
    assert allowance(found, found.rest_until - timedelta(seconds=1)) == 0
    assert allowance(state(breaker="open"), NOW) == 1
    after(found, *[WELL] * 30)
    assert found.breaker == Breaker.OPEN


def test_since_when_it_is_left_alone_is_since_the_first_trouble():
    found = after(state(), CLOSED)
    begin_trial(found, NOW)
    after(found, BAD, at=NOW + timedelta(minutes=1))
    assert (found.opened_at, found.trips, found.answers) == (NOW, 2, 0)
    begin_trial(found, NOW)
    after(found, WELL)
    assert (found.opened_at, found.rest_until, found.answers, found.troubles) == (None, None, 0, 0)


def test_a_provider_in_trouble_begins_its_next_count_with_nothing():
    found = after(state(), *[BAD] * breaker.MINIMUM)
    assert (found.answers, found.troubles) == (0, 0)


def test_what_was_never_started_says_nothing_of_the_provider():
    outcome = Outcome(Result.TRANSIENT, code="NOT_STARTED")
    assert breaker.health(ScriptedProvider, outcome) is Health.SILENT


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(Result.ACCEPTED), Health.WELL),
        (Outcome(Result.PERMANENT, code="21211"), Health.WELL),
        (Outcome(Result.ROUTE, code="21612"), Health.WELL),
        (Outcome(Result.ROUTE, code="CONNECTION_REFUSED"), Health.TROUBLED),
        (Outcome(Result.UNKNOWN, code="HTTP_503"), Health.TROUBLED),
        (Outcome(Result.CONFIGURATION, code="HTTP_401"), Health.CLOSED),
    ],
)
def test_a_refusal_of_one_text_is_no_trouble_of_the_provider(outcome, expected):
    assert breaker.health(ScriptedProvider, outcome) is expected


@pytest.fixture
def providers(settings):
    settings.SMS_PROVIDERS = [FIRST, SECOND]
    ScriptedProvider.reset()
    SecondProvider.reset()


@pytest.fixture
def clinic(transactional_db):
    return ClinicFactory(quiet_from=None, quiet_to=None)


def rest(name: str, *, until=NOW + timedelta(hours=1)) -> None:
    ProviderState.objects.create(name=name, breaker="open", rest_until=until, trips=1, opened_at=NOW)


def test_while_the_first_rests_the_next_one_sends(providers, clinic):
    rest(FIRST)
    MessageFactory(clinic=clinic, created_at=NOW)
    dispatch(clock=Clock(NOW))
    assert (len(ScriptedProvider.given), len(SecondProvider.given)) == (0, 1)


def test_while_all_rest_texts_wait_and_no_attempt_is_lost(providers, clinic):
    rest(FIRST)
    rest(SECOND)
    MessageFactory(clinic=clinic, created_at=NOW)
    dispatch(clock=Clock(NOW))
    waiting = Message.objects.get()
    assert (waiting.status, waiting.attempts) == ("queued", 0)


def test_a_provider_that_has_rested_gets_one_text_and_the_others_go_elsewhere(providers, clinic):
    rest(FIRST, until=NOW - timedelta(seconds=1))
    for _number in range(5):
        message = MessageFactory(clinic=clinic, created_at=NOW)
        ScriptedProvider.answers[message.to] = Outcome(Result.UNKNOWN, code="READ_TIMEOUT")
    dispatch(clock=Clock(NOW))
    assert (len(ScriptedProvider.given), len(SecondProvider.given)) == (1, 4)


def test_a_provider_that_answers_again_is_used_again(providers, clinic):
    rest(FIRST, until=NOW - timedelta(seconds=1))
    MessageFactory(clinic=clinic, created_at=NOW)
    dispatch(clock=Clock(NOW))
    assert ProviderState.objects.get(name=FIRST).breaker == Breaker.CLOSED


def test_a_closed_account_stops_all_its_texts_after_the_first_answers(providers, clinic):
    for _number in range(200):
        message = MessageFactory(clinic=clinic, created_at=NOW)
        ScriptedProvider.answers[message.to] = Outcome(Result.CONFIGURATION, code="HTTP_401")
    ScriptedProvider.in_flight = 4
    try:
        dispatch(clock=Clock(NOW))
    finally:
        del ScriptedProvider.in_flight
    assert len(ScriptedProvider.given) < 100
    assert Message.objects.filter(status="sent", provider=SECOND).count() == 200


def test_an_administrator_can_take_a_provider_out_of_use_and_back(providers, clinic):
    breaker.pin(FIRST, Pin.LEAVE, actor=SYSTEM, now=NOW)
    MessageFactory(clinic=clinic, created_at=NOW)
    dispatch(clock=Clock(NOW))
    breaker.pin(FIRST, Pin.NONE, actor=SYSTEM, now=NOW)
    MessageFactory(clinic=clinic, created_at=NOW)
    dispatch(clock=Clock(NOW))
    assert (len(ScriptedProvider.given), len(SecondProvider.given)) == (1, 1)
    told = AuditEntry.objects.order_by("pk").values_list("action", "object_type", "changes")
    assert list(told) == [
        ("pinned", "messaging.providerstate", {"pin": before_and_after})
        for before_and_after in (["", "leave"], ["leave", ""])
    ]


def test_a_provider_that_is_pinned_is_used_however_troubled(providers, clinic):
    rest(FIRST)
    breaker.pin(FIRST, Pin.USE, actor=SYSTEM, now=NOW)
    MessageFactory(clinic=clinic, created_at=NOW)
    dispatch(clock=Clock(NOW))
    assert len(ScriptedProvider.given) == 1
