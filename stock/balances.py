"""Balances of the past, reckoned back from what there is now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Sum

from stock.models import Movement, StockLevel


def balances_by_day(
    levels: Sequence[StockLevel], *, today: date, days: int
) -> dict[UUID, list[tuple[date, int]]]:
    """Of each level, the units on hand at the end of each day on which they changed: (day, units), from
    `days` ago until `today`, with its first and last day in any case. One query for all levels.

    By the days on which things happened. What was written down late can make a day look negative; that is 0.
    """
    first = today - timedelta(days=days)
    changes: dict[UUID, dict[date, int]] = defaultdict(dict)
    found = (
        Movement.objects.filter(level__in=[level.pk for level in levels], occurred_on__gt=first)
        .exclude(change=0)
        .order_by()
        .values_list("level_id", "occurred_on")
        .annotate(units=Sum("change"))
    )
    for level_id, day, units in found:
        changes[level_id][min(day, today)] = changes[level_id].get(min(day, today), 0) + units
    return {level.pk: _back(level.on_hand, changes[level.pk], first, today) for level in levels}


def _back(on_hand: int, changes: dict[date, int], first: date, today: date) -> list[tuple[date, int]]:
    balance, points = on_hand, [(today, max(on_hand, 0))]
    for day in sorted(changes, reverse=True):
        if day != today:
            points.append((day, max(balance, 0)))
        balance -= changes[day]
    points.append((first, max(balance, 0)))
    return points[::-1]
