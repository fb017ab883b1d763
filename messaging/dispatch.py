"""How texts leave: claim and commit, send with no database held, write what came of it."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from common.clock import Clock
from common.locks import one_at_a_time
from messaging.admission import Decision, decide
from messaging.models import Message, MessageEvent, MessageStatus, SendingSwitch
from messaging.providers import configured_providers
from messaging.providers.base import Outcome, OutgoingText, Provider, Result
from messaging.settling import settle

logger = logging.getLogger(__name__)

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
    tally.reached["unknown"] += expire_leases(clock.now())
    provider = configured_providers()[0]
    while ends is None or monotonic() < ends:
        if not sending_is_on():
            tally.sending_is_off = True
            break
        claim = claim_due(clock.now(), provider.name, tally)
        if claim is None:
            break
        if claim.messages:
            outcomes = hand_over(provider, claim.messages, clock.now())
            settle(claim.token, outcomes, provider=provider.name, now=clock.now(), tally=tally.reached)
    return tally


def sending_is_on() -> bool:
    """The setting is the ceiling, the switch in the admin the brake."""
    return settings.SMS_SENDING_ENABLED and not SendingSwitch.objects.filter(pk=1, sending=False).exists()


def expire_leases(now: datetime) -> int:
    """Marks as unknown what a dead worker held: the text may have left."""
    found = 0
    while True:
        with transaction.atomic():
            batch = list(Message.objects.with_expired_lease(now).select_for_update(skip_locked=True)[:BATCH])
            for message in batch:
                message.status = MessageStatus.UNKNOWN
                message.updated_at = now
            Message.objects.bulk_update(batch, ["status", "updated_at"])
            MessageEvent.objects.bulk_create(
                MessageEvent(
                    message_id=message.pk,
                    status=MessageStatus.UNKNOWN,
                    at=now,
                    provider=message.provider,
                    code="WORKER_LOST",
                )
                for message in batch
            )
        found += len(batch)
        if len(batch) < BATCH:
            return found


@dataclass(frozen=True, slots=True)
class Claim:
    """The messages of one batch that may leave now; none if all of it was decided otherwise."""

    token: UUID
    messages: list[Message]


def claim_due(now: datetime, provider: str, tally: Tally) -> Claim | None:
    """Claims a batch of what is due and commits; None when nothing is due."""
    token = uuid4()
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
                leaving.append(message)
            else:
                held.append((message, decision))
        Message.objects.filter(pk__in=[message.pk for message in leaving]).update(
            status=MessageStatus.SENDING,
            claim=token,
            claimed_at=timezone.now(),
            lease_expires_at=now + LEASE,
            attempts=F("attempts") + 1,
            provider=provider,
            updated_at=now,
        )
        MessageEvent.objects.bulk_create(
            (
                MessageEvent(message_id=m.pk, status=MessageStatus.SENDING, at=now, provider=provider)
                for m in leaving
            ),
            batch_size=1000,
        )
        _hold_back(held, now)
    tally.reached.update(decision.status for _, decision in held if decision.status)
    return Claim(token, leaving)


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
    MessageEvent.objects.bulk_create(
        (
            MessageEvent(message_id=m.pk, status=m.status, at=now, code=d.code, detail=d.reason)
            for m, d in held
        ),
        batch_size=1000,
    )


def hand_over(
    provider_class: type[Provider], messages: Sequence[Message], now: datetime
) -> dict[UUID, Outcome]:
    """Sends the texts concurrently, with no database connection held meanwhile."""
    if not connection.in_atomic_block:
        connection.close()
    return asyncio.run(_send_all(provider_class, messages, now))


async def _send_all(
    provider_class: type[Provider], messages: Sequence[Message], now: datetime
) -> dict[UUID, Outcome]:
    provider = provider_class()
    places = asyncio.Semaphore(provider.in_flight)

    async def send(message: Message) -> tuple[UUID, Outcome]:
        text = OutgoingText(message.pk, message.to, message.body, valid_for=message.expires_at - now)
        async with places:
            try:
                return message.pk, await provider.send(text)
            except Exception as error:  # noqa: BLE001  one text's fault must not cost the others their result
                # The text may have left before the fault; only its kind is logged, it may quote the text.
                logger.error("Provider %s failed in send(): %s", provider.name, type(error).__name__)
                return message.pk, Outcome(Result.UNKNOWN, code="PROVIDER_FAULT")

    try:
        return dict(await asyncio.gather(*(send(message) for message in messages)))
    finally:
        await provider.close()
