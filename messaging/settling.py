"""What a provider's answer makes of a message."""

import random
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from messaging.models import Message, MessageEvent, MessageStatus
from messaging.providers.base import Outcome, Result

MAX_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)

_RETRIED = {Result.TRANSIENT, Result.ROUTE, Result.CONFIGURATION}
_FIELDS = [
    "status",
    "send_at",
    "provider_message_id",
    "error_code",
    "error_message",
    "error_permanent",
    "sent_at",
    "updated_at",
]


def settle(
    claim: UUID, outcomes: dict[UUID, Outcome], *, provider: str, now: datetime, tally: Counter[str]
) -> None:
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
        Message.objects.bulk_update(messages, _FIELDS, batch_size=500)
        MessageEvent.objects.bulk_create(
            (
                MessageEvent(
                    message_id=message.pk,
                    status=message.status,
                    at=now,
                    provider=provider,
                    code=message.error_code,
                    detail=message.error_message,
                )
                for message in messages
            ),
            batch_size=1000,
        )


def _apply(message: Message, outcome: Outcome, now: datetime) -> None:
    message.updated_at = now
    message.error_code = outcome.code[:40]
    message.error_message = outcome.message[:300]
    message.error_permanent = outcome.result is Result.PERMANENT
    if outcome.result is Result.ACCEPTED:
        message.status = MessageStatus.SENT
        message.sent_at = now
        message.provider_message_id = outcome.provider_message_id[:100]
    elif outcome.result is Result.UNKNOWN:
        message.status = MessageStatus.UNKNOWN
    elif outcome.result in _RETRIED and message.attempts < MAX_ATTEMPTS:
        again = now + _wait(message.attempts, outcome.retry_after)
        if again >= message.expires_at:
            message.status = MessageStatus.FAILED
        else:
            message.status, message.send_at = MessageStatus.QUEUED, again
    else:
        message.status = MessageStatus.FAILED


def _wait(attempts: int, asked: timedelta | None) -> timedelta:
    """Doubles with each attempt; jitter keeps a thousand refused texts from coming back as one crowd."""
    wait = min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311
    return max(wait, asked) if asked else wait
