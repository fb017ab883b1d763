"""Who is told what, and when: one digest a person and day; vital items that are out, at once."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Clinic, Role, User
from messaging.models import Channel, TemplateKey
from messaging.nudging import nudge
from messaging.services import Draft, enqueue
from messaging.template_book import Text
from stock.alert_wording import Mail, News, at_once_mail, digest_mail, digest_text, low_stock_text
from stock.models import AlertNotice, DigestTurn, StockAlert, StockAlertQuerySet
from stock.notices import WORTH_REPEATING, in_vain, news_for, note_told
from stock.reaching import Reader, local_now, readers

logger = logging.getLogger(__name__)

SUBJECT = "stock.digest"
# By then the next digest is there.
USEFUL_FOR = timedelta(hours=24)
BATCH = 200
MORNING = time(6)
# A phone that is off for long is not texted all day.
TELL_AGAIN = timedelta(hours=4)


def send_digests(*, now: datetime) -> int:
    """Queues the digests of all whose hour has come; gives how many people are told something."""
    found = readers(_people(now))
    _start_turns(found, now)
    turns = DigestTurn.objects.in_bulk([reader.user.pk for reader in found])
    due = [r.user.pk for r in found if r.user.pk in turns and _due_day(turns[r.user.pk], r, now)]
    return sum(_digest_of(user_id, now) for user_id in due)


def _digest_of(user_id: UUID, now: datetime) -> bool:
    """One person whose digest can't be made keeps nobody else from theirs."""
    try:
        return send_digest(user_id, now=now)
    except Exception as error:  # noqa: BLE001  one person's fault must not cost the others their digest
        # Not its words: they may name somebody.
        logger.error("The digest of user %s can't be made: %s", user_id, type(error).__name__)
        return False


def _start_turns(people: Sequence[Reader], now: datetime) -> None:
    """Of who was never told anything, the day before counts as done."""
    DigestTurn.objects.bulk_create(
        (
            DigestTurn(
                user=reader.user,
                day=local_now(reader.preferences, now).date() - timedelta(days=1),
                not_before=now,
            )
            for reader in people
        ),
        ignore_conflicts=True,
        batch_size=500,
    )


def _due_day(turn: DigestTurn, reader: Reader, now: datetime) -> date | None:
    """The day of the latest digest that should be there by now and is not: today's, or yesterday's."""
    if turn.not_before > now:
        return None
    local = local_now(reader.preferences, now)
    day = local.date()
    if datetime.combine(day, reader.preferences.digest_time, local.tzinfo) > now:
        day -= timedelta(days=1)
    return day if day > turn.day else None


def _people(now: datetime) -> QuerySet[User]:
    """Stock managers, and administrators while something is left undone, whose day is not done yet."""
    managers = User.stock_manager_of.through.objects.filter(user=OuterRef("pk"))
    done = DigestTurn.objects.filter(user=OuterRef("pk"), not_before__gt=now)
    concerned = Q(Exists(managers))
    boss = Q(is_superuser=True) | Q(role=Role.ADMIN)
    recent = Q(over=False) | Q(told_at__gte=now - WORTH_REPEATING)
    concerned |= boss & Q(Exists(AlertNotice.objects.filter(recent, user=OuterRef("pk"))))
    if StockAlert.objects.filter(closed_at__isnull=True, escalated_at__isnull=False).exists():
        concerned |= boss
    return User.objects.filter(concerned, ~Exists(done), is_active=True)


def send_digest(user_id: UUID, *, now: datetime) -> bool:
    """Queues a person's digest, if it is their hour and this day's was not made; whether there was one.

    What they are told and that they were is one transaction: whatever crashes, it is said once.
    """
    with transaction.atomic():
        [reader] = readers(User.objects.filter(pk=user_id))
        _start_turns([reader], now)
        turn = DigestTurn.objects.select_for_update().get(user_id=user_id)
        day = _due_day(turn, reader, now)
        if day is None:
            return False
        turn.day = day
        turn.not_before = datetime.combine(
            day + timedelta(days=1), time(), local_now(reader.preferences, now).tzinfo
        )
        turn.save()
        news = news_for(reader.user, now=now)
        return bool(news.alerts()) and _tell_digest(reader, news, turn.day, now)


def _tell_digest(reader: Reader, news: News, day: date, now: datetime) -> bool:
    if not reader.reachable:
        logger.warning("User %s is a stock manager and can't be told: %s", reader.user.pk, reader.problem)
        return False
    text = digest_text(reader, news, now) if reader.phone else None
    mail = digest_mail(reader, news, day) if reader.address else None
    key = f"digest:{reader.user.pk}:{day.isoformat()}"
    queued = drafts(reader, text, mail, key=key, now=now, text_at=_awake(reader, day, now))
    note_told(reader.user, [*news.alerts(), *news.folded], by=_queue(queued, now), now=now)
    nudge()
    return True


def _awake(reader: Reader, day: date, now: datetime) -> datetime:
    """When the text of a digest leaves: one that is late by more than an hour wakes nobody."""
    local = local_now(reader.preferences, now)
    planned = datetime.combine(day, reader.preferences.digest_time, local.tzinfo)
    if local.time() >= MORNING or now - planned <= timedelta(hours=1):
        return now
    return datetime.combine(local.date(), MORNING, local.tzinfo)


def _queue(found: Sequence[Draft], now: datetime) -> dict[str, UUID]:
    """The ids of one person's messages, by channel."""
    return dict(zip((draft.channel for draft in found), enqueue(found, now=now), strict=True))


def drafts(
    reader: Reader,
    text: Text | None,
    mail: Mail | None,
    *,
    key: str | None,
    now: datetime,
    clinic_id: UUID | None = None,
    urgent: bool = False,
    text_at: datetime | None = None,
) -> list[Draft]:
    """What leaves for a person, by each of their ways. Of no clinic, if it is of several."""
    found = []
    for channel, to, words in (
        (Channel.SMS, reader.phone, text),
        (Channel.EMAIL, reader.address, Text(mail.text, 1, "") if mail else None),
    ):
        if not to or words is None:
            continue
        found.append(
            Draft(
                clinic_id=clinic_id,
                purpose=TemplateKey.LOW_STOCK,
                to=to,
                text=words,
                language=reader.preferences.language,
                send_at=(text_at if channel == Channel.SMS else None) or now,
                expires_at=now + USEFUL_FOR,
                dedupe_key=f"{key}:{channel.value}" if key else None,
                subject_type=SUBJECT,
                subject_id=reader.user.pk,
                for_staff=True,
                channel=channel,
                urgent=urgent,
                subject=mail.subject if mail and channel == Channel.EMAIL else "",
                html=mail.html if mail and channel == Channel.EMAIL else "",
            )
        )
    return found


def tell_at_once(*, now: datetime) -> int:
    """Tells the managers of vital items that are out, once an episode; gives how many alerts.

    Whom no message has reached is told again after TELL_AGAIN.
    """
    unheard = AlertNotice.objects.filter(in_vain(), alert=OuterRef("pk"), told_at__lte=now - TELL_AGAIN)
    waiting = (
        StockAlertQuerySet(StockAlert)
        .open()
        .filter(Q(told_at_once_at__isnull=True) | Exists(unheard), status="out", level__item__vital=True)
    )
    done, last = 0, UUID(int=0)
    while True:
        with transaction.atomic():
            batch = list(
                waiting.filter(pk__gt=last)
                .select_related("clinic", "level__item", "level__clinic")
                .order_by("pk")
                .select_for_update(of=("self",), skip_locked=True)[:BATCH]
            )
            told = _tell_out(batch, now)
            StockAlert.objects.filter(pk__in=told).update(told_at_once_at=now)
        done += len(told)
        if len(batch) < BATCH:
            return done
        last = batch[-1].pk


def _tell_out(alerts: Sequence[StockAlert], now: datetime) -> set[UUID]:
    """The ids of those that somebody is told of; the others wait until somebody can be."""
    by_clinic: dict[UUID, list[StockAlert]] = defaultdict(list)
    for alert in alerts:
        by_clinic[alert.clinic_id].append(alert)
    earlier = AlertNotice.objects.filter(alert__in=alerts, alert__told_at_once_at__isnull=False)
    known = set(earlier.exclude(in_vain()).values_list("user_id", "alert_id"))
    administrators: list[Reader] | None = None
    told: set[UUID] = set()
    for clinic_id, theirs in by_clinic.items():
        listeners = [reader for reader in readers(managers_of(theirs[0].clinic)) if reader.reachable]
        if not listeners:
            if administrators is None:
                administrators = [r for r in readers(_administrators()) if r.reachable]
            listeners = administrators
            whom = "the administrators are told" if listeners else "nobody is"
            logger.warning(
                "Vital items are out at clinic %s and no stock manager can be told: %s", clinic_id, whom
            )
        for reader in listeners:
            news = [alert for alert in theirs if (reader.user.pk, alert.pk) not in known]
            if news:
                _tell_of_out(reader, news, now)
                told.update(alert.pk for alert in news)
    return told


def _administrators() -> QuerySet[User]:
    boss = Q(is_superuser=True) | Q(role=Role.ADMIN)
    return User.objects.filter(boss, is_active=True).order_by("username")


def _tell_of_out(reader: Reader, alerts: Sequence[StockAlert], now: datetime) -> None:
    clinic = alerts[0].clinic
    codes = ", ".join(alert.level.item.code for alert in alerts[:3])
    text = low_stock_text(reader, [clinic], now, added=f"({codes})") if reader.phone else None
    mail = at_once_mail(reader, alerts) if reader.address else None
    key = f"out:{reader.user.pk}:{alerts[0].pk}"
    if alerts[0].told_at_once_at is not None:
        key += f":{int(now.timestamp())}"
    queued = drafts(reader, text, mail, key=key, now=now, clinic_id=clinic.pk, urgent=True)
    note_told(reader.user, alerts, by=_queue(queued, now), now=now)
    nudge()


def managers_of(clinic: Clinic) -> QuerySet[User]:
    return User.objects.filter(stock_manager_of=clinic, is_active=True).order_by("username")
