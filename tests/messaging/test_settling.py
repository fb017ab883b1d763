from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from common.ids import new_id
from messaging.claiming import LEASE
from messaging.models import Message, MessageEvent, MessageStatus, OptOut, ProviderState
from messaging.providers.base import Outcome, Provider, Result
from messaging.sending import Parcel, ProviderAnswer, text_of
from messaging.settling import FIRST_WAIT, LONGEST_WAIT, settle, wait_after
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory, ReplyFactory
from tests.messaging.scripted_provider import ScriptedProvider, SecondProvider

pytestmark = pytest.mark.django_db
FIRST = "tests.messaging.scripted_provider.ScriptedProvider"
SECOND = "tests.messaging.scripted_provider.SecondProvider"
TRANSIENT = Outcome(Result.TRANSIENT, code="HTTP_500", message="try later")


@pytest.fixture(autouse=True)
def providers(settings):
    settings.SMS_PROVIDERS = [FIRST, SECOND]
    ScriptedProvider.reset()
    SecondProvider.reset()


@pytest.fixture
def clinic():
    return ClinicFactory(quiet_from=None, quiet_to=None)


def claimed(clinic, **fields: Any) -> Message:
    given = {
        "status": MessageStatus.SENDING,
        "claim": new_id(),
        "claimed_at": NOW,
        "lease_expires_at": NOW + LEASE,
        "provider": FIRST,
        "attempts": 1,
        "created_at": NOW,
    }
    message = MessageFactory(clinic=clinic, **{**given, **fields})
    return Message.objects.select_related("clinic").get(pk=message.pk)


def answer(message: Message, outcome: Outcome) -> ProviderAnswer:
    return ProviderAnswer(Parcel(message, message.claim, NOW, NOW, text_of(message, NOW)), outcome)


def settled(message: Message, outcome: Outcome) -> Message:
    settle([answer(message, outcome)], now=NOW, tally=Counter())
    return Message.objects.get(pk=message.pk)


def test_an_accepted_text_keeps_the_providers_number_and_no_old_error(clinic):
    message = claimed(clinic, error_code="HTTP_500", error_message="try later", error_permanent=True)
    stored = settled(message, Outcome(Result.ACCEPTED, provider_message_id="S1", code="0", message="fine"))
    assert (stored.status, stored.provider_message_id, stored.sent_at) == ("sent", "S1", NOW)
    assert (stored.error_code, stored.error_message, stored.error_permanent) == ("", "", False)
    assert stored.updated_at == NOW


def test_the_caller_sees_the_answer_on_the_message_itself(clinic):
    message = claimed(clinic)
    settled(message, Outcome(Result.ACCEPTED, provider_message_id="S1", code="0", message="fine"))
    assert (message.status, message.sent_at, message.provider_message_id) == ("sent", NOW, "S1")
    assert (message.error_code, message.error_message) == ("", "")


def test_each_of_many_accepted_texts_gets_its_own_number(clinic):
    texts = [claimed(clinic), claimed(clinic), claimed(clinic, provider=SECOND)]
    answers = [answer(t, Outcome(Result.ACCEPTED, provider_message_id=f"S-{t.to}")) for t in texts]
    settle(answers, now=NOW, tally=Counter())
    stored = Message.objects.values_list("provider_message_id", flat=True)
    assert sorted(stored) == sorted(f"S-{text.to}" for text in texts)


def test_a_providers_words_are_cut_to_what_there_is_room_for(clinic):
    long = Outcome(Result.PERMANENT, code="c" * 41, message="m" * 301)
    stored = settled(claimed(clinic), long)
    assert (stored.error_code, stored.error_message) == ("c" * 40, "m" * 300)
    taken = settled(claimed(clinic), Outcome(Result.ACCEPTED, provider_message_id="n" * 101))
    assert taken.provider_message_id == "n" * 100


def test_only_a_permanent_refusal_is_kept_as_permanent(clinic):
    assert settled(claimed(clinic), Outcome(Result.PERMANENT)).error_permanent
    assert not settled(claimed(clinic, error_permanent=True), TRANSIENT).error_permanent


def test_the_last_attempt_that_is_refused_is_the_end(clinic):
    before_last = settled(claimed(clinic, attempts=Provider.most_attempts - 1), TRANSIENT)
    last = settled(claimed(clinic, attempts=Provider.most_attempts), TRANSIENT)
    assert (before_last.status, last.status) == ("queued", "failed")
    assert (last.error_code, last.error_message) == ("HTTP_500", "try later")


def test_a_text_that_was_never_started_is_due_at_once_and_has_lost_no_attempt(clinic):
    stored = settled(claimed(clinic, attempts=3), Outcome(Result.TRANSIENT, code="NOT_STARTED"))
    assert (stored.status, stored.attempts, stored.send_at) == ("queued", 2, NOW)


def test_too_fast_is_only_what_is_to_be_tried_again(clinic):
    stored = settled(claimed(clinic), Outcome(Result.PERMANENT, code="HTTP_429"))
    assert (stored.status, stored.attempts) == ("failed", 1)
    elsewhere = settled(claimed(clinic), Outcome(Result.ROUTE, code="HTTP_429"))
    assert (elsewhere.attempts, elsewhere.next_provider) == (1, SECOND)


def test_what_is_only_not_taken_now_stays_with_its_provider(clinic):
    stored = settled(claimed(clinic, next_provider=""), TRANSIENT)
    assert stored.next_provider == FIRST
    assert timedelta(seconds=24) <= stored.send_at - NOW <= timedelta(seconds=36)


def test_what_is_not_taken_for_the_third_time_goes_to_the_next_provider_at_once(clinic):
    second, third = (settled(claimed(clinic, attempts=tries), TRANSIENT) for tries in (2, 3))
    assert (second.next_provider, third.next_provider) == (FIRST, SECOND)
    assert second.send_at > NOW == third.send_at


def test_after_the_last_provider_the_first_has_its_turn_again_after_a_wait(clinic):
    stored = settled(claimed(clinic, provider=SECOND, attempts=4), TRANSIENT)
    assert stored.next_provider == ""
    assert stored.send_at > NOW


def test_the_wait_that_one_provider_asks_for_is_nothing_to_the_next(clinic):
    stored = settled(claimed(clinic), Outcome(Result.ROUTE, retry_after=timedelta(hours=2)))
    assert (stored.next_provider, stored.send_at) == (SECOND, NOW)


def test_after_the_last_provider_the_first_is_next_and_the_wait_asked_for_counts(clinic):
    outcome = Outcome(Result.ROUTE, retry_after=timedelta(hours=2))
    stored = settled(claimed(clinic, provider=SECOND, next_provider=SECOND), outcome)
    assert (stored.next_provider, stored.send_at) == ("", NOW + timedelta(hours=2))


def test_a_wait_shorter_than_our_own_is_not_shortened(clinic):
    stored = settled(claimed(clinic), Outcome(Result.TRANSIENT, retry_after=timedelta(seconds=1)))
    assert stored.send_at - NOW >= timedelta(seconds=24)


def test_a_text_of_no_use_by_the_time_of_its_next_try_fails(clinic):
    wait = timedelta(hours=2)
    outcome = Outcome(Result.TRANSIENT, retry_after=wait)
    at_its_end = settled(claimed(clinic, expires_at=NOW + wait), outcome)
    in_time = settled(claimed(clinic, expires_at=NOW + wait + timedelta(seconds=1)), outcome)
    assert (at_its_end.status, in_time.status) == ("failed", "queued")


def test_waits_double_up_to_an_hour():
    for attempts in range(1, 12):
        middle = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
        assert 0.8 * middle <= wait_after(attempts) <= 1.2 * middle
    assert len({wait_after(3) for _number in range(20)}) > 1


def test_the_goodbye_that_a_provider_says_itself_is_suppressed_here(clinic):
    reply = ReplyFactory(clinic=clinic)
    goodbye = claimed(clinic, answers=reply)
    stored = settled(goodbye, Outcome(Result.PERMANENT, code="21610", opted_out=True))
    assert stored.status == MessageStatus.SUPPRESSED
    plain = settled(claimed(clinic), Outcome(Result.PERMANENT, code="21610", opted_out=True))
    assert plain.status == MessageStatus.FAILED


def test_an_opt_out_that_the_provider_heard_is_written_with_its_source(clinic):
    message = claimed(clinic)
    settled(message, Outcome(Result.PERMANENT, code="21610", opted_out=True))
    found = OptOut.objects.get(phone=message.to)
    assert (found.source, found.opted_out_at) == ("provider", NOW)


def test_settling_says_whether_some_are_due_again_at_once(clinic):
    at_once = [answer(claimed(clinic), Outcome(Result.ROUTE))]
    later = [answer(claimed(clinic), TRANSIENT)]
    done = [answer(claimed(clinic), Outcome(Result.ACCEPTED, provider_message_id="S1"))]
    assert [settle(a, now=NOW, tally=Counter()) for a in (at_once, later, done)] == [True, False, False]


def test_the_tally_says_what_became_of_the_texts(clinic):
    tally: Counter[str] = Counter(sent=5)
    outcomes = [Outcome(Result.ACCEPTED, provider_message_id="S1"), Outcome(Result.PERMANENT), TRANSIENT]
    settle([answer(claimed(clinic), outcome) for outcome in outcomes], now=NOW, tally=tally)
    assert tally == {"sent": 6, "failed": 1, "queued": 1}


def test_what_became_of_a_text_is_one_event_of_it(clinic):
    message = claimed(clinic)
    settled(message, TRANSIENT)
    event = MessageEvent.objects.get(message=message)
    assert (event.status, event.at, event.code) == ("queued", NOW, "HTTP_500")


def test_refusals_as_too_many_slow_the_provider_down_by_the_longest_wait_asked_for(clinic):
    ProviderState.objects.create(name=FIRST)
    waits = [timedelta(seconds=20), timedelta(seconds=40), None]
    answers = [
        answer(claimed(clinic), Outcome(Result.TRANSIENT, code="HTTP_429", retry_after=wait))
        for wait in waits
    ]
    before = timezone.now()
    settle(answers, now=NOW, tally=Counter())
    state = ProviderState.objects.get(name=FIRST)
    assert state.pace is not None
    assert before + timedelta(seconds=40) <= state.next_slot_at <= timezone.now() + timedelta(seconds=40)


def test_each_provider_learns_from_its_own_answers_only(clinic):
    for name in (FIRST, SECOND):
        ProviderState.objects.create(name=name)
    lost = Outcome(Result.UNKNOWN, code="READ_TIMEOUT")
    answers = [answer(claimed(clinic), lost) for _number in range(20)]
    answers.append(
        answer(claimed(clinic, provider=SECOND), Outcome(Result.ACCEPTED, provider_message_id="S"))
    )
    settle(answers, now=NOW, tally=Counter())
    first, second = ProviderState.objects.get(name=FIRST), ProviderState.objects.get(name=SECOND)
    assert (first.breaker, first.last_error) == ("open", "READ_TIMEOUT")
    assert (second.breaker, second.answers, second.troubles) == ("closed", 1, 0)


def test_texts_accepted_speed_a_slowed_provider_up_again(clinic):
    long_ago = timezone.now() - timedelta(seconds=10)
    ProviderState.objects.create(name=FIRST, pace=5, paced_at=long_ago)
    settled(claimed(clinic), Outcome(Result.ACCEPTED, provider_message_id="S1"))
    assert ProviderState.objects.get(name=FIRST).pace > 5


def test_an_answer_of_a_provider_that_is_configured_no_more_is_written(clinic):
    ProviderState.objects.create(name="gone.Provider")
    stored = settled(claimed(clinic, provider="gone.Provider"), TRANSIENT)
    assert (stored.status, stored.error_code) == ("queued", "HTTP_500")
    assert ProviderState.objects.get(name="gone.Provider").answers == 1
