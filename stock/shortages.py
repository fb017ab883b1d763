"""What a clinic is short of, for who has a glance at it between two patients."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from stock.models import StockLevel


@dataclass(frozen=True, slots=True)
class Shortages:
    """The most urgent levels with their items, and how many there are in all."""

    levels: list[StockLevel]
    total: int


def shortages(clinic_ids: Collection[UUID], *, most: int) -> Shortages:
    """Out, critical or low, the most urgent first; in two queries."""
    low = StockLevel.objects.low().filter(clinic__in=clinic_ids)
    levels = list(low.select_related("item")[:most])
    return Shortages(levels, low.order_by().count() if len(levels) == most else len(levels))
