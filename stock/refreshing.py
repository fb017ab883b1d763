"""The nightly figures: usage, lead times and booked visits, for many levels at once."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from statistics import mean, stdev
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import Clinic
from common.batches import batched
from stock.alerts import follow
from stock.book import Book
from stock.demand import booked_demand
from stock.figures import FIGURES, refresh
from stock.models import Lot, Order, OrderState, StockLevel
from stock.reorder import set_reorder_point
from stock.rules import MOST_UNITS
from stock.usage import Usage, calendar_of, measure
from stock.writing import write_rows

BATCH = 500
# Orders of a level, or of its whole clinic, that must have been received before their days are believed:
# bad months are rare, and fewer orders may not have met one.
ENOUGH_ORDERS = 20
ENOUGH_OF_CLINIC = 5
LEAD_TIMES_OF_DAYS = 2 * 365
_FROM_HISTORY = (
    "usage_rate",
    "usage_variance",
    "usage_units",
    "usage_days",
    "usage_on",
    "average_monthly",
    "booked_demand",
    "open_weekdays",
    "lead_time_mean",
    "lead_time_sd",
    "reorder_point",
    "figures_on",
)


def refresh_stale(*, now: datetime, seconds: float = 40) -> int:
    """Brings the figures of levels up to their clinic's day, for about `seconds`; gives how many.

    What is left over is stale still, and the next pass goes on there.
    """
    deadline = time.monotonic() + seconds
    done = 0
    for level_ids in _stale(now):
        done += refresh_levels(level_ids, now=now)
        if time.monotonic() > deadline:
            break
    return done


def refresh_backdated(book: Book) -> None:
    """The figures of levels whose past has just been written to: yesterday's issue is in the rate at once."""
    days = {pk: book.today(level) for pk, level in book.levels.items()}
    backdated = {entry.level_id for entry in book.written if entry.occurred_on < days[entry.level_id]}
    if backdated:
        refresh_levels(sorted(backdated), now=book.now)


def _stale(now: datetime) -> Iterator[list[UUID]]:
    """Batches of levels whose figures are of an earlier day; read anew each time."""
    for zone_name in Clinic.objects.order_by("time_zone").values_list("time_zone", flat=True).distinct():
        today = now.astimezone(Clinic(time_zone=zone_name).zone).date()
        old = StockLevel.objects.filter(
            Q(figures_on__isnull=True) | Q(figures_on__lt=today), clinic__time_zone=zone_name
        ).order_by("clinic_id", "pk")
        while batch := list(old.values_list("pk", flat=True)[:BATCH]):
            yield batch


def refresh_levels(level_ids: Iterable[UUID], *, now: datetime) -> int:
    """All figures of these levels, from the ledger; gives how many there were.

    The history is read before the rows are locked: what moves meanwhile is in the balance, and in tomorrow's
    rate. The version stays: a figure is no change.
    """
    done = 0
    for batch in batched(level_ids, BATCH):
        by_clinic: dict[UUID, list[UUID]] = defaultdict(list)
        for pk, clinic_id in StockLevel.objects.filter(pk__in=batch).values_list("pk", "clinic_id"):
            by_clinic[clinic_id].append(pk)
        clinics = Clinic.objects.in_bulk(by_clinic)
        for clinic_id, ids in sorted(by_clinic.items()):
            done += _refresh_clinic(clinics[clinic_id], sorted(ids), now)
    return done


def _refresh_clinic(clinic: Clinic, level_ids: Sequence[UUID], now: datetime) -> int:
    today = now.astimezone(clinic.zone).date()
    weekdays, days, open_days = calendar_of(clinic, today)
    usages = dict(zip(level_ids, measure(level_ids, days, open_days), strict=True))
    lead_times = _lead_times(clinic, level_ids, now)
    with transaction.atomic():
        found = StockLevel.objects.select_related("item").filter(pk__in=level_ids).order_by("pk")
        levels = list(found.select_for_update(of=("self",)))
        for level in levels:
            set_usage(level, usages[level.pk], usage_on=days[-1])
            level.open_weekdays = weekdays
            level.lead_time_mean, level.lead_time_sd = lead_times[level.pk]
            level.figures_on = today
        booked = booked_demand(clinic, levels, now=now)
        for level in levels:
            level.booked_demand = booked.get(level.pk, 0)
        set_reorder_point(levels)
        lots = _lots_in_stock(level_ids)
        for level in levels:
            refresh(level, lots[level.pk], today=today)
            level.clinic = clinic
        write_rows(levels, (*_FROM_HISTORY, *FIGURES))
        follow(levels, now=now)
    return len(levels)


def set_usage(level: StockLevel, usage: Usage, *, usage_on: date) -> None:
    """A reliable rate replaces the last one; where there is none, the last one stays: an item that is out
    of stock is needed still. Only what lay there for long, and nobody asked for, loses it."""
    level.average_monthly = usage.average_monthly
    if usage.rate is not None:
        level.usage_rate, level.usage_variance = round(usage.rate, 6), round(usage.variance or 0.0, 6)
        level.usage_days, level.usage_on = usage.days, usage_on
    elif usage.dormant or level.usage_rate is None:
        level.usage_rate = level.usage_variance = level.usage_on = None
        level.usage_days = usage.days
    else:
        return
    level.usage_units = min(usage.units, MOST_UNITS)


def _lead_times(
    clinic: Clinic, level_ids: Sequence[UUID], now: datetime
) -> dict[UUID, tuple[float | None, float | None]]:
    since = now.date() - timedelta(days=LEAD_TIMES_OF_DAYS)
    orders = Order.objects.filter(
        level__clinic=clinic, state=OrderState.RECEIVED, received_on__gte=since
    ).order_by()
    days: dict[UUID, list[int]] = defaultdict(list)
    for level_id, ordered_on, received_on in orders.values_list("level_id", "ordered_on", "received_on"):
        if received_on is not None:
            days[level_id].append(max((received_on - ordered_on).days, 1))
    return learned_lead_times(dict.fromkeys([*days, *level_ids], clinic.pk), days)


def learned_lead_times(
    clinics: Mapping[UUID, UUID], days: Mapping[UUID, Sequence[int]]
) -> dict[UUID, tuple[float | None, float | None]]:
    """Mean and standard deviation of the days that orders took: the level's own where they are enough, else
    those of all its clinic's, which mostly come from the same stores; None where these are too few too.

    `clinics` maps levels to clinics, `days` levels to the days of their received orders.
    """
    pooled: dict[UUID, list[int]] = defaultdict(list)
    for level_id, each in days.items():
        pooled[clinics[level_id]] += each
    shared = {clinic_id: _mean_and_sd(each, ENOUGH_OF_CLINIC) for clinic_id, each in pooled.items()}
    nothing = (None, None)
    found = {}
    for level_id, clinic_id in clinics.items():
        own = _mean_and_sd(days.get(level_id, ()), ENOUGH_ORDERS)
        found[level_id] = own if own != nothing else shared.get(clinic_id, nothing)
    return found


def _mean_and_sd(days: Sequence[int], enough: int) -> tuple[float | None, float | None]:
    if len(days) < enough:
        return None, None
    return round(mean(days), 2), round(stdev(days), 2)


def _lots_in_stock(level_ids: Collection[UUID]) -> dict[UUID, list[Lot]]:
    lots: dict[UUID, list[Lot]] = defaultdict(list)
    for lot in Lot.objects.filter(level__in=level_ids, quantity__gt=0).order_by():
        lots[lot.level_id].append(lot)
    return lots
