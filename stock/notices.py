"""What a person was told and what is news to them. What was queued and never arrived was not told."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from messaging.following_up import MOST
from messaging.models import Channel, MessageStatus
from stock.alert_wording import News
from stock.models import AlertNotice, StockAlert

# Nobody has read a message that ended so, or nobody knows; twice is better than never.
UNREAD = (
    MessageStatus.FAILED,
    MessageStatus.UNDELIVERED,
    MessageStatus.EXPIRED,
    MessageStatus.SUPPRESSED,
    MessageStatus.CANCELLED,
    MessageStatus.UNKNOWN,
)
# That something is over is no news any more after that.
WORTH_REPEATING = timedelta(days=7)


def in_vain(prefix: str = "") -> Q:
    """Notices whose messages, and all that was sent in their place, have ended unread."""
    text, mail = f"{prefix}text", f"{prefix}mail"
    some = Q(**{f"{text}__isnull": False}) | Q(**{f"{mail}__isnull": False})
    return some & _unread(text) & _unread(mail)


def _unread(message: str) -> Q:
    """That there is none, or it has ended unread and so has its last follower."""
    tries = [message + "__followed_by" * number for number in range(MOST + 1)]
    found = Q(**{f"{tries[-1]}__isnull": True}) | Q(**{f"{tries[-1]}__status__in": UNREAD})
    for each in reversed(tries[:-1]):
        found = Q(**{f"{each}__isnull": True}) | Q(**{f"{each}__status__in": UNREAD}) & found
    return found


def news_for(user: User, *, now: datetime) -> News:
    """What has changed since this person was told last, in their clinics; of what is left undone, an
    administrator's are all."""
    mine = Q(clinic__in=user.stock_manager_of.all())
    if user.is_admin:
        mine |= Q(escalated_at__isnull=False) | Q(
            pk__in=AlertNotice.objects.filter(user=user).values("alert")
        )
    alerts = StockAlert.objects.filter(mine).select_related("clinic", "level__item", "level__clinic")
    standing = list(alerts.filter(closed_at__isnull=True))
    known = AlertNotice.objects.filter(user=user)
    told = known.exclude(in_vain())
    notices = {n.alert_id: n for n in told.filter(over=False)}
    news = News()
    for alert in _by_urgency(standing):
        notice = notices.get(alert.pk)
        if notice is None:
            news.new.append(alert)
        elif notice.worsened_at != alert.worsened_at:
            news.worse.append(alert)
        elif (notice.reminded_at, notice.escalated_at) != (alert.reminded_at, alert.escalated_at):
            news.waiting.append(alert)
    open_now = {(alert.level_id, alert.kind) for alert in standing}
    # Of what never arrived it is told too that it is over: something of it may have been heard before.
    lost = known.filter(in_vain(), over=True, told_at__gte=now - WORTH_REPEATING)
    heard = known.filter(over=False).values("alert")
    ended = alerts.filter(Q(pk__in=heard) | Q(pk__in=lost.values("alert")), closed_at__isnull=False)
    # What is open anew is not over.
    news.over = [a for a in _by_urgency(ended) if (a.level_id, a.kind) not in open_now]
    last = {alert.level_id: alert for alert in sorted(news.over, key=lambda alert: alert.opened_at)}
    news.folded = [alert for alert in news.over if last[alert.level_id] is not alert]
    news.over = [alert for alert in news.over if last[alert.level_id] is alert]
    if news.over:
        there = {alert.clinic_id for alert in news.over}
        news.still_open = StockAlert.objects.filter(closed_at__isnull=True, clinic__in=there).count()
    return news


def _by_urgency(alerts: Iterable[StockAlert]) -> list[StockAlert]:
    def place(alert: StockAlert) -> tuple[bool, float, str]:
        urgency = alert.level.urgency
        return urgency is None, urgency or 0.0, alert.level.item.name

    return sorted(alerts, key=place)


def note_told(user: User, alerts: Sequence[StockAlert], *, by: Mapping[str, UUID], now: datetime) -> None:
    """That this person is told of these, as they are in memory, `by` messages: their ids by channel."""
    AlertNotice.objects.bulk_create(
        (
            AlertNotice(
                alert=alert,
                user=user,
                told_at=now,
                worsened_at=alert.worsened_at,
                reminded_at=alert.reminded_at,
                escalated_at=alert.escalated_at,
                over=alert.closed_at is not None,
                text_id=by.get(Channel.SMS),
                mail_id=by.get(Channel.EMAIL),
            )
            for alert in alerts
        ),
        update_conflicts=True,
        unique_fields=["user", "alert"],
        update_fields=["told_at", "worsened_at", "reminded_at", "escalated_at", "over", "text", "mail"],
        batch_size=500,
    )
