"""A text that no phone got is tried again: later that day, then by the next provider, then by a nurse."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from messaging.models import Message, MessageEvent, MessageStatus
from messaging.order import provider_after
from messaging.providers import provider_class
from messaging.providers.base import Result
from messaging.services import follow
from messaging.signals import messages_followed

# A phone that was off is on again by then, and it is still the same day.
LATER = timedelta(hours=2)
# With less time than that, a nurse's call is surer.
TOO_SHORT = timedelta(minutes=20)
MOST = 2


@dataclass(frozen=True, slots=True)
class Again:
    send_at: datetime
    next_provider: str


def follow_up(messages: Sequence[Message], *, now: datetime) -> list[Message]:
    """Queues one more try for those of `messages` that ended without being delivered and may still be.

    In the transaction that ended them. Each text is followed once, whoever asks; those that are not
    followed are left to the call list.
    """
    pairs = []
    for message in messages:
        if message.status not in (MessageStatus.UNDELIVERED, MessageStatus.FAILED):
            continue
        again = _again(message, now)
        if again is not None:
            pairs.append((message, follow(message, again.send_at, again.next_provider, now=now)))
    new = [follower for _, follower in pairs]
    Message.objects.bulk_create(new, batch_size=1000)
    MessageEvent.objects.bulk_create(
        MessageEvent(message_id=message.pk, status=MessageStatus.QUEUED, at=now) for message in new
    )
    if pairs:
        messages_followed.send(sender=Message, pairs=pairs)
    return new


def _again(message: Message, now: datetime) -> Again | None:
    if not message.provider_message_id or message.error_permanent or message.answers_id:
        return None
    if message.follow_up >= MOST or message.expires_at - now < TOO_SHORT:
        return None
    meaning = _meaning(message)
    if meaning is Result.PERMANENT:
        return None
    following = provider_after(message.provider)
    wait = min(LATER, (message.expires_at - now) / 2)
    if meaning in (Result.ROUTE, Result.CONFIGURATION) or message.follow_up > 0:
        # What this provider can't do to this phone it can't do in two hours either.
        return Again(now, following) if following else None
    return Again(now + wait, message.provider)


def _meaning(message: Message) -> Result:
    try:
        return provider_class(message.provider).result_of(message.error_code)
    except ImportError:
        return Result.UNKNOWN
