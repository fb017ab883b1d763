"""Takes what is due for this worker, after the last check, and commits before anything leaves."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import Clinic
from common.among import among
from common.batches import batched
from common.locks import one_at_a_time
from messaging.admission import Decision, SentToday, decide, too_late
from messaging.events import note
from messaging.lanes import Lane, Lanes, give, lanes
from messaging.models import FINAL, Channel, Message, MessageQuerySet, MessageStatus
from messaging.order import MAIL, outlets
from messaging.sending import Parcel, text_of
from messaging.services import Draft, unsaved_message
from messaging.signals import messages_ended

BATCH = 250
# Longer than anything is carried; a claim that outlives it belongs to a dead worker.
LEASE = timedelta(minutes=3)


@dataclass
class Claim:
    """What a worker may send now. `looked_at` 0: nothing that is due could be taken."""

    parcels: list[Parcel] = field(default_factory=list)
    looked_at: int = 0
    next_place_at: datetime | None = None


def claim_due(
    now: datetime, room: Callable[[str], int], tally: Counter[str], names: Sequence[str] | None = None
) -> Claim:
    """Claims what is due and fits into `room` (messages that may be carried, by provider), and commits.

    `names` are the providers that may be given something now; without it, all there are.
    """
    claim = Claim()
    names = outlets() if names is None else names
    if not names:
        return claim
    with transaction.atomic(durable=True):
        # One claims at a time, so that the day's limits are counted exactly. It takes milliseconds.
        one_at_a_time("messaging.claim")
        real_now = timezone.now()
        found = lanes({name: min(room(name), BATCH) for name in names}, real_now)
        due = _due(found, now)
        # Only a provider of texts has a rate to wait for.
        if not due and found.next_place_at and MessageQuerySet(Message).texts().due(now).exists():
            claim.next_place_at = found.next_place_at
        claim.looked_at = len(due)
        leaving: list[Message] = []
        held: list[tuple[Message, Decision]] = []
        lane_of = {message.pk: lane for lane, message in due}
        messages = [message for _, message in due]
        for message, decision in zip(messages, decide(messages, now), strict=True):
            if decision.status is None:
                leaving.append(message)
            else:
                held.append((message, decision))
        claim.parcels = _take(leaving, lane_of, now, real_now)
        hold_back(held, now)
        messages_ended.send(sender=Message, messages=[m for m, d in held if m.status in FINAL])
    tally.update(decision.status for _, decision in held if decision.status)
    return claim


def _due(found: Lanes, now: datetime) -> list[tuple[Lane, Message]]:
    due: list[tuple[Lane, Message]] = []
    for lane in found.open:
        theirs = _of_lane(lane)
        # Two reads of an index in order, rather than one that passes over what is not urgent.
        for urgent in (True, False):
            taken = sum(lane is other for other, _ in due)
            messages = (
                theirs.filter(status=MessageStatus.QUEUED, send_at__lte=now, urgent=urgent)
                .order_by("send_at", "pk")
                # What nobody here looks at costs time to be read.
                .defer("created_at", "updated_at")
                .select_for_update(skip_locked=True)
            )
            due += [(lane, message) for message in messages[: lane.room - taken]]
    _bring_clinics([message for _, message in due])
    return due


def _bring_clinics(messages: Sequence[Message]) -> None:
    clinics = Clinic.objects.in_bulk({message.clinic_id for message in messages if message.clinic_id})
    for message in messages:
        message.clinic = clinics[message.clinic_id] if message.clinic_id else None


def _of_lane(lane: Lane) -> QuerySet[Message]:
    if lane.name == MAIL:
        return Message.objects.filter(channel=Channel.EMAIL)
    texts = MessageQuerySet(Message).texts()
    names: list[str] = settings.SMS_PROVIDERS
    if names[0] not in lane.takes:
        return texts.filter(next_provider__in=lane.takes)
    # Whose provider is configured no more begins with the first.
    others = [name for name in names if name not in lane.takes]
    return texts.exclude(next_provider__in=others) if others else texts


def _take(
    messages: Sequence[Message], lane_of: Mapping[UUID, Lane], now: datetime, real_now: datetime
) -> list[Parcel]:
    token, parcels = uuid4(), []
    by_lane: dict[str, list[Message]] = {}
    for message in messages:
        message.provider = lane_of[message.pk].name
        by_lane.setdefault(message.provider, []).append(message)
    for name, theirs in by_lane.items():
        Message.objects.filter(among("pk", (m.pk for m in theirs))).update(
            status=MessageStatus.SENDING,
            claim=token,
            claimed_at=real_now,
            lease_expires_at=now + LEASE,
            attempts=F("attempts") + 1,
            provider=name,
            # Why it waited is told by its history; on its way nothing is wrong with it.
            error_code="",
            error_message="",
            updated_at=now,
        )
        moments = give(lane_of[theirs[0].pk], len(theirs), real_now)
        for message, moment in zip(theirs, moments, strict=True):
            message.status, message.error_code, message.error_message = MessageStatus.SENDING, "", ""
            message.claim, message.claimed_at = token, real_now
            message.attempts += 1
            parcels.append(Parcel(message, token, real_now, moment, text_of(message, now)))
    note(messages, now=now)
    return parcels


def hold_back(held: Sequence[tuple[Message, Decision]], now: datetime) -> None:
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


def expire_overdue(now: datetime, tally: Counter[str]) -> None:
    """Ends what waited too long, also while nothing can be sent: a nurse must see it in time."""
    while True:
        with transaction.atomic():
            batch = list(Message.objects.overdue(now).select_for_update(skip_locked=True)[:BATCH])
            decision = too_late()
            hold_back([(message, decision) for message in batch], now)
            messages_ended.send(sender=Message, messages=batch)
        tally[MessageStatus.EXPIRED] += len(batch)
        if len(batch) < BATCH:
            return


def would_leave(drafts: Iterable[Draft], now: datetime) -> Iterator[Message]:
    """Texts that a pass at `now` would send: those that wait, and `drafts`. Changes nothing."""
    counts = SentToday()
    waiting = MessageQuerySet(Message).texts().due(now).iterator(chunk_size=BATCH)
    for batch in batched(chain(waiting, map(unsaved_message, drafts)), BATCH):
        _bring_clinics(batch)
        for message, decision in zip(batch, decide(batch, now, counts), strict=True):
            if decision.status is None:
                yield message
