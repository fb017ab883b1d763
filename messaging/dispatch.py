"""How texts leave: claim and commit, send with no database held, write what came of it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from time import monotonic
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Clinic
from common.batches import batched
from common.clock import Clock
from common.locks import one_at_a_time
from messaging.admission import Decision, SentToday, decide
from messaging.events import note
from messaging.models import FINAL, Message, MessageStatus, SendingSwitch
from messaging.receipts import match_waiting
from messaging.reconciling import expire_leases, reconcile
from messaging.replies import read_waiting
from messaging.sending import send_all
from messaging.services import Draft, unsaved_message
from messaging.settling import settle
from messaging.signals import messages_ended

BATCH = 500
# Longer than any batch takes to send; a claim that outlives it belongs to a dead worker.
LEASE = timedelta(minutes=3)


@dataclass
class Tally:
    """What one pass did: how many messages came to each state."""

    reached: Counter[str] = field(default_factory=Counter)
    sending_is_off: bool = False


def dispatch(*, clock: Clock, seconds: float | None = None) -> Tally:
    """Sends what is due, batch after batch, until nothing is due or `seconds` have passed.

    Several may run at once, in any number of processes: each message is claimed by one of them.
    """
    tally = Tally()
    ends = monotonic() + seconds if seconds is not None else None
    expire_leases(clock.now(), tally.reached)
    match_waiting(now=clock.now())
    read_waiting(now=clock.now())
    while ends is None or monotonic() < ends:
        _send_due(clock, ends, tally)
        # What is due goes first: a provider that answers no questions must not hold it back.
        if not reconcile(clock.now(), tally.reached):
            break
    return tally


def _send_due(clock: Clock, ends: float | None, tally: Tally) -> None:
    while ends is None or monotonic() < ends:
        if not sending_is_on():
            tally.sending_is_off = True
            return
        claim = claim_due(clock.now(), tally)
        if claim is None:
            return
        if claim.messages:
            outcomes = send_all(claim.messages, claimed_at=claim.at, now=clock.now())
            settle(claim.token, outcomes, now=clock.now(), tally=tally.reached)


def sending_is_on() -> bool:
    """The setting is the ceiling, the switch in the admin the brake."""
    return settings.SMS_SENDING_ENABLED and not SendingSwitch.objects.filter(pk=1, sending=False).exists()


@dataclass(frozen=True, slots=True)
class Claim:
    """The messages of one batch that may leave now; none if all of it was decided otherwise."""

    token: UUID
    at: datetime  # by the real clock
    messages: list[Message]


def claim_due(now: datetime, tally: Tally) -> Claim | None:
    """Claims a batch of what is due and commits; None when nothing is due."""
    with transaction.atomic(durable=True):
        # One claims at a time, so that the day's limits are counted exactly. It takes milliseconds.
        one_at_a_time("messaging.claim")
        due = list(
            Message.objects.due(now)
            .select_related("clinic")
            .select_for_update(skip_locked=True, of=("self",))[:BATCH]
        )
        if not due:
            return None
        leaving, held = [], []
        for message, decision in zip(due, decide(due, now), strict=True):
            if decision.status is None:
                message.provider = provider_for(message)
                leaving.append(message)
            else:
                held.append((message, decision))
        claim = Claim(uuid4(), timezone.now(), leaving)
        _take(claim, now)
        _hold_back(held, now)
        messages_ended.send(sender=Message, messages=[m for m, d in held if m.status in FINAL])
    tally.reached.update(decision.status for _, decision in held if decision.status)
    return claim


def provider_for(message: Message) -> str:
    """The one whose turn it is; the first, if that one is configured no more."""
    names: list[str] = settings.SMS_PROVIDERS
    return message.next_provider if message.next_provider in names else names[0]


def _take(claim: Claim, now: datetime) -> None:
    for provider in {message.provider for message in claim.messages}:
        Message.objects.filter(pk__in=[m.pk for m in claim.messages if m.provider == provider]).update(
            status=MessageStatus.SENDING,
            claim=claim.token,
            claimed_at=claim.at,
            lease_expires_at=now + LEASE,
            attempts=F("attempts") + 1,
            provider=provider,
            updated_at=now,
        )
    for message in claim.messages:
        message.status, message.error_code, message.error_message = MessageStatus.SENDING, "", ""
    note(claim.messages, now=now)


def _hold_back(held: Sequence[tuple[Message, Decision]], now: datetime) -> None:
    """Writes why these do not leave now."""
    for message, decision in held:
        message.status = decision.status or message.status
        message.send_at = decision.send_at or message.send_at
        message.error_code, message.error_message = decision.code, decision.reason
        message.updated_at = now
    Message.objects.bulk_update(
        [message for message, _ in held],
        ["status", "send_at", "error_code", "error_message", "updated_at"],
        batch_size=100,
    )
    note((message for message, _ in held), now=now)


def would_leave(drafts: Iterable[Draft], now: datetime) -> Iterator[Message]:
    """What a pass at `now` would send: what waits, and `drafts` that it would queue. Changes nothing."""
    counts = SentToday()
    waiting = Message.objects.due(now).select_related("clinic").iterator(chunk_size=BATCH)
    for batch in batched(chain(waiting, map(unsaved_message, drafts)), BATCH):
        clinics = Clinic.objects.in_bulk({message.clinic_id for message in batch})
        for message in batch:
            message.clinic = clinics[message.clinic_id]
        for message, decision in zip(batch, decide(batch, now, counts), strict=True):
            if decision.status is None:
                yield message
