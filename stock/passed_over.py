from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from stock.allocation import expired_of
from stock.entries import ONLY_USABLE
from stock.models import Lot, Movement


def passed_over(movements: Iterable[Movement]) -> dict[UUID, list[Lot]]:
    """Of each issue and transfer just written: the expired lots on its shelf, which it did not draw on.

    One query, and none where there is no such entry.
    """
    drawn = [movement for movement in movements if movement.kind in ONLY_USABLE]
    lots: dict[UUID, list[Lot]] = defaultdict(list)
    if drawn:
        held = Lot.objects.filter(level__in={m.level_id for m in drawn}, quantity__gt=0)
        for lot in held.filter(expires_on__isnull=False):
            lots[lot.level_id].append(lot)
    return {movement.pk: expired_of(lots[movement.level_id], movement.occurred_on) for movement in drawn}
