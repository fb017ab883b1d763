"""All texts whose end is not known, asked for at their providers now, whenever their next turn would be."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Clinic
from common.batches import batched
from messaging.models import Message, MessageStatus
from messaging.providers import provider_class
from messaging.receipts import match_waiting
from messaging.reconciling import GIVE_UP_AFTER, expire_leases, poll_sent, reconcile

BATCH = 500


def differences(now: datetime) -> Iterator[str]:
    """Asks, takes over what the providers say, and gives a line for each text that is now in another state.

    Outside a transaction. What a receipt or a worker settles meanwhile is among them.
    """
    tally: Counter[str] = Counter()
    expire_leases(now, tally)
    match_waiting(now=now)
    before = {**_due_now(_unknown(now)), **_due_now(_without_receipt(now))}
    while reconcile(now, tally):
        pass
    while poll_sent(now, tally):
        pass
    for keys in batched(before, BATCH):
        found = Message.objects.filter(pk__in=keys).order_by("pk")
        for pk, status, provider in found.values_list("pk", "status", "provider"):
            if status != before[pk]:
                yield f"{pk}: here {before[pk]}, at {provider} {_there(status)}"


def _there(status: str) -> str:
    return "it is not: queued again" if status == MessageStatus.QUEUED else status


def _due_now(messages: QuerySet[Message]) -> dict[UUID, str]:
    """Has them asked about in the next pass; gives their present states."""
    states = dict(messages.values_list("pk", "status"))
    real_now = timezone.now()
    for keys in batched(states, BATCH):
        Message.objects.filter(pk__in=keys, status__in=set(states.values())).update(look_up_at=real_now)
    return states


def _unknown(_now: datetime) -> QuerySet[Message]:
    # Whose words are gone can't be told from others there.
    unknown = Message.objects.filter(~Q(to=""), status=MessageStatus.UNKNOWN)
    able = [name for name in _named(unknown) if _can(name, "can_look_up")]
    return unknown.filter(provider__in=able)


def _without_receipt(now: datetime) -> QuerySet[Message]:
    # By the clinics' keys: the index goes by clinic and time.
    clinics = list(Clinic.objects.order_by().values_list("pk", flat=True))
    sent = Message.objects.filter(
        Q(clinic__in=clinics) | Q(clinic__isnull=True),
        status=MessageStatus.SENT,
        sent_at__gte=now - GIVE_UP_AFTER,
    )
    able = [name for name in _named(sent) if _can(name, "gives_receipts")]
    return sent.filter(~Q(provider_message_id=""), provider__in=able)


def _named(those: QuerySet[Message]) -> set[str]:
    return set(those.order_by().values_list("provider", flat=True).distinct())


def _can(name: str, what: str) -> bool:
    try:
        return bool(getattr(provider_class(name), what))
    except ImportError:
        return False
