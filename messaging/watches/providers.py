"""Providers that are left alone, and texts that come to nothing with one of them."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from accounts.models import Clinic
from messaging.alarms import Finding
from messaging.models import AlarmKind, Breaker, Message, MessageQuerySet, MessageStatus, Pin, ProviderState
from messaging.order import outlets
from messaging.providers import provider_class

BREAKER_KINDS = {AlarmKind.PROVIDER_DOWN, AlarmKind.ACCOUNT_CLOSED}
UNKNOWN_KINDS = {AlarmKind.UNKNOWN_STAYS}
FAILING_KINDS = {AlarmKind.MANY_FAIL}
# A pause shorter than that mends itself.
DOWN_FOR = timedelta(minutes=10)
# A text of which the provider has said nothing by then is phoned about.
UNKNOWN_FOR = timedelta(hours=4)
# By then its patient was phoned, or has come.
UNKNOWN_MATTERS = timedelta(days=2)
HOUR = timedelta(hours=1)
LEAST, SHARE = 20, 0.2


def in_trouble(_now: datetime) -> Iterator[Finding]:
    """Breakers that are open; their times are by the real clock."""
    troubled = ProviderState.objects.filter(name__in=outlets(), opened_at__isnull=False)
    # Who has pinned it to "never" knows.
    for state in troubled.exclude(breaker=Breaker.CLOSED).exclude(pin=Pin.LEAVE):
        if state.last_error in _account_codes(state.name):
            facts = {"provider": state.name, "code": state.last_error}
            yield Finding(AlarmKind.ACCOUNT_CLOSED, state.name, facts)
        elif state.opened_at and timezone.now() - state.opened_at >= DOWN_FOR:
            yield Finding(AlarmKind.PROVIDER_DOWN, state.name, {"code": state.last_error})


def _account_codes(name: str) -> frozenset[str]:
    try:
        return provider_class(name).account_codes
    except ImportError:
        return frozenset()


def unknown(_now: datetime) -> Iterator[Finding]:
    """Texts of which nobody can say, or has said for hours, whether they were sent."""
    real_now = timezone.now()
    # Whether a mail to staff came is nothing to phone about.
    lasting = (
        MessageQuerySet(Message)
        .texts()
        .filter(
            Q(look_up_at__isnull=True) | Q(claimed_at__lt=real_now - UNKNOWN_FOR),
            status=MessageStatus.UNKNOWN,
            claimed_at__gte=real_now - UNKNOWN_MATTERS,
        )
    )
    count = lasting.count()
    if count:
        yield Finding(AlarmKind.UNKNOWN_STAYS, facts={"count": count})


def failing(now: datetime) -> Iterator[Finding]:
    """Providers with which a large part of the last hour's texts came to nothing."""
    since = now - HOUR
    ended = Message.objects.filter(
        status__in=[MessageStatus.UNDELIVERED, MessageStatus.FAILED], updated_at__gte=since
    )
    in_vain = _by_provider(ended)
    if not any(failed > SHARE * LEAST for failed in in_vain.values()):
        return
    clinics = Clinic.objects.order_by().values_list("pk", flat=True)
    well = Message.objects.filter(
        # What staff are told may be of no clinic.
        Q(clinic__in=list(clinics)) | Q(clinic__isnull=True),
        sent_at__gte=since,
        status__in=[MessageStatus.SENT, MessageStatus.DELIVERED],
    )
    others = _by_provider(well)
    for name, failed in sorted(in_vain.items()):
        count = failed + others[name]
        if name and count >= LEAST and failed > SHARE * count:
            yield Finding(AlarmKind.MANY_FAIL, name, {"count": count, "failed": failed})


def _by_provider(messages: QuerySet[Message]) -> Counter[str]:
    return Counter(dict(messages.order_by().values_list("provider").annotate(count=Count("pk"))))
