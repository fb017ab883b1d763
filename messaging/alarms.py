"""Alarms: opened when something is found wrong, closed when it is over or by an administrator."""

import logging
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.access import AnyUser, clinics_visible_to, may
from accounts.audit import Actor, Change, record
from common.errors import NotFound
from messaging.models import Alarm, AlarmKind
from messaging.signals import alarm_opened

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong. `subject` tells it from others of its kind; `facts` are what its words need.

    Nothing of a patient in either: both are logged.
    """

    kind: AlarmKind
    subject: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    clinic_id: UUID | None = None


def raise_alarm(finding: Finding, *, now: datetime) -> bool:
    """Opens its alarm; True if it was not open. One that is open is noted as still true."""
    with transaction.atomic():
        if _still_true(finding, now):
            return False
        try:
            with transaction.atomic():
                alarm = Alarm.objects.create(
                    kind=finding.kind,
                    subject=finding.subject,
                    facts=finding.facts,
                    clinic_id=finding.clinic_id,
                    opened_at=now,
                    seen_at=now,
                )
        except IntegrityError:
            # Another worker has found it in this moment.
            if _still_true(finding, now):
                return False
            raise
        transaction.on_commit(partial(_tell, alarm), robust=True)
    return True


def raise_all(findings: Iterable[Finding], *, now: datetime) -> None:
    for finding in findings:
        raise_alarm(finding, now=now)


def _still_true(finding: Finding, now: datetime) -> bool:
    of_it = Alarm.objects.filter(kind=finding.kind, subject=finding.subject, closed_at__isnull=True)
    return bool(of_it.update(seen_at=now, facts=finding.facts))


def _tell(alarm: Alarm) -> None:
    logger.error("ALARM %s: %s", alarm.kind, alarm.subject or "the site")
    for receiver, answer in alarm_opened.send_robust(sender=Alarm, alarm=alarm):
        if isinstance(answer, Exception):
            logger.error("Who should tell of the alarm can't: %s", getattr(receiver, "__name__", receiver))


def close_over(kinds: Collection[str], still: Collection[tuple[str, str]], *, now: datetime) -> None:
    """Closes the open alarms of `kinds` that are not among `still`: (kind, subject) each.

    Not those that were found by somebody else after `now`, when the round began.
    """
    theirs = _open().filter(kind__in=kinds, seen_at__lte=now)
    _close([alarm for alarm in theirs if (alarm.kind, alarm.subject) not in still], now)


def close_silent(kinds: Collection[str], *, unseen_since: datetime, now: datetime) -> None:
    """Closes those of `kinds` that were not found again since then."""
    _close(list(_open().filter(kind__in=kinds, seen_at__lt=unseen_since)), now)


def _close(alarms: Collection[Alarm], now: datetime) -> None:
    if not alarms:
        return
    _open().filter(pk__in=[alarm.pk for alarm in alarms]).update(closed_at=now)
    for alarm in alarms:
        logger.info("Alarm over: %s: %s", alarm.kind, alarm.subject or "the site")


def acknowledge_alarm(alarm_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Somebody looks after it: it stays open and calls no more. A second time, or when over: no change."""
    with transaction.atomic():
        alarm = _locked(alarm_id)
        if alarm.closed_at is None and alarm.acknowledged_at is None:
            alarm.acknowledged_at, alarm.acknowledged_by = now, actor.name
            alarm.save(update_fields=["acknowledged_at", "acknowledged_by"])
            record(actor, [Change.of(alarm, "acknowledged")], now=now)


def close_alarm(alarm_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Closes it by hand; what is still wrong opens a new one. A second time changes nothing."""
    with transaction.atomic():
        alarm = _locked(alarm_id)
        if alarm.closed_at is None:
            alarm.closed_at = max(now, alarm.opened_at)
            alarm.save(update_fields=["closed_at"])
            record(actor, [Change.of(alarm, "closed")], now=now)


def _locked(alarm_id: UUID) -> Alarm:
    alarm = Alarm.objects.select_for_update().filter(pk=alarm_id).first()
    if alarm is None:
        raise NotFound(_("There is no such alarm."))
    return alarm


def _open() -> QuerySet[Alarm]:
    return Alarm.objects.filter(closed_at__isnull=True)


def alarms_visible_to(user: AnyUser, alarms: QuerySet[Alarm]) -> QuerySet[Alarm]:
    """Those of the person's clinics, and those of no clinic: a provider's troubles are everybody's."""
    if not may(user, "view", "messaging.alarm"):
        return alarms.none()
    return alarms.filter(Q(clinic__isnull=True) | Q(clinic__in=clinics_visible_to(user)))


def open_alarms(user: AnyUser) -> QuerySet[Alarm]:
    """The open ones that this person sees, those that nobody looks after first."""
    return alarms_visible_to(user, _open()).order_by("acknowledged_at", "opened_at", "pk")


def open_by_kind() -> Counter[str]:
    """How many are open, of each kind that there is."""
    counted = Counter(dict.fromkeys(AlarmKind.values, 0))
    counted.update(_open().order_by().values_list("kind", flat=True))
    return counted
