"""Alerts follow the levels: opened when one gets low, worse with it, closed when it is over.

`follow` is called in the transaction that writes a level's figures, so an alert can't be missed or lost.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from accounts.audit import Actor, Change, plain, record
from common.after_commit import once
from common.errors import NotFound, StateConflict, ValidationFailed
from stock.models import (
    LOW_STATUSES,
    AlertKind,
    Order,
    OrderState,
    StockAlert,
    StockAlertQuerySet,
    StockLevel,
)
from stock.models.alerts import RANKS

# Without a rate nobody can say what will be used in time: then lots are told of so long before.
EXPIRY_DAYS = 60
FARTHEST_SNOOZE = timedelta(days=90)
# What is expected later than that was mistyped.
FARTHEST_DELIVERY = timedelta(days=365)
# What was over for less than that was not over: a receipt of 100 for one of 10, say.
SLIP = timedelta(hours=12)
BATCH = 500
_FOLLOWED = (
    *("status", "worsened_at", "snoozed_until", "remind_at", "escalate_at", "closed_at"),
    *("ordered", "acknowledged_at", "acknowledged_by"),
)


def follow(levels: Sequence[StockLevel], *, now: datetime, nothing_to_come: Collection[UUID] = ()) -> None:
    """Makes the alerts of `levels`, which are locked, what their figures say, in a few statements.

    They come with their clinic and item. `nothing_to_come`: those of which the last that was on order has
    just come or been cancelled. If they are low still, somebody has to act again.
    """
    if not levels:
        return
    opened = _going_on(levels, now)
    new, changed = [], []
    for level in levels:
        today = now.astimezone(level.clinic.zone).date()
        for kind, status in ((AlertKind.LOW, _low(level)), (AlertKind.EXPIRING, _expiring(level, today))):
            alert = opened.get((level.pk, kind))
            if alert is None and status:
                new.append(_opened(level, kind, status, now))
            elif alert is not None and status != (alert.status if alert.closed_at is None else ""):
                _step(alert, status, now)
                changed.append(alert)
            if alert is not None and status and kind == AlertKind.LOW and level.pk in nothing_to_come:
                _undone(alert, now)
                changed.append(alert)
    StockAlert.objects.bulk_create(new, batch_size=BATCH)
    changed = list({alert.pk: alert for alert in changed}.values())
    StockAlert.objects.bulk_update(changed, _FOLLOWED, batch_size=100)
    vital = {level.pk for level in levels if level.item.vital}
    if any(alert.status == "out" and alert.level_id in vital for alert in (*new, *changed)):
        once(_nudge)


def _going_on(levels: Sequence[StockLevel], now: datetime) -> dict[tuple[UUID, str], StockAlert]:
    """The alerts of `levels` that are open, or were until a moment ago, by level and kind."""
    lately = Q(closed_at__isnull=True) | Q(closed_at__gt=now - SLIP)
    found = StockAlert.objects.filter(lately, level__in=[level.pk for level in levels])
    # The one that is open, or else the one that was last, comes last.
    found = found.order_by(F("closed_at").asc(nulls_last=True), "pk").select_for_update()
    return {(alert.level_id, alert.kind): alert for alert in found}


def _nudge() -> None:
    async_task("stock.tasks.tell_of_alerts")


def _low(level: StockLevel) -> str:
    """Empty too where nothing was ever written down: a new level is not out, nobody has filled it yet."""
    if not level.sequence:
        return ""
    return str(level.status) if level.status in LOW_STATUSES else ""


def _expiring(level: StockLevel, today: date) -> str:
    """Whether something has expired on the shelf, or will before it is used."""
    soon = (
        level.next_expiry is not None
        and not level.daily_usage
        and level.next_expiry <= today + timedelta(days=EXPIRY_DAYS)
    )
    return "expiring" if level.on_hand > level.usable or level.will_expire or soon else ""


def _opened(level: StockLevel, kind: str, status: str, now: datetime) -> StockAlert:
    return StockAlert(
        level=level,
        clinic_id=level.clinic_id,
        kind=kind,
        opening_status=status,
        status=status,
        opened_at=now,
        remind_at=now + remind_after(),
        escalate_at=now + escalate_after(),
    )


def remind_after() -> timedelta:
    return timedelta(hours=settings.STOCK_ALERT_REMIND_HOURS)


def escalate_after() -> timedelta:
    return timedelta(hours=settings.STOCK_ALERT_ESCALATE_HOURS)


def _step(alert: StockAlert, status: str, now: datetime) -> None:
    if not status:
        # When somebody would be told is kept: it holds again if it was a slip.
        alert.closed_at = now
        return
    alert.closed_at = None
    if RANKS[status] < RANKS[alert.status]:
        # What somebody decided when it was better does not hold any more.
        alert.worsened_at, alert.snoozed_until = now, None
        alert.remind_at = now + remind_after()
        if alert.escalated_at is None:
            alert.escalate_at = min(alert.escalate_at or now + escalate_after(), now + escalate_after())
    alert.status = status


def _undone(alert: StockAlert, now: datetime) -> None:
    """What somebody did came to nothing, or was not enough. What was put off still is."""
    if alert.acknowledged_at is None or alert.snoozed_until is not None:
        return
    alert.ordered, alert.acknowledged_at, alert.acknowledged_by = False, None, ""
    alert.remind_at = now
    if alert.escalated_at is None:
        alert.escalate_at = now + escalate_after()


def _acted_until(alert: StockAlert, now: datetime) -> datetime:
    """When what somebody has done should have helped: the day after a delivery is expected, or else after
    the time that one takes."""
    level, zone = alert.level, alert.clinic.zone
    today = now.astimezone(zone).date()
    orders = Order.objects.filter(level=level, state=OrderState.OPEN, expected_on__gte=today)
    expected: date | None = orders.aggregate(last=Max("expected_on"))["last"]
    if expected is not None and expected - today <= FARTHEST_DELIVERY:
        return datetime.combine(expected + timedelta(days=1), time(), zone)
    return now + timedelta(days=level.lead_time_mean or level.lead_time_days)


def acknowledge(
    *,
    alert_id: UUID,
    ordered: bool | None = None,
    snooze_until: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> StockAlert:
    """Somebody acts: nobody is reminded before `snooze_until`, or before a delivery should have come.

    `ordered` False takes back that it is on order. The same again changes nothing.
    StateConflict when it is over; ValidationFailed on "snooze_until".
    """
    if ordered and snooze_until is not None:
        raise ValidationFailed.on("snooze_until", _("Say either that it is ordered, or until when it waits."))
    if snooze_until is not None and not now < snooze_until <= now + FARTHEST_SNOOZE:
        raise ValidationFailed.on(
            "snooze_until", _("Give a time within the next %(days)d days.") % {"days": FARTHEST_SNOOZE.days}
        )
    with transaction.atomic():
        alert = (
            StockAlert.objects.select_related("clinic", "level")
            .select_for_update(of=("self",))
            .filter(pk=alert_id)
            .first()
        )
        if alert is None:
            raise NotFound(_("There is no such alert."))
        if alert.closed_at is not None:
            raise StateConflict(_("This alert is over."))
        kept = alert.ordered and snooze_until is None
        wanted = (kept if ordered is None else ordered, snooze_until)
        before = (alert.ordered, alert.snoozed_until)
        if wanted == before and _settled(alert):
            return alert
        taken_back = ordered is False and alert.ordered and snooze_until is None
        alert.ordered, alert.snoozed_until = wanted
        alert.acknowledged_at, alert.acknowledged_by = now, actor.name[:150]
        alert.escalate_at = None
        if taken_back:
            alert.remind_at = now + remind_after()
        else:
            alert.remind_at = snooze_until or _acted_until(alert, now)
        if (snooze_until is not None or taken_back) and alert.escalated_at is None:
            alert.escalate_at = alert.remind_at + max(escalate_after() - remind_after(), timedelta())
        alert.save()
        changes = {
            name: [plain(old), plain(new)]
            for name, old, new in zip(("ordered", "snoozed_until"), before, wanted, strict=True)
            if old != new
        }
        record(actor, [Change.of(alert, "acknowledged", changes)], now=now)
    return alert


def _settled(alert: StockAlert) -> bool:
    """Whether somebody has acted, and it has neither got worse nor come back since."""
    acted = alert.acknowledged_at
    return acted is not None and all(
        moment is None or moment <= acted for moment in (alert.worsened_at, alert.reminded_at)
    )


def remind(*, now: datetime) -> int:
    """Marks the alerts on which nobody has acted: they are in the next digests again. Gives how many."""
    due = StockAlertQuerySet(StockAlert).to_remind(now)
    return _mark(due, reminded_at=now, remind_at=None, snoozed_until=None)


def escalate(*, now: datetime) -> int:
    """Marks those on which nobody has acted for long: administrators are told too. Gives how many."""
    return _mark(StockAlertQuerySet(StockAlert).to_escalate(now), escalated_at=now, escalate_at=None)


def _mark(alerts: StockAlertQuerySet, **values: datetime | None) -> int:
    with transaction.atomic():
        # In the order in which `follow` locks them; what it holds comes with the next pass.
        locked = alerts.order_by("pk").select_for_update(skip_locked=True)
        keys = list(locked.values_list("pk", flat=True))
        return StockAlert.objects.filter(pk__in=keys).update(**values) if keys else 0
