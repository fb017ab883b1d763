"""Messages of unknown fate: the provider is asked before anything is sent again."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from common.locks import one_at_a_time
from messaging import lessons, receipts
from messaging.asking import IN_FLIGHT, Finds, ask_all, look_up_all
from messaging.events import note
from messaging.following_up import follow_up
from messaging.models import Message, MessageStatus
from messaging.order import provider_after
from messaging.providers import provider_class
from messaging.providers.base import Provider, StatusReport

# All of a batch are asked at once: a provider that hangs costs one timeout, not many.
BATCH = IN_FLIGHT
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
# Endings that say nothing. A provider that sends and then does not know of it must not send for ever.
WORKER_LOST = "WORKER_LOST"
SILENT = {WORKER_LOST, "READ_TIMEOUT", "CONNECTION_BROKEN", "PROVIDER_FAULT"}
MAX_SILENT_TRIES = 3
# When a provider that has sent no receipt is asked; from 4 h on the patient is phoned.
POLL_AFTER = (timedelta(minutes=20), timedelta(hours=1), timedelta(hours=3), timedelta(hours=12))
# A phone call to the patient has long been due by then.
GIVE_UP_AFTER = timedelta(days=3)


def expire_leases(now: datetime, tally: Counter[str]) -> None:
    """Marks as unknown what a dead worker held: the text may have left."""
    while True:
        with transaction.atomic():
            batch = list(Message.objects.with_expired_lease(now).select_for_update(skip_locked=True)[:BATCH])
            for message in batch:
                message.status, message.updated_at = MessageStatus.UNKNOWN, now
                message.error_code = WORKER_LOST
                plan_look_up(message)
            Message.objects.bulk_update(batch, ["status", "error_code", "look_up_at", "updated_at"])
            note(batch, now=now)
        tally[MessageStatus.UNKNOWN] += len(batch)
        if len(batch) < BATCH:
            return


def plan_look_up(message: Message) -> None:
    """Has the provider asked in the next pass, if it can be."""
    try:
        can = provider_class(message.provider).can_look_up
    except ImportError:
        can = False
    message.look_up_at = timezone.now() if can else None


def reconcile(now: datetime, tally: Counter[str]) -> bool:
    """Asks the providers about one batch of what is unknown, and settles what they know; False if none is.

    `now` is the pass's clock; when to ask, and what "not there" means, goes by the real one.
    """
    batch = _pick()
    if batch:
        _settle_found(batch, look_up_all(batch), now, tally)
    return bool(batch)


def _pick() -> list[Message]:
    """A batch to ask about; put off at once, so that nobody else asks about the same."""
    real_now = timezone.now()
    with transaction.atomic(durable=True):
        batch = list(
            Message.objects.to_look_up(real_now)
            .select_related("clinic")
            .select_for_update(skip_locked=True, of=("self",))[:BATCH]
        )
        for message in batch:
            message.look_ups += 1
            message.look_up_at = _next_look(message, real_now)
        Message.objects.bulk_update(batch, ["look_ups", "look_up_at"], batch_size=100)
    return batch


def _next_look(message: Message, real_now: datetime) -> datetime | None:
    since = message.claimed_at or message.created_at
    if real_now - since > GIVE_UP_AFTER:
        return None
    wait = min(FIRST_WAIT * 2 ** min(message.look_ups - 1, 10), LONGEST_WAIT)
    # The first time after which "not there" counts is worth a look of its own.
    ripe = since + _grace()
    return ripe if real_now < ripe else real_now + wait


def _grace() -> timedelta:
    return timedelta(seconds=settings.SMS_LOOKUP_GRACE_SECONDS)


def _settle_found(
    asked: Sequence[Message],
    found: Finds,
    now: datetime,
    tally: Counter[str],
) -> None:
    real_now = timezone.now()
    with transaction.atomic():
        # One at a time: two equal texts to one phone must not both take the same find for theirs.
        one_at_a_time("messaging.reconcile")
        claims = {message.pk: message.claim for message in asked}
        unknown = Message.objects.filter(pk__in=claims, status=MessageStatus.UNKNOWN).select_for_update()
        # Another claim since then means that the answer is about an earlier try.
        messages = [m for m in unknown.order_by("claimed_at", "pk") if m.claim == claims[m.pk]]
        taken = _attributed(messages, found)
        settled = []
        for message in messages:
            reports = found.get(message.pk)
            if reports is None:
                continue
            own = next((r for r in reports if (message.provider, r.provider_message_id) not in taken), None)
            if own is not None:
                taken.add((message.provider, own.provider_message_id))
                _take_over(message, own, now)
            elif real_now - (message.claimed_at or message.created_at) >= _grace():
                _send_again(message, now)
            else:
                continue
            settled.append(message)
            tally[message.status] += 1
        Message.objects.bulk_update(settled, _FIELDS, batch_size=100)
        note(settled, now=now)
        lessons.learn(settled, now=now)
        follow_up(settled, now=now)


_FIELDS = [
    "status",
    "provider_message_id",
    "sent_at",
    "delivered_at",
    "send_at",
    "next_provider",
    "claim",
    "look_up_at",
    "look_ups",
    "silent_tries",
    "error_code",
    "error_message",
    "error_permanent",
    "updated_at",
]


def _attributed(messages: Sequence[Message], found: Finds) -> set[tuple[str, str]]:
    """The provider's numbers among the finds that are other messages' already."""
    numbers = {r.provider_message_id for m in messages for r in found.get(m.pk) or []}
    known = Message.objects.filter(provider_message_id__in=numbers).exclude(pk__in=[m.pk for m in messages])
    return set(known.values_list("provider", "provider_message_id"))


def _take_over(message: Message, report: StatusReport, now: datetime) -> None:
    message.status = report.status
    message.provider_message_id = report.provider_message_id
    message.sent_at = report.at or now
    if report.status == MessageStatus.DELIVERED:
        message.delivered_at = report.at or now
    message.error_code, message.error_message = report.code[:40], report.message[:300]
    message.error_permanent = report.permanent
    message.look_up_at = first_poll(message.provider, timezone.now())
    message.updated_at = now


def _send_again(message: Message, now: datetime) -> None:
    """The provider does not have it: it never left."""
    if message.error_code in SILENT and not provider_class(message.provider).takes_once:
        message.silent_tries += 1
    if message.expires_at <= now:
        message.status = MessageStatus.EXPIRED
    elif message.silent_tries > MAX_SILENT_TRIES or message.attempts >= Provider.most_attempts:
        message.status = MessageStatus.FAILED
    else:
        message.status = MessageStatus.QUEUED
        # That a worker died is no trouble of the provider's.
        same = message.error_code == WORKER_LOST and message.silent_tries <= 1
        message.next_provider = message.provider if same else provider_after(message.provider)
    message.error_code = "NOT_AT_PROVIDER"
    message.error_message = ""
    message.send_at = max(message.send_at, now)
    # A late result of the lost try must not match any more.
    message.claim = None
    message.look_up_at, message.look_ups, message.updated_at = None, 0, now


def first_poll(provider: str, real_now: datetime) -> datetime | None:
    """When to ask for the receipt of a text that was sent now; None where there is none to be had."""
    try:
        asks = provider_class(provider).gives_receipts
    except ImportError:
        asks = False
    return real_now + POLL_AFTER[0] if asks else None


def poll_sent(now: datetime, tally: Counter[str]) -> bool:
    """Asks what became of one batch of texts without a receipt; False if there are none to ask about."""
    batch = _pick_sent()
    if not batch:
        return False
    reports = ask_all(batch)
    told = [(message, reports[message.pk]) for message in batch]
    moved = receipts.take_all(
        [(message.provider, report) for message, report in told if report is not None], now=now
    )
    tally.update(moved)
    return True


def _pick_sent() -> list[Message]:
    real_now = timezone.now()
    with transaction.atomic(durable=True):
        batch = list(
            Message.objects.without_receipt(real_now)
            .select_related("clinic")
            .select_for_update(skip_locked=True, of=("self",))[:BATCH]
        )
        for message in batch:
            since = message.claimed_at or message.created_at
            later = [since + wait for wait in POLL_AFTER if since + wait > real_now]
            message.look_up_at = later[0] if later else None
        Message.objects.bulk_update(batch, ["look_up_at"], batch_size=100)
    return batch
