import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.audit import SYSTEM
from common.clock import Clock
from messaging.claiming import LEASE, claim_due
from messaging.dispatch import dispatch
from messaging.models import Message, MessageEvent, MessageStatus
from messaging.providers.base import Outcome, Result
from messaging.reconciling import expire_leases
from messaging.sending import ProviderAnswer, Sender
from messaging.services import opt_out, set_sending
from messaging.settling import settle
from tests.clock import NOW
from tests.factories.accounts import ClinicFactory
from tests.factories.messaging import MessageFactory
from tests.messaging.scripted_provider import ScriptedProvider

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = Clock(NOW)


@pytest.fixture
def provider(settings):
    settings.SMS_PROVIDERS = ["tests.messaging.scripted_provider.ScriptedProvider"]
    ScriptedProvider.reset()
    return ScriptedProvider


@pytest.fixture
def clinic():
    return ClinicFactory(quiet_from=None, quiet_to=None)


def message(clinic, **fields):
    return MessageFactory(clinic=clinic, **{"created_at": NOW, **fields})


def status_of(queued):
    return Message.objects.get(pk=queued.pk).status


def test_a_due_text_is_sent_once_however_many_passes_there_are(provider, clinic):
    queued = message(clinic)
    dispatch(clock=CLOCK)
    dispatch(clock=CLOCK)
    assert [text.message_id for text in provider.given] == [queued.pk]
    assert status_of(queued) == MessageStatus.SENT


def test_a_text_is_not_sent_before_its_time(provider, clinic):
    message(clinic, send_at=NOW + timedelta(seconds=1))
    dispatch(clock=CLOCK)
    assert provider.given == []


def test_what_a_text_went_through_is_kept_in_order(provider, clinic):
    queued = message(clinic)
    dispatch(clock=CLOCK)
    assert list(queued.events.values_list("status", flat=True)) == ["sending", "sent"]


def test_no_transaction_is_open_while_the_provider_is_asked(provider, clinic):
    seen = []
    provider.meanwhile = staticmethod(lambda: seen.append(connection.in_atomic_block))
    message(clinic)
    dispatch(clock=CLOCK)
    assert seen == [False]


def test_the_claim_is_committed_before_the_text_leaves(provider, clinic):
    queued = message(clinic)
    seen = []

    def look():
        other = threading.Thread(target=lambda: (seen.append(status_of(queued)), connection.close()))
        other.start()
        other.join()

    provider.meanwhile = staticmethod(look)
    dispatch(clock=CLOCK)
    assert seen == [MessageStatus.SENDING]


def test_a_text_refused_for_good_fails_and_is_not_tried_again(provider, clinic):
    queued = message(clinic)
    provider.answers[queued.to] = Outcome(Result.PERMANENT, code="21614", message="not a mobile number")
    dispatch(clock=CLOCK)
    dispatch(clock=Clock(NOW + timedelta(hours=2)))
    stored = Message.objects.get(pk=queued.pk)
    assert (stored.status, stored.error_code, stored.error_permanent) == ("failed", "21614", True)
    assert len(provider.given) == 1


def test_a_text_not_taken_now_waits_and_goes_later(provider, clinic):
    queued = message(clinic)
    provider.answers[queued.to] = Outcome(Result.TRANSIENT, code="20429")
    dispatch(clock=CLOCK)
    assert status_of(queued) == MessageStatus.QUEUED
    provider.answers.clear()
    dispatch(clock=Clock(NOW + timedelta(hours=1)))
    assert status_of(queued) == MessageStatus.SENT


def test_a_provider_may_say_how_long_to_wait(provider, clinic):
    queued = message(clinic)
    provider.answers[queued.to] = Outcome(Result.TRANSIENT, retry_after=timedelta(hours=3))
    dispatch(clock=CLOCK)
    assert Message.objects.get(pk=queued.pk).send_at == NOW + timedelta(hours=3)


def test_a_text_that_can_not_be_tried_again_in_time_fails(provider, clinic):
    queued = message(clinic, expires_at=NOW + timedelta(seconds=10))
    provider.answers[queued.to] = Outcome(Result.TRANSIENT)
    dispatch(clock=CLOCK)
    assert status_of(queued) == MessageStatus.FAILED


@pytest.mark.parametrize("answer", [Outcome(Result.UNKNOWN, code="TIMEOUT"), RuntimeError("a bug")])
def test_a_text_of_unknown_fate_is_never_sent_again_by_itself(provider, clinic, answer):
    queued = message(clinic)
    provider.answers[queued.to] = answer
    for hours in range(3):
        dispatch(clock=Clock(NOW + timedelta(hours=hours)))
    assert status_of(queued) == MessageStatus.UNKNOWN
    assert len(provider.given) == 1


def test_one_texts_fault_does_not_cost_the_others_their_result(provider, clinic):
    bad, good = message(clinic), message(clinic)
    provider.answers[bad.to] = RuntimeError("a bug")
    dispatch(clock=CLOCK)
    assert (status_of(bad), status_of(good)) == (MessageStatus.UNKNOWN, MessageStatus.SENT)


def test_what_a_dead_worker_held_is_unknown_after_its_lease(provider, clinic):
    queued = message(clinic)
    claim_due(NOW, Sender.first_round, Counter())
    expire_leases(NOW + LEASE - timedelta(seconds=1), Counter())
    assert status_of(queued) == MessageStatus.SENDING
    expire_leases(NOW + LEASE, Counter())
    assert status_of(queued) == MessageStatus.UNKNOWN


def test_a_result_that_comes_after_the_lease_is_still_believed(provider, clinic):
    queued = message(clinic)
    [parcel] = claim_due(NOW, Sender.first_round, Counter()).parcels
    expire_leases(NOW + LEASE, Counter())
    late = Outcome(Result.ACCEPTED, provider_message_id="late")
    settle([ProviderAnswer(parcel, late)], now=NOW, tally=Counter())
    assert status_of(queued) == MessageStatus.SENT


def test_a_result_of_somebody_elses_claim_is_ignored(provider, clinic):
    queued = message(clinic)
    [parcel] = claim_due(NOW, Sender.first_round, Counter()).parcels
    others = replace(parcel, claim=uuid4())
    settle([ProviderAnswer(others, Outcome(Result.PERMANENT))], now=NOW, tally=Counter())
    assert status_of(queued) == MessageStatus.SENDING


def test_two_workers_at_once_send_each_text_once(provider, clinic):
    for _number in range(40):
        message(clinic)
    start = threading.Barrier(4)

    def work():
        start.wait()
        dispatch(clock=CLOCK)
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(provider.given) == len({text.message_id for text in provider.given}) == 40
    assert Message.objects.filter(status=MessageStatus.SENT).count() == 40


def test_the_kill_switch_stops_everything_and_loses_nothing(provider, clinic):
    queued = message(clinic)
    set_sending(False, actor=SYSTEM, now=NOW)
    assert dispatch(clock=CLOCK).sending_is_off
    assert status_of(queued) == MessageStatus.QUEUED
    set_sending(True, actor=SYSTEM, now=NOW)
    dispatch(clock=CLOCK)
    assert status_of(queued) == MessageStatus.SENT


def test_the_switch_is_read_before_every_batch(provider, clinic, monkeypatch):
    monkeypatch.setattr("messaging.claiming.BATCH", 1)
    monkeypatch.setattr(provider, "in_flight", 1)
    monkeypatch.setattr("messaging.providers.base.Provider.rounds_ahead", 1)
    first, second = message(clinic), message(clinic, send_at=NOW, created_at=NOW)
    switched = threading.Event()

    def switch_off():
        if not switched.is_set():
            switched.set()
            other = threading.Thread(
                target=lambda: (set_sending(False, actor=SYSTEM, now=NOW), connection.close())
            )
            other.start()
            other.join()

    provider.meanwhile = staticmethod(switch_off)
    dispatch(clock=CLOCK)
    assert {status_of(first), status_of(second)} == {MessageStatus.SENT, MessageStatus.QUEUED}


def test_the_setting_is_the_ceiling_of_the_switch(provider, clinic, settings):
    settings.SMS_SENDING_ENABLED = False
    message(clinic)
    dispatch(clock=CLOCK)
    assert provider.given == []


def test_a_phone_that_opted_out_gets_nothing(provider, clinic):
    queued = message(clinic)
    opt_out(queued.to, source="nurse", actor=SYSTEM, now=NOW)
    dispatch(clock=CLOCK)
    assert provider.given == []
    assert status_of(queued) == MessageStatus.SUPPRESSED


def test_a_text_past_its_use_expires_instead_of_leaving(provider, clinic):
    queued = message(clinic, expires_at=NOW)
    dispatch(clock=CLOCK)
    assert provider.given == []
    assert status_of(queued) == MessageStatus.EXPIRED


@pytest.mark.parametrize("count", [1, 60])
def test_a_batch_is_claimed_and_settled_in_a_bounded_number_of_queries(
    provider, clinic, django_assert_max_num_queries, count
):
    for _number in range(count):
        message(clinic)
    with django_assert_max_num_queries(22):
        parcels = claim_due(NOW, Sender.first_round, Counter()).parcels
    accepted = [
        ProviderAnswer(parcel, Outcome(Result.ACCEPTED, provider_message_id=f"n{number}"))
        for number, parcel in enumerate(parcels)
    ]
    with django_assert_max_num_queries(12):
        settle(accepted, now=NOW, tally=Counter())
    assert MessageEvent.objects.filter(status="sent").count() == count


def test_a_provider_is_told_not_to_bring_a_text_in_the_quiet_hours(provider):
    evening = datetime(2030, 6, 3, 19, 0, tzinfo=ZoneInfo("Africa/Gaborone"))
    message(ClinicFactory(), created_at=evening, expires_at=evening + timedelta(days=2))
    dispatch(clock=Clock(evening))
    assert [text.valid_for for text in provider.given] == [timedelta(hours=1)]


def test_an_opt_out_that_only_the_provider_knew_of_holds_here_too(provider, clinic):
    first = message(clinic)
    provider.answers[first.to] = Outcome(Result.PERMANENT, code="21610", opted_out=True)
    dispatch(clock=CLOCK)
    second = message(clinic, to=first.to)
    dispatch(clock=CLOCK)
    assert (status_of(first), status_of(second)) == (MessageStatus.FAILED, MessageStatus.SUPPRESSED)


def test_what_has_not_begun_to_leave_is_held_back_when_the_switch_is_turned(provider, clinic, monkeypatch):
    monkeypatch.setattr(provider, "in_flight", 1)
    for _number in range(2):
        message(clinic)

    def switch_off():
        other = threading.Thread(
            target=lambda: (set_sending(False, actor=SYSTEM, now=NOW), connection.close())
        )
        other.start()
        other.join()
        # Whoever sends looks at the switch while this one text is still on its way.
        looked.wait(10)

    looked = threading.Event()
    hold_back = Sender.hold_back

    def held(sender):
        hold_back(sender)
        looked.set()

    monkeypatch.setattr(Sender, "hold_back", held)
    provider.meanwhile = staticmethod(switch_off)
    dispatch(clock=CLOCK)
    kept = Message.objects.filter(status=MessageStatus.QUEUED)
    assert (len(provider.given), kept.count()) == (1, 1)
    assert kept.get().attempts == 0


def test_what_waited_long_for_its_turn_is_checked_again(provider, clinic, monkeypatch):
    monkeypatch.setattr("messaging.sending.FRESH_FOR", -1.0)
    queued = message(clinic)

    def opt_out_meanwhile():
        monkeypatch.setattr("messaging.sending.FRESH_FOR", 5.0)

    noted = Sender.collect

    def collect(sender, **options):
        answers = noted(sender, **options)
        opt_out(queued.to, source="nurse", actor=SYSTEM, now=NOW)
        opt_out_meanwhile()
        return answers

    monkeypatch.setattr(Sender, "collect", collect)
    dispatch(clock=CLOCK)
    assert provider.given == []
    assert status_of(queued) == MessageStatus.SUPPRESSED


def test_a_switch_that_is_turned_off_and_on_again_ends_the_pass_and_the_next_one_sends(
    provider, clinic, monkeypatch
):
    monkeypatch.setattr(provider, "in_flight", 1)
    for _number in range(2):
        message(clinic)
    held = threading.Event()

    def switch(on):
        other = threading.Thread(target=lambda: (set_sending(on, actor=SYSTEM, now=NOW), connection.close()))
        other.start()
        other.join()

    def switch_off():
        provider.meanwhile = None
        switch(False)
        held.wait(10)

    hold_back = Sender.hold_back

    def held_back(sender):
        hold_back(sender)
        if not held.is_set():
            switch(True)
        held.set()

    monkeypatch.setattr(Sender, "hold_back", held_back)
    provider.meanwhile = staticmethod(switch_off)
    dispatch(clock=CLOCK)
    assert len(provider.given) == 1
    dispatch(clock=CLOCK)
    assert len(provider.given) == 2


def test_a_pass_ends_in_time_while_all_that_is_due_is_decided_otherwise(provider, clinic, monkeypatch):
    monkeypatch.setattr("messaging.claiming.BATCH", 1)
    for _number in range(5):
        queued = message(clinic)
        opt_out(queued.to, source="nurse", actor=SYSTEM, now=NOW)
    dispatch(clock=CLOCK, seconds=0)
    assert Message.objects.filter(status=MessageStatus.QUEUED).count() == 5
    times = iter([0.0, 0.0, 0.0, 0.0])
    monkeypatch.setattr("messaging.dispatch.monotonic", lambda: next(times, 100.0))
    dispatch(clock=CLOCK, seconds=50)
    assert 0 < Message.objects.filter(status=MessageStatus.QUEUED).count() < 5
