"""What providers say became of a message: kept once, in whatever order and however early it comes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from common.among import among
from messaging import lessons
from messaging.following_up import follow_up
from messaging.models import TRANSITIONS, Message, MessageEvent, MessageStatus, Receipt
from messaging.providers.base import StatusReport

BATCH = 500
# A receipt that fits no message of ours by then never will.
WAITS_AT_MOST = timedelta(days=1)
_FIELDS = [
    "status",
    "provider_message_id",
    "sent_at",
    "delivered_at",
    "error_code",
    "error_message",
    "error_permanent",
    "look_up_at",
    "updated_at",
]


def take(report: StatusReport, *, provider: str, now: datetime) -> None:
    """Keeps a receipt and moves its message forward; a second time, or for a stranger's, changes nothing.

    Call it outside a transaction: the receipt is committed before its message is looked for.
    """
    take_all([(provider, report)], now=now)


def take_all(told: Sequence[tuple[str, StatusReport]], *, now: datetime) -> Counter[str]:
    """`take` for several, each with its provider's name: how many messages came to each state."""
    Receipt.objects.bulk_create(
        (
            Receipt(
                provider=provider,
                provider_message_id=report.provider_message_id[:100],
                status=report.status,
                code=report.code[:40],
                detail=report.message[:300],
                permanent=report.permanent,
                reference=report.message_id,
                at=report.at or now,
            )
            for provider, report in told
        ),
        ignore_conflicts=True,
        batch_size=500,
    )
    numbers = {report.provider_message_id[:100] for _, report in told}
    providers = {provider for provider, _ in told}
    return _match(_waiting().filter(provider__in=providers, provider_message_id__in=numbers), now=now)


def match_early(messages: Sequence[Message], *, now: datetime) -> None:
    """Finds the receipts that came before these messages' provider numbers were committed."""
    numbers = (message.provider_message_id for message in messages)
    _match(_waiting().filter(among("provider_message_id", numbers)), now=now)


def match_waiting(*, now: datetime) -> None:
    """Finds what a killed worker left unmatched. What waits is little: strangers' and the last seconds'."""
    waiting = _waiting().filter(at__gte=now - WAITS_AT_MOST)
    found = Message.objects.filter(provider_message_id__in=waiting.values("provider_message_id"))
    lost = Message.objects.filter(
        pk__in=waiting.filter(reference__isnull=False).values("reference"), status=MessageStatus.UNKNOWN
    )
    match_early(list(found), now=now)
    _match(waiting.filter(reference__in=lost.values("pk")), now=now)


def _waiting() -> QuerySet[Receipt]:
    return Receipt.objects.filter(message__isnull=True)


def _match(waiting: QuerySet[Receipt], *, now: datetime) -> Counter[str]:
    moved: Counter[str] = Counter()
    keys = list(waiting.values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        with transaction.atomic():
            receipts = list(
                Receipt.objects.filter(pk__in=keys[start : start + BATCH], message__isnull=True)
                .select_for_update()
                .order_by("pk")
            )
            moved += _apply(_with_messages(receipts), now)
    return moved


def _with_messages(receipts: Sequence[Receipt]) -> list[tuple[Receipt, Message]]:
    """Each receipt with its message, locked; without those that are nobody's."""
    numbers = {receipt.provider_message_id for receipt in receipts}
    references = {receipt.reference for receipt in receipts if receipt.reference}
    # A text whose answer was lost has no number of the provider's; ours, given back, is as good.
    messages = list(
        Message.objects.filter(
            Q(provider_message_id__in=numbers)
            # Of one whose words were erased nothing is taken in any more.
            | Q(~Q(to=""), pk__in=references, status=MessageStatus.UNKNOWN, provider_message_id="")
        )
        .select_for_update()
        .order_by("pk")
    )
    by_number = {(m.provider, m.provider_message_id): m for m in messages if m.provider_message_id}
    by_id = {(m.provider, m.pk): m for m in messages if not m.provider_message_id}
    found = []
    for receipt in receipts:
        message = by_number.get((receipt.provider, receipt.provider_message_id))
        if message is None and receipt.reference:
            message = by_id.get((receipt.provider, receipt.reference))
        if message is not None:
            found.append((receipt, message))
    # What came together is taken in its natural order, so that "sent" does not hide behind an end.
    return sorted(found, key=lambda pair: pair[0].status != MessageStatus.SENT)


def _apply(pairs: Sequence[tuple[Receipt, Message]], now: datetime) -> Counter[str]:
    moved = {}
    told = _told(message.pk for _, message in pairs)
    events = []
    for receipt, message in pairs:
        receipt.message = message
        key = (message.pk, receipt.provider, receipt.status, receipt.code)
        if key not in told:
            told.add(key)
            events.append(_event(receipt, message))
        if receipt.status in TRANSITIONS[message.status]:
            _step(message, receipt, now)
            moved[message.pk] = message
    Receipt.objects.bulk_update([receipt for receipt, _ in pairs], ["message"], batch_size=100)
    Message.objects.bulk_update({m.pk: m for _, m in pairs}.values(), _FIELDS, batch_size=100)
    MessageEvent.objects.bulk_create(events, batch_size=1000)
    lessons.learn(list(moved.values()), now=now)
    follow_up(list(moved.values()), now=now)
    return Counter(message.status for message in moved.values())


def _told(message_ids: Iterable[UUID]) -> set[tuple[UUID, str, str, str]]:
    events = MessageEvent.objects.filter(message_id__in=set(message_ids))
    return set(events.values_list("message_id", "provider", "status", "code"))


def _when(receipt: Receipt, message: Message) -> datetime:
    """Not before it was sent, whichever of two clocks is wrong and however early the receipt came."""
    return max(receipt.at, message.sent_at or receipt.at)


def _event(receipt: Receipt, message: Message) -> MessageEvent:
    return MessageEvent(
        message=message,
        status=receipt.status,
        at=_when(receipt, message),
        provider=receipt.provider,
        code=receipt.code,
        detail=receipt.detail,
    )


def _step(message: Message, receipt: Receipt, now: datetime) -> None:
    message.status = receipt.status
    message.provider_message_id = receipt.provider_message_id
    message.sent_at = message.sent_at or receipt.at
    if receipt.status == MessageStatus.DELIVERED:
        message.delivered_at = _when(receipt, message)
    message.error_code, message.error_message = receipt.code, receipt.detail
    message.error_permanent = receipt.permanent
    message.look_up_at, message.updated_at = None, now
