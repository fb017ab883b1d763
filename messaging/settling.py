"""What a provider's answer makes of a message."""

import random
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Value, When

from accounts.audit import SYSTEM
from common.batches import batched
from messaging.events import note
from messaging.models import Message, MessageStatus
from messaging.providers.base import Outcome, Result
from messaging.receipts import match_early
from messaging.reconciling import plan_look_up
from messaging.services import opt_out

MAX_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)

# Not by this provider: the next one gets it at once. What is only not taken now waits instead.
_ELSEWHERE = {Result.ROUTE, Result.CONFIGURATION}
_FIELDS = [
    "status",
    "send_at",
    "next_provider",
    "provider_message_id",
    "error_code",
    "error_message",
    "error_permanent",
    "sent_at",
    "look_up_at",
    "updated_at",
]


def settle(claim: UUID, outcomes: dict[UUID, Outcome], *, now: datetime, tally: Counter[str]) -> None:
    """Writes the outcomes of one claim. A message that is no longer this claim's is left alone."""
    with transaction.atomic():
        messages = list(
            Message.objects.filter(
                pk__in=outcomes, claim=claim, status__in=[MessageStatus.SENDING, MessageStatus.UNKNOWN]
            ).select_for_update()
        )
        for message in messages:
            _apply(message, outcomes[message.pk], now)
            tally[message.status] += 1
            if outcomes[message.pk].opted_out:
                # The provider heard a STOP that we did not.
                opt_out(message.to, source="provider", actor=SYSTEM, now=now)
        accepted = [message for message in messages if message.status == MessageStatus.SENT]
        _write_accepted(accepted, now)
        others = [message for message in messages if message.status != MessageStatus.SENT]
        Message.objects.bulk_update(others, _FIELDS, batch_size=100)
        note(messages, now=now)
    # Only once the numbers are committed: a receipt stored meanwhile is found by one of the two sides.
    match_early([message for message in messages if message.provider_message_id], now=now)


def _write_accepted(messages: list[Message], now: datetime) -> None:
    """The common case in one statement a hundred, in which only the provider's number differs."""
    for batch in batched(messages, 100):
        numbers = [When(pk=m.pk, then=Value(m.provider_message_id)) for m in batch]
        Message.objects.filter(pk__in=[m.pk for m in batch]).update(
            status=MessageStatus.SENT,
            provider_message_id=Case(*numbers, default=Value("")),
            sent_at=now,
            error_code="",
            error_message="",
            error_permanent=False,
            look_up_at=None,
            updated_at=now,
        )


def _apply(message: Message, outcome: Outcome, now: datetime) -> None:
    message.updated_at = now
    message.look_up_at = None
    message.error_code = outcome.code[:40]
    message.error_message = outcome.message[:300]
    message.error_permanent = outcome.result is Result.PERMANENT
    if outcome.result is Result.ACCEPTED:
        message.status = MessageStatus.SENT
        message.sent_at = now
        message.error_code = message.error_message = ""
        message.provider_message_id = outcome.provider_message_id[:100]
    elif outcome.result is Result.UNKNOWN:
        message.status = MessageStatus.UNKNOWN
        plan_look_up(message)
    elif outcome.opted_out and message.answers_id:
        # The provider answers a STOP itself and lets nothing through after it.
        message.status = MessageStatus.SUPPRESSED
    elif outcome.result is Result.PERMANENT or message.attempts >= MAX_ATTEMPTS:
        message.status = MessageStatus.FAILED
    else:
        _try_again(message, outcome, now)


def _try_again(message: Message, outcome: Outcome, now: datetime) -> None:
    after = _provider_after(message.provider) if outcome.result in _ELSEWHERE else ""
    message.next_provider = after or ("" if outcome.result in _ELSEWHERE else message.provider)
    again = now if after else now + _wait(message.attempts, outcome.retry_after)
    if again >= message.expires_at:
        message.status = MessageStatus.FAILED
    else:
        message.status, message.send_at = MessageStatus.QUEUED, again


def _provider_after(name: str) -> str:
    """The next one in the order; empty after the last."""
    names: list[str] = settings.SMS_PROVIDERS
    following = names[names.index(name) + 1 :] if name in names else names[:1]
    return following[0] if following else ""


def _wait(attempts: int, asked: timedelta | None) -> timedelta:
    """Doubles with each attempt; jitter keeps a thousand refused texts from coming back as one crowd."""
    wait = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
    return max(wait, asked) if asked else wait
