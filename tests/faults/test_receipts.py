"""Receipts over HTTP to the site itself: doubled, in the wrong order, too early, forged."""

from collections.abc import Iterable
from time import monotonic, sleep

from django.utils import timezone

from messaging.models import Message, MessageEvent, MessageStatus, Receipt
from messaging.providers.twilio import STATUSES
from tests.faults.scenario import MESSAGES, MOST_SECONDS, WAITING, assert_nothing_lost_or_doubled
from tests.faults.site import free_address, running_site
from tests.faults.worker import Pace

# A connection that broke, or a machine too busy to answer: such a call may have been heard or not.
UNANSWERED = {None}
# The double tells much while it answers: whoever gave up early would have to ask instead of being told.
PATIENT = Pace(poll_after=None, answer_within=60, in_flight=16)
NEVER_TOLD = ["forged", "never"]
CALLBACKS = {
    # One of them for each message. Of the last two kinds nothing true is ever told.
    "how": ["in_order", "doubled", "doubled", "reversed", "reversed", *NEVER_TOLD],
    "statuses": ["sent", "delivered"],
    "before_the_answer": 0.3,
    "undelivered": 0.1,
    "forgeries": True,
}


def test_receipts_doubled_reordered_forged_and_early(scenario, twilio, environment):
    address = free_address()
    twilio.behave(latency_ms=20, callbacks=CALLBACKS)
    told = scenario("receipts doubled, in the wrong order, early and forged", PUBLIC_BASE_URL=address)
    told.queue()
    with running_site(address, {**environment, "PUBLIC_BASE_URL": address}):
        told.work(PATIENT, until_none_is=WAITING)
        calls = all_calls(twilio)
    forged = [call for call in calls if call["forged"]]
    true = [call for call in calls if not call["forged"]]
    assert len(forged) >= MESSAGES
    assert {call["answered"] for call in forged} - UNANSWERED == {403}
    assert {call["answered"] for call in true} - UNANSWERED == {204}
    assert sum(call["answered"] in UNANSWERED for call in calls) < len(calls) / 20
    assert_the_site_knows_what_it_was_truly_told(true)
    # As if the time had passed after which Twilio is asked about what it never told.
    Message.objects.filter(status=MessageStatus.SENT).update(look_up_at=timezone.now())
    told.work()
    figures = told.figures({"forged": len(forged), "true": len(true)})
    assert set(figures.states) == {MessageStatus.DELIVERED, MessageStatus.UNDELIVERED}
    assert_nothing_lost_or_doubled(figures)


def all_calls(twilio) -> list[dict]:
    """Once the double has told all that it had to tell."""
    ends = monotonic() + MOST_SECONDS
    while twilio.tally()["calling"] and monotonic() < ends:
        sleep(0.1)
    return twilio.callbacks()


def assert_the_site_knows_what_it_was_truly_told(true: list[dict]) -> None:
    """Each receipt once and no other; each message as its last one says, or sent."""
    said, answered = receipts(true), receipts(call for call in true if call["answered"] not in UNANSWERED)
    kept = list(Receipt.objects.values_list("provider_message_id", "status"))
    assert len(kept) == len(set(kept))
    assert answered <= set(kept) <= said
    endings = {sid: status for sid, status in kept if status != MessageStatus.SENT}
    # Of a text whose request got no answer in time the provider was asked: its books are compared later.
    asked = MessageEvent.objects.filter(status=MessageStatus.UNKNOWN).values("message")
    states = dict(Message.objects.exclude(pk__in=asked).values_list("provider_message_id", "status"))
    assert len(states) > 0.9 * MESSAGES
    assert states == {sid: endings.get(sid, MessageStatus.SENT) for sid in states}
    assert 0 < len(endings) < MESSAGES


def receipts(calls: Iterable[dict]) -> set[tuple[str, str]]:
    return {(call["MessageSid"], STATUSES[call["MessageStatus"]]) for call in calls}
