"""How much patients need a day, from the ledger: counted on days on which they could get it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import numpy as np
from django.db.models import Case, IntegerField, Max, Sum, Value, When
from numpy.typing import NDArray

from accounts.models import Clinic
from stock.models import Lot, Movement, MovementKind, MovementLot
from stock.opening import closed_days, is_open, usual_weekdays

WINDOW_DAYS = 182
# Used when the shorter window has fewer counted days than FEW_DAYS.
LONG_WINDOW_DAYS = 365
FEW_DAYS = 60
# With less than this, there is not enough data.
LEAST_DAYS = 30
LEAST_ISSUES = 3
# A clinic that has issued nothing for longer than this is taken not to have written anything down.
SILENT_DAYS = 14
MONTH_DAYS = 30.4

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one level. `rate` is units a counted day, `variance` that of a day's demand; None: not enough data.

    `dormant`: it lay there for long and hardly anybody asked, so that an older rate does not hold either.
    """

    rate: float | None
    variance: float | None
    units: int
    days: int
    average_monthly: float | None
    dormant: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """Levels × days. `demand` in units (issued and unmet, less returned), `issues` the entries behind it,
    `stocked`: usable stock at some time of the day; `tracked`: the level existed. `is_open` is one row."""

    demand: Floats
    issues: Floats
    stocked: Bools
    tracked: Bools
    is_open: Bools


def calendar_of(clinic: Clinic, today: date) -> tuple[int, list[date], Bools]:
    """The clinic's open weekdays (bits), the days of the long window, and which of them were open.

    The window ends yesterday, or on the last day with issues where nothing has been written down since. Open
    are the usual weekdays but for days that were closed, and every other day on which something was issued.
    """
    since = today - timedelta(days=2 * LONG_WINDOW_DAYS)
    active = set(
        Movement.objects.filter(
            level__clinic=clinic, demand__gt=0, occurred_on__gte=since, occurred_on__lt=today
        )
        .order_by()
        .values_list("occurred_on", flat=True)
        .distinct()
    )
    end = today - timedelta(days=1)
    if active and (end - max(active)).days > SILENT_DAYS:
        end = max(active)
    days = [end - timedelta(days=n) for n in range(LONG_WINDOW_DAYS - 1, -1, -1)]
    weekdays = usual_weekdays(clinic, active)
    closed = closed_days(clinic, days[0], end)
    usual = (is_open(day, weekdays) and day not in closed for day in days)
    return (
        weekdays,
        days,
        np.array([is_usual or day in active for day, is_usual in zip(days, usual, strict=True)]),
    )


def measure(level_ids: Sequence[UUID], days: Sequence[date], open_days: Bools) -> list[Usage]:
    """The usage of each level, in order: three queries for all of them."""
    return usage_of(read_history(level_ids, days, open_days))


def usage_of(history: History) -> list[Usage]:
    """Of each level: see the module's constants and docs/stock.md."""
    counted = history.stocked & history.is_open
    wide = history.tracked & history.is_open
    return [
        _usage(history.demand[row], history.issues[row], counted[row], wide[row], history.stocked[row])
        for row in range(len(history.demand))
    ]


def _usage(demand: Floats, issues: Floats, counted: Bools, wide: Bools, stocked: Bools) -> Usage:
    start = len(demand) - WINDOW_DAYS
    if counted[start:].sum() < FEW_DAYS:
        start = 0
    demand, issues, counted, wide = demand[start:], issues[start:], counted[start:], wide[start:]
    units = max(demand[counted].sum(), 0.0)
    days = int(counted.sum())
    taken = counted
    # Where staff wrote down what was asked for on days without stock, those days are counted too, if they
    # show the higher rate: written down now and then, they would only dilute it.
    asked = max(demand[wide].sum(), 0.0)
    if wide.sum() > days and asked * max(days, 1) > units * wide.sum():
        units, days, taken = asked, int(wide.sum()), wide
    monthly = _average_monthly(demand, stocked[start:])
    if days < LEAST_DAYS or issues[taken].sum() < LEAST_ISSUES or not units:
        dormant = int(counted.sum()) >= FEW_DAYS
        return Usage(None, None, int(units), days, monthly, dormant)
    variance = float(demand[taken].var(ddof=1))
    return Usage(units / days, variance, int(units), days, monthly)


def _average_monthly(demand: Floats, stocked: Bools) -> float | None:
    """Consumption a month, days without stock left out: consumed ÷ (months − days out ÷ 30.4)."""
    in_stock = int(stocked.sum())
    if in_stock < LEAST_DAYS:
        return None
    return round(float(max(demand[stocked].sum(), 0.0)) * MONTH_DAYS / in_stock, 2)


def read_history(level_ids: Sequence[UUID], days: Sequence[date], open_days: Bools) -> History:
    """From the ledger; levels in the order given, days in a row without gaps."""
    shape = (len(level_ids), len(days))
    rows = {pk: row for row, pk in enumerate(level_ids)}
    demand, issues = np.zeros(shape), np.zeros(shape)
    for level_id, day, units, entries in _demand(level_ids, days[0], days[-1]):
        place = rows[level_id], (day - days[0]).days
        demand[place] += units
        issues[place] += entries
    stocked, touched = _stocked(rows, days)
    # Issues show that there was stock, even if it came and went within the day.
    stocked |= (demand > 0) & touched
    opening = stocked[:, :1]
    tracked = np.logical_or.accumulate(touched | (demand != 0) | opening, axis=1)
    return History(demand, issues, stocked, tracked, open_days)


def _demand(level_ids: Sequence[UUID], first: date, last: date) -> Iterable[tuple[UUID, date, int, int]]:
    entries = Case(
        When(kind__in=(MovementKind.ISSUE, MovementKind.UNMET), then=Value(1)),
        When(kind=MovementKind.REVERSAL, demand__lt=0, then=Value(-1)),
        default=Value(0),
        output_field=IntegerField(),
    )
    return (
        Movement.objects.filter(level__in=level_ids, occurred_on__range=(first, last))
        .exclude(demand=0)
        .order_by()
        .values_list("level_id", "occurred_on")
        .annotate(units=Sum("demand"), entries=Sum(entries))
        .iterator(chunk_size=5000)
    )


def _stocked(rows: dict[UUID, int], days: Sequence[date]) -> tuple[Bools, Bools]:
    """On which days there was usable stock, at their start or end; and on which stock moved at all.

    Reckoned back from what the lots hold now. A lot counts through its expiry date, or through the last day
    on which it was issued from all the same.
    """
    width = len(days)
    lots = _lots(rows)
    moves = [
        (pk, lot, (day - days[0]).days, units, issued)
        for pk, lot, day, units, issued in _allocated(list(rows), days[0])
    ]
    ends = {pk: _end(expires_on, days) for pk, (_row, expires_on, _quantity) in lots.items()}
    left = {pk: quantity for pk, (_row, _expires, quantity) in lots.items()}
    for _level_id, lot_id, at, units, issued in moves:
        left[lot_id] -= units
        if issued > 0:
            ends[lot_id] = max(ends[lot_id], min(at + 1, width))
    # One column more: what expires after the window falls out there.
    levels = np.zeros((len(rows), width + 1))
    within = np.zeros((len(rows), width + 1))
    touched = np.zeros((len(rows), width), dtype=bool)
    for level_id, lot_id, at, units, _issued in moves:
        row, end = rows[level_id], ends[lot_id]
        if at < width:
            touched[row, at] = True
            if at < end:
                levels[row, at] += units
                levels[row, end] -= units
                within[row, at] += units
    for pk, (row, _expires_on, _quantity) in lots.items():
        if left[pk] and ends[pk]:
            levels[row, 0] += left[pk]
            levels[row, ends[pk]] -= left[pk]
    at_end = levels.cumsum(axis=1)
    stocked = (at_end > 0) | (at_end - within > 0)
    return stocked[:, :width], touched


def _end(expires_on: date | None, days: Sequence[date]) -> int:
    """The first day (as an index) on which a lot is no stock any more."""
    if expires_on is None:
        return len(days)
    return min(max((expires_on - days[0]).days + 1, 0), len(days))


def _lots(level_ids: Collection[UUID]) -> dict[UUID, tuple[int, date | None, int]]:
    place = {pk: row for row, pk in enumerate(level_ids)}
    found = Lot.objects.filter(level__in=list(level_ids)).order_by()
    return {
        pk: (place[level_id], expires_on, quantity)
        for pk, level_id, expires_on, quantity in found.values_list(
            "pk", "level_id", "expires_on", "quantity"
        ).iterator(chunk_size=5000)
    }


def _allocated(level_ids: Sequence[UUID], first: date) -> Iterable[tuple[UUID, UUID, date, int, int]]:
    """Level, lot, day, units; and more than 0 where patients got some of them."""
    return (
        MovementLot.objects.filter(level__in=level_ids, occurred_on__gte=first)
        .order_by()
        .values_list("level_id", "lot_id", "occurred_on")
        .annotate(units=Sum("quantity"), issued=Max("movement__demand"))
        .iterator(chunk_size=5000)
    )
