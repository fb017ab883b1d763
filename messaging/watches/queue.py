"""The dead-man's switch: texts should have left, and none has."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Count, Q

from accounts.models import Clinic
from messaging.alarms import Finding
from messaging.dispatch import sending_is_on
from messaging.models import AlarmKind, Message, MessageQuerySet, MessageStatus, TemplateKey
from messaging.quiet_hours import next_allowed

KINDS = {AlarmKind.NOTHING_LEAVES, AlarmKind.TOO_SLOW, AlarmKind.SENDING_OFF, AlarmKind.NONE_ARRIVES}
# A pass comes twice a minute: what waits longer was not looked at, or has no provider.
LATE = timedelta(minutes=15)
# A provider with a low rate may take its time, but not so much.
TOO_SLOW = timedelta(hours=1)
DAY = timedelta(days=1)
# Of fewer reminders, all may have gone wrong by chance.
FEW = 3
_LEFT = {MessageStatus.SENT, MessageStatus.DELIVERED}
_IN_VAIN = {
    MessageStatus.FAILED,
    MessageStatus.UNDELIVERED,
    MessageStatus.EXPIRED,
    MessageStatus.UNKNOWN,
}


def check(now: datetime) -> Iterator[Finding]:
    clinics = list(Clinic.objects.order_by("pk"))
    late = _late(clinics, now)
    if not sending_is_on():
        # That is all there is to say: nothing else can be expected to leave.
        if late.exists():
            count = MessageQuerySet(Message).texts().due(now).count()
            yield Finding(AlarmKind.SENDING_OFF, facts={"count": count})
        return
    first = late.order_by("send_at").values_list("send_at", flat=True).first()
    if first is not None:
        waits = now - first
        facts = {"count": late.count(), "minutes": int(waits.total_seconds() // 60)}
        if not _any_left_since(clinics, now - LATE):
            yield Finding(AlarmKind.NOTHING_LEAVES, facts=facts)
        elif waits > TOO_SLOW:
            yield Finding(AlarmKind.TOO_SLOW, facts=facts)
    yield from _clinics_in_vain(clinics, now)


def _late(clinics: list[Clinic], now: datetime) -> MessageQuerySet:
    """What should have left by now. What a limit or quiet hours hold has a later time, once looked at."""
    moment = now - LATE
    awake = [
        clinic.pk
        for clinic in clinics
        if next_allowed(moment, clinic) <= moment and next_allowed(now, clinic) <= now
    ]
    # Mails go their own way: how they do says nothing of texts.
    late = (
        MessageQuerySet(Message)
        .texts()
        .filter(status=MessageStatus.QUEUED, send_at__lte=moment, expires_at__gt=now)
    )
    # Answers to replies know no quiet hours, nor do words to staff that are of no clinic.
    return late.filter(Q(clinic__in=awake) | Q(clinic__isnull=True) | Q(answers__isnull=False))


def _any_left_since(clinics: list[Clinic], moment: datetime) -> bool:
    # By the clinics' keys: the index goes by clinic and time.
    left = MessageQuerySet(Message).texts().filter(sent_at__gte=moment)
    return left.filter(Q(clinic__in=clinics) | Q(clinic__isnull=True)).exists()


def _clinics_in_vain(clinics: list[Clinic], now: datetime) -> Iterator[Finding]:
    """Clinics whose reminders of the last day all came to nothing."""
    recent = Message.objects.filter(
        clinic__in=clinics, created_at__gte=now - DAY, purpose=TemplateKey.REMINDER
    )
    counted = (
        recent.order_by()
        .values("clinic_id")
        .annotate(
            left=Count("pk", filter=Q(status__in=_LEFT)), in_vain=Count("pk", filter=Q(status__in=_IN_VAIN))
        )
    )
    by_key = {clinic.pk: clinic for clinic in clinics}
    for row in counted.filter(left=0, in_vain__gte=FEW):
        clinic = by_key[row["clinic_id"]]
        # A clinic with no budget is not meant to send.
        if clinic.daily_message_budget != 0:
            yield Finding(AlarmKind.NONE_ARRIVES, clinic.code, {"count": row["in_vain"]}, clinic.pk)
