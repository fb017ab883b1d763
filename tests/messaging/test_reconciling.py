from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from common.clock import Clock
from common.ids import new_id
from messaging.dispatch import dispatch
from messaging.models import Message, MessageStatus
from messaging.providers.base import StatusReport
from messaging.reconciling import expire_leases, reconcile
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.scripted_provider import AnsweringProvider

pytestmark = pytest.mark.django_db(transaction=True)
ANSWERING = "tests.messaging.scripted_provider.AnsweringProvider"


@pytest.fixture(autouse=True)
def provider(settings):
    settings.SMS_PROVIDERS = [ANSWERING]
    AnsweringProvider.reset()
    return AnsweringProvider


@pytest.fixture
def clinic():
    return ClinicFactory(quiet_from=None, quiet_to=None)


def unknown(clinic, *, seconds_ago=120, **fields):
    # The real time: the module's NOW may be a minute old when the test runs.
    claimed = timezone.now() - timedelta(seconds=seconds_ago)
    return MessageFactory(
        clinic=clinic,
        **{
            "status": MessageStatus.UNKNOWN,
            "provider": ANSWERING,
            "claim": new_id(),
            "claimed_at": claimed,
            "look_up_at": claimed,
            "created_at": claimed,
            **fields,
        },
    )


def stored(message):
    return Message.objects.get(pk=message.pk)


def test_what_the_provider_has_is_taken_over(provider, clinic):
    message = unknown(clinic)
    provider.has[message.to] = [StatusReport("S1", "delivered", at=timezone.now())]
    reconcile(timezone.now(), Counter())
    assert (stored(message).status, stored(message).provider_message_id) == ("delivered", "S1")


def test_what_the_provider_does_not_have_is_sent_again_once(provider, clinic):
    message = unknown(clinic)
    dispatch(clock=Clock())
    dispatch(clock=Clock())
    assert stored(message).status == MessageStatus.SENT
    assert len(provider.given) == 1


def test_not_there_does_not_count_before_the_grace_has_passed(provider, clinic):
    message = unknown(clinic, seconds_ago=30)
    dispatch(clock=Clock())
    assert stored(message).status == MessageStatus.UNKNOWN
    assert provider.given == []


def test_the_grace_is_a_setting(provider, clinic, settings):
    settings.SMS_LOOKUP_GRACE_SECONDS = 10
    message = unknown(clinic, seconds_ago=30)
    dispatch(clock=Clock())
    assert stored(message).status == MessageStatus.SENT


def test_the_grace_goes_by_the_real_time_whatever_the_clock_of_the_pass(provider, clinic):
    message = unknown(clinic, seconds_ago=30, expires_at=timezone.now() + timedelta(days=9))
    reconcile(timezone.now() + timedelta(days=1), Counter())
    assert stored(message).status == MessageStatus.UNKNOWN


def test_being_there_counts_at_once(provider, clinic):
    message = unknown(clinic, seconds_ago=1)
    provider.has[message.to] = [StatusReport("S1", "sent")]
    reconcile(timezone.now(), Counter())
    assert stored(message).status == MessageStatus.SENT


def test_while_the_provider_does_not_answer_nothing_is_sent(provider, clinic):
    message = unknown(clinic)
    provider.has[message.to] = None
    dispatch(clock=Clock())
    assert stored(message).status == MessageStatus.UNKNOWN
    assert provider.given == []


def test_a_provider_that_does_not_answer_is_asked_again_later(provider, clinic):
    message = unknown(clinic)
    provider.has[message.to] = None
    reconcile(timezone.now(), Counter())
    assert stored(message).look_up_at > timezone.now()


def test_a_provider_that_can_not_be_asked_is_never_asked(clinic, settings):
    settings.SMS_PROVIDERS = ["console"]
    message = unknown(clinic, provider="console", look_up_at=None)
    dispatch(clock=Clock())
    assert stored(message).status == MessageStatus.UNKNOWN


def test_of_two_equal_texts_each_takes_its_own_find(provider, clinic):
    first, second = unknown(clinic, to="+26771234567"), unknown(clinic, to="+26771234567")
    provider.has["+26771234567"] = [StatusReport("S1", "sent"), StatusReport("S2", "sent")]
    reconcile(timezone.now(), Counter())
    assert {stored(first).provider_message_id, stored(second).provider_message_id} == {"S1", "S2"}


def test_a_find_that_is_another_messages_is_not_taken_twice(provider, clinic):
    unknown(clinic, status=MessageStatus.SENT, provider_message_id="S1")
    message = unknown(clinic)
    provider.has[message.to] = [StatusReport("S1", "sent")]
    reconcile(timezone.now(), Counter())
    assert stored(message).status == MessageStatus.QUEUED


def test_an_answer_about_an_earlier_try_is_ignored(provider, clinic, monkeypatch):
    message = unknown(clinic)

    def meanwhile_tried_again(batch):
        Message.objects.filter(pk=message.pk).update(claim=new_id())
        return {message.pk: []}

    monkeypatch.setattr("messaging.reconciling.look_up_all", meanwhile_tried_again)
    reconcile(timezone.now(), Counter())
    assert stored(message).status == MessageStatus.UNKNOWN


def test_what_is_not_there_and_of_no_more_use_expires(provider, clinic):
    message = unknown(clinic, expires_at=timezone.now())
    reconcile(timezone.now(), Counter())
    assert stored(message).status == MessageStatus.EXPIRED


def test_many_are_settled_in_a_bounded_number_of_queries(provider, clinic, django_assert_max_num_queries):
    for _number in range(30):
        unknown(clinic)
    with django_assert_max_num_queries(20):
        reconcile(timezone.now(), Counter())
    assert Message.objects.filter(status=MessageStatus.QUEUED).count() == 30


def test_what_is_due_goes_before_questions_about_what_is_unknown(provider, clinic, monkeypatch):
    due = MessageFactory(clinic=clinic, created_at=timezone.now())
    unknown(clinic)
    seen = []

    def ask(batch):
        seen.append(stored(due).status)
        return {message.pk: None for message in batch}

    monkeypatch.setattr("messaging.reconciling.look_up_all", ask)
    dispatch(clock=Clock())
    assert seen == [MessageStatus.SENT]


def test_a_provider_that_is_gone_leaves_its_unknown_texts_unknown_and_holds_nobody_back(provider, clinic):
    lost = unknown(clinic, provider="gone.Provider")
    due = MessageFactory(clinic=clinic, created_at=timezone.now())
    dispatch(clock=Clock())
    assert (stored(lost).status, stored(due).status) == (MessageStatus.UNKNOWN, MessageStatus.SENT)


def test_a_provider_that_stays_silent_is_asked_less_and_less_often(provider, clinic):
    waits = []
    for asked in (0, 1, 2, 20):
        message = unknown(clinic, look_ups=asked)
        provider.has[message.to] = None
        before = timezone.now()
        reconcile(before, Counter())
        assert stored(message).look_ups == asked + 1
        waits.append(round((stored(message).look_up_at - before).total_seconds() / 60))
    assert waits == [1, 2, 4, 60]


def test_when_it_was_delivered_is_the_providers_to_say(provider, clinic):
    message, at = unknown(clinic), timezone.now() - timedelta(minutes=1)
    provider.has[message.to] = [StatusReport("S1", "delivered", at=at)]
    reconcile(timezone.now(), Counter())
    assert (stored(message).sent_at, stored(message).delivered_at) == (at, at)


def test_a_dead_workers_text_is_unknown_is_counted_and_will_be_asked_about(provider, clinic):
    now, tally = timezone.now(), Counter(unknown=1)
    held = {"status": MessageStatus.SENDING, "lease_expires_at": now - timedelta(seconds=1)}
    message = unknown(clinic, look_up_at=None, **held)
    expire_leases(now, tally)
    assert stored(message).status == MessageStatus.UNKNOWN
    assert stored(message).look_up_at is not None
    assert tally == {"unknown": 2}


@pytest.mark.parametrize(("code", "counted"), [("WORKER_LOST", 3), ("OTHER", 2)])
def test_each_silence_of_the_provider_counts_against_the_text(provider, clinic, code, counted):
    message = unknown(clinic, silent_tries=2, error_code=code)
    reconcile(timezone.now(), Counter())
    assert (stored(message).status, stored(message).silent_tries) == (MessageStatus.QUEUED, counted)


@pytest.mark.parametrize("code", ["HTTP_503", "READ_TIMEOUT", "CONNECTION_BROKEN"])
def test_what_a_provider_in_trouble_does_not_have_goes_to_the_next_one(provider, clinic, settings, code):
    settings.SMS_PROVIDERS = [ANSWERING, "console"]
    message = unknown(clinic, error_code=code)
    reconcile(timezone.now(), Counter())
    assert (stored(message).status, stored(message).next_provider) == (MessageStatus.QUEUED, "console")


def test_that_a_worker_died_is_no_trouble_of_the_provider(provider, clinic, settings):
    settings.SMS_PROVIDERS = [ANSWERING, "console"]
    message = unknown(clinic, error_code="WORKER_LOST")
    reconcile(timezone.now(), Counter())
    assert stored(message).next_provider == ANSWERING


def test_after_too_many_silences_a_text_is_not_handed_over_again(provider, clinic):
    message = unknown(clinic, silent_tries=3, error_code="WORKER_LOST")
    reconcile(timezone.now(), Counter())
    assert stored(message).status == MessageStatus.FAILED
