from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from messaging.models import Message, MessageStatus, Receipt
from messaging.providers.base import Outcome, Result, StatusReport
from messaging.receipts import match_waiting, take
from messaging.sending import Parcel, ProviderAnswer, text_of
from messaging.settling import settle
from tests.clock import NOW
from tests.factories.messaging import MessageFactory

pytestmark = pytest.mark.django_db
NUMBER = "SM" + "1" * 32


def message(status=MessageStatus.SENT, **fields) -> Message:
    sent = {"provider": "twilio", "provider_message_id": NUMBER, "sent_at": NOW}
    return MessageFactory(**{"status": status, "created_at": NOW, **sent, **fields})


def being_sent(**fields) -> Message:
    claimed = {"claim": uuid4(), "claimed_at": NOW, "lease_expires_at": NOW + timedelta(minutes=3)}
    return message(MessageStatus.SENDING, **{"provider_message_id": "", "sent_at": None, **claimed, **fields})


def answer_to(known: Message, outcome: Outcome) -> ProviderAnswer:
    return ProviderAnswer(Parcel(known, known.claim, NOW, NOW, text_of(known, NOW)), outcome)


def receive(status: str, *, number: str = NUMBER, after: int = 1, **fields) -> None:
    take(StatusReport(number, status, **fields), provider="twilio", now=NOW + timedelta(seconds=after))


def fresh(known: Message) -> Message:
    return Message.objects.get(pk=known.pk)


def history(known: Message) -> list[str]:
    return list(known.events.values_list("status", flat=True))


def test_a_receipt_says_that_a_text_was_delivered_and_when():
    known = message()
    receive("delivered", after=5)
    now_known = fresh(known)
    assert (now_known.status, now_known.delivered_at) == ("delivered", NOW + timedelta(seconds=5))


def test_the_time_that_the_provider_gives_counts():
    known = message()
    receive("delivered", after=60, at=NOW + timedelta(seconds=2))
    assert fresh(known).delivered_at == NOW + timedelta(seconds=2)


def test_a_receipt_says_why_a_text_was_not_delivered():
    known = message()
    receive("undelivered", code="30005", message="Unknown handset", permanent=True)
    failed = fresh(known)
    assert (failed.status, failed.error_code, failed.error_message, failed.error_permanent) == (
        "undelivered",
        "30005",
        "Unknown handset",
        True,
    )


def test_a_receipt_told_twice_is_kept_once():
    known = message()
    receive("delivered")
    receive("delivered", after=9)
    assert history(known) == ["delivered"]
    assert Receipt.objects.count() == 1
    assert fresh(known).delivered_at == NOW + timedelta(seconds=1)


def test_a_late_receipt_does_not_undo_delivery():
    known = message()
    receive("delivered")
    receive("sent", after=2)
    assert fresh(known).status == "delivered"


@pytest.mark.parametrize("late", ["undelivered", "failed"])
def test_of_two_ends_the_first_that_was_told_stays_and_both_are_kept(late):
    known = message()
    receive("delivered")
    receive(late, after=2, code="30008")
    kept = fresh(known)
    assert (kept.status, kept.error_code) == ("delivered", "")
    assert history(known) == ["delivered", late]


@pytest.mark.parametrize("status", ["cancelled", "expired", "suppressed", "failed"])
def test_a_receipt_changes_no_final_state(status):
    known = message(status)
    receive("delivered")
    assert fresh(known).status == status


def test_a_receipt_for_a_stranger_changes_nothing():
    known = message()
    receive("delivered", number="SM" + "9" * 32)
    assert fresh(known).status == "sent"


def test_another_providers_equal_number_is_not_meant():
    known = message(provider="other")
    receive("delivered")
    assert fresh(known).status == "sent"


def test_a_receipt_that_comes_before_our_own_commit_is_found_when_it_comes():
    known = being_sent()
    receive("delivered")
    outcome = Outcome(Result.ACCEPTED, provider_message_id=NUMBER)
    settle([answer_to(known, outcome)], now=NOW + timedelta(seconds=2), tally=Counter())
    assert fresh(known).status == "delivered"
    assert history(known) == ["sent", "delivered"]


def test_receipts_that_came_early_in_the_wrong_order_end_at_the_end():
    known = being_sent()
    receive("delivered")
    receive("sent", after=2)
    Message.objects.filter(pk=known.pk).update(status="sent", provider_message_id=NUMBER)
    match_waiting(now=NOW)
    assert fresh(known).status == "delivered"


def test_our_own_number_finds_a_text_whose_answer_was_lost():
    known = message(MessageStatus.UNKNOWN, provider_message_id="", sent_at=None, look_up_at=NOW)
    receive("sent", message_id=known.pk)
    settled = fresh(known)
    assert (settled.status, settled.provider_message_id, settled.look_up_at) == ("sent", NUMBER, None)


def test_a_receipt_from_before_its_worker_died_is_found_by_the_next_sweep():
    known = being_sent()
    receive("delivered", message_id=known.pk)
    Message.objects.filter(pk=known.pk).update(status=MessageStatus.UNKNOWN)
    match_waiting(now=NOW)
    assert fresh(known).status == "delivered"


def test_our_own_number_does_not_move_a_text_that_has_another_of_the_provider():
    known = message(provider_message_id="SM" + "2" * 32)
    receive("undelivered", message_id=known.pk)
    assert fresh(known).status == "sent"


def test_a_text_that_a_worker_still_holds_is_left_to_it():
    known = being_sent()
    receive("sent", message_id=known.pk)
    assert fresh(known).status == "sending"


def test_matching_costs_the_same_for_one_receipt_and_for_many(django_assert_max_num_queries):
    for n in range(60):
        number = f"SM{n:032d}"
        receive("delivered", number=number)
        message(provider_message_id=number)
    with django_assert_max_num_queries(12):
        match_waiting(now=NOW)
    assert set(Message.objects.values_list("status", flat=True)) == {"delivered"}
