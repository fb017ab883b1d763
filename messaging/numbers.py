"""Phones of which a provider said that they are none, or get no texts.

Reminders to them are still tried: a number may come to life, and a provider may be wrong. Until a text gets
through, a nurse is told of the number before the next reminder is due.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from accounts.audit import Actor, Change, record
from messaging.models import BadNumber, Channel, Message, MessageStatus
from messaging.providers import provider_class

BATCH = 500


def names_the_number(provider: str, code: str) -> bool:
    """Whether that provider's code means that the number gets no texts, whatever they say."""
    try:
        return code in provider_class(provider).number_codes
    except ImportError:
        return False


def learn(messages: Sequence[Message], *, now: datetime) -> None:
    """Takes note of what these messages, as they have just become, say of their phones.

    In the transaction that wrote them; one statement where there is nothing new. Mails say nothing of phones.
    """
    messages = [message for message in messages if message.channel == Channel.SMS]
    bad = {
        message.to: message
        for message in messages
        if message.status in (MessageStatus.FAILED, MessageStatus.UNDELIVERED)
        and names_the_number(message.provider, message.error_code)
    }
    for phone in _reached_since(bad.values()) if bad else ():
        bad.pop(phone, None)
    BadNumber.objects.bulk_create(
        # In one order for all, or two workers could wait for each other.
        (
            BadNumber(phone=phone, provider=message.provider, code=message.error_code, since=now)
            for phone, message in sorted(bad.items())
        ),
        ignore_conflicts=True,
        batch_size=BATCH,
    )
    _forget({message.to for message in messages if message.status == MessageStatus.DELIVERED} - bad.keys())


def _reached_since(failed: Iterable[Message]) -> set[str]:
    """The phones of these that got a later text: the failure is told late, and is over."""
    sent = {message.to: message.sent_at or message.created_at for message in failed}
    delivered = Message.objects.filter(
        to__in=sent, status=MessageStatus.DELIVERED, sent_at__gt=min(sent.values())
    )
    return {phone for phone, at in delivered.values_list("to", "sent_at") if at and at > sent[phone]}


def _forget(phones: set[str]) -> None:
    if not phones:
        return
    known = BadNumber.objects.filter(phone__in=phones).order_by("phone").select_for_update()
    keys = list(known.values_list("pk", flat=True))
    if keys:
        BadNumber.objects.filter(pk__in=keys).delete()


def bad_numbers(phones: Iterable[str]) -> dict[str, BadNumber]:
    """Those of `phones` (E.164) that get no texts, as far as is known."""
    return {bad.phone: bad for bad in BadNumber.objects.filter(phone__in=set(phones))}


def clear_number(phone: str, *, actor: Actor, now: datetime) -> None:
    """A person says that the number is right. A second time changes nothing."""
    with transaction.atomic():
        bad = BadNumber.objects.select_for_update().filter(phone=phone).first()
        if bad is None:
            return
        change = Change.of(bad, "number cleared", {"code": [bad.code, ""]})
        bad.delete()
        record(actor, [change], now=now)
