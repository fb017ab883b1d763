"""What was asked for, day by day, as the ledger has it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import numpy as np
from django.db.models import Q, Sum
from numpy.typing import NDArray

from stock.models import Movement, MovementKind, StockLevel

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Demand:
    """Levels × days: `asked` for (issued and unmet), `unmet` of it, whether the clinic `is_open`, and the
    `balance` at the end of each day. Of each level its pack (units) and shelf life (days)."""

    levels: list[StockLevel]
    first: date
    asked: Floats
    unmet: Floats
    balance: Floats
    is_open: Bools
    packs: Floats
    shelf_lives: Floats

    @property
    def days(self) -> int:
        return self.asked.shape[1]


def read_demand(levels: Sequence[StockLevel]) -> Demand | None:
    """From the first entry of the ledger to the last; None where there is none."""
    entries = Movement.objects.filter(level__in=levels).order_by()
    span = list(entries.values_list("occurred_on", flat=True).distinct())
    if not span:
        return None
    first, days = min(span), (max(span) - min(span)).days + 1
    rows = {level.pk: row for row, level in enumerate(levels)}
    shape = (len(levels), days)
    asked, unmet, change = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    by_day = entries.values_list("level_id", "occurred_on").annotate(
        units=Sum("change"),
        wanted=Sum("demand"),
        missed=Sum("demand", filter=Q(kind=MovementKind.UNMET), default=0),
    )
    for level_id, day, units, wanted, missed in by_day.iterator(chunk_size=5000):
        place = rows[level_id], (day - first).days
        change[place] += units
        asked[place] += max(wanted, 0)
        unmet[place] += missed
    return Demand(
        levels=list(levels),
        first=first,
        asked=asked,
        unmet=np.minimum(unmet, asked),
        balance=np.maximum(change.cumsum(axis=1), 0),
        is_open=_open_days(levels, asked, first),
        packs=np.array([float(level.item.pack_size) for level in levels]),
        shelf_lives=np.array([float(level.item.shelf_life_days or 36_500) for level in levels]),
    )


def _open_days(levels: Sequence[StockLevel], asked: Floats, first: date) -> Bools:
    """A clinic was open on days on which anything was asked of it, and by its hours."""
    by_clinic: dict[UUID, list[int]] = defaultdict(list)
    for row, level in enumerate(levels):
        by_clinic[level.clinic_id].append(row)
    weekdays = np.array([(first + timedelta(days=day)).weekday() for day in range(asked.shape[1])])
    is_open = np.zeros(asked.shape, dtype=bool)
    for rows in by_clinic.values():
        hours = levels[rows[0]].clinic.opening_hours
        by_hours = np.isin(weekdays, [day for day in range(7) if hours.get(str(day))])
        is_open[rows] = by_hours | (asked[rows].sum(axis=0) > 0)
    return is_open
