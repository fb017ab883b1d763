"""What a provider's answer makes of a message, and of what is known of the provider."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit import SYSTEM
from common.among import among
from common.set_updates import update_each
from messaging import breaker, lessons, pace
from messaging.events import note
from messaging.models import Message, MessageStatus, ProviderState
from messaging.order import provider_after
from messaging.providers import provider_class
from messaging.providers.base import NOT_STARTED, Outcome, Provider, Result
from messaging.receipts import match_early
from messaging.reconciling import first_poll, plan_look_up
from messaging.sending import ProviderAnswer
from messaging.services import opt_out

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
# So often a text is only not taken now; then another provider may be luckier.
PATIENCE = 3
# Refused only because they were too many at once, or not tried at all: soon again, and no attempt.
SOON = (2.0, 8.0)

# Not by this provider: the next one gets it at once. What is only not taken now waits first.
_ELSEWHERE = {Result.ROUTE, Result.CONFIGURATION}
_FIELDS = [
    "status",
    "send_at",
    "attempts",
    "next_provider",
    "provider_message_id",
    "error_code",
    "error_message",
    "error_permanent",
    "look_up_at",
    "updated_at",
]


def settle(answers: Sequence[ProviderAnswer], *, now: datetime, tally: Counter[str]) -> bool:
    """Writes the answers. A message that is no longer of that claim is left alone.

    True when some of them are due again at once, with another provider.
    """
    outcomes = {answer.parcel.message.pk: answer.outcome for answer in answers}
    with transaction.atomic():
        messages = _still_ours(answers)
        for message in messages:
            _apply(message, outcomes[message.pk], now)
            if outcomes[message.pk].opted_out:
                # The provider heard a STOP that we did not.
                opt_out(message.to, source="provider", actor=SYSTEM, now=now)
        accepted = [message for message in messages if message.status == MessageStatus.SENT]
        _write_accepted(accepted, now)
        others = [message for message in messages if message.status != MessageStatus.SENT]
        Message.objects.bulk_update(others, _FIELDS, batch_size=100)
        note(messages, now=now)
        lessons.learn(messages, [outcomes[message.pk].result for message in messages], now=now)
        _learn(answers)
    tally.update(message.status for message in messages)
    # Only once the numbers are committed: a receipt stored meanwhile is found by one of the two sides.
    match_early([message for message in messages if message.provider_message_id], now=now)
    return any(m.status == MessageStatus.QUEUED and m.send_at <= now for m in messages)


def _still_ours(answers: Sequence[ProviderAnswer]) -> list[Message]:
    """The messages as they were claimed, locked: nobody else has changed what is still of that claim."""
    found = dict(
        Message.objects.filter(
            among("pk", (answer.parcel.message.pk for answer in answers)),
            status__in=[MessageStatus.SENDING, MessageStatus.UNKNOWN],
        )
        .select_for_update()
        .values_list("pk", "claim")
    )
    parcels = [answer.parcel for answer in answers]
    return [parcel.message for parcel in parcels if found.get(parcel.message.pk) == parcel.claim]


def _write_accepted(messages: Sequence[Message], now: datetime) -> None:
    """The common case, in one statement a provider: only the provider's number differs."""
    real_now = timezone.now()
    by_provider: dict[str, list[Message]] = {}
    for message in messages:
        by_provider.setdefault(message.provider, []).append(message)
    for name, theirs in by_provider.items():
        update_each(
            Message,
            "provider_message_id",
            {message.pk: message.provider_message_id for message in theirs},
            status=MessageStatus.SENT,
            sent_at=now,
            error_code="",
            error_message="",
            error_permanent=False,
            look_up_at=first_poll(name, real_now),
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
    elif outcome.result is Result.PERMANENT:
        message.status = MessageStatus.FAILED
    elif _was_no_attempt(message.provider, outcome):
        message.attempts -= 1
        # What was not even begun is only to be checked again.
        wait = 0.0 if outcome.code == NOT_STARTED else random.uniform(*SOON)  # noqa: S311
        _queue(message, timedelta(seconds=wait), outcome, now)
    elif message.attempts >= _class_of(message.provider).most_attempts:
        message.status = MessageStatus.FAILED
    else:
        _try_again(message, outcome, now)


def _was_no_attempt(provider: str, outcome: Outcome) -> bool:
    if outcome.code == NOT_STARTED:
        return True
    return outcome.result is Result.TRANSIENT and outcome.code in _class_of(provider).too_fast_codes


def _try_again(message: Message, outcome: Outcome, now: datetime) -> None:
    moves_on = outcome.result in _ELSEWHERE or message.attempts >= PATIENCE
    after = provider_after(message.provider) if moves_on else ""
    message.next_provider = after if moves_on else message.provider
    _queue(message, timedelta() if after else wait_after(message.attempts), outcome, now)


def _queue(message: Message, wait: timedelta, outcome: Outcome, now: datetime) -> None:
    # What the one provider asks for is nothing to the next.
    asked = outcome.retry_after if wait and outcome.retry_after else timedelta()
    again = now + max(wait, asked)
    if again >= message.expires_at:
        message.status = MessageStatus.FAILED
    else:
        message.status, message.send_at = MessageStatus.QUEUED, again


def wait_after(attempts: int) -> timedelta:
    """Doubles with each attempt; jitter keeps a thousand refused texts from coming back as one crowd."""
    return min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT) * random.uniform(0.8, 1.2)  # noqa: S311


def _class_of(name: str) -> type[Provider]:
    try:
        return provider_class(name)
    except ImportError:
        return Provider


def _learn(answers: Sequence[ProviderAnswer]) -> None:
    """What the answers say of the providers themselves, for all workers."""
    by_provider: dict[str, list[Outcome]] = {}
    for answer in answers:
        by_provider.setdefault(answer.parcel.message.provider, []).append(answer.outcome)
    now = timezone.now()
    states = ProviderState.objects.filter(name__in=by_provider).order_by("name").select_for_update()
    for state in states:
        provider, outcomes = _class_of(state.name), by_provider[state.name]
        breaker.learn(state, [(breaker.health(provider, o), o.code) for o in outcomes], now)
        refused = [o for o in outcomes if o.code in provider.too_fast_codes]
        waits = [o.retry_after for o in refused if o.retry_after]
        pace.learn(
            state,
            taken=sum(o.result is Result.ACCEPTED for o in outcomes),
            refused=len(refused),
            retry_after=max(waits, default=None),
            now=now,
        )
        state.save()
