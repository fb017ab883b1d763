"""Whether each balance is what its ledger says; it always should be."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Aggregate, Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, Greatest

from stock.models import Lot, Movement, MovementLot, Order, OrderState, StockLevel, Transfer, TransferState


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` of a level is `stored`, but `ledger` by what it stands on."""

    level_id: UUID
    clinic_code: str
    item_code: str
    what: str
    stored: int
    ledger: int


def check() -> Iterator[str]:
    """Every difference as a line for a terminal; none where all is as it should be."""
    for found in differences():
        yield (
            f"{found.clinic_code} {found.item_code}: {found.what} is {found.stored}, "
            f"by its ledger {found.ledger} ({found.level_id})"
        )


def differences() -> Iterator[Difference]:
    """Every level whose balance, lots, numbering or units on order are not what they should be."""
    checks = {
        "on_hand": ("on_hand", _sum(Movement.objects.filter(level=OuterRef("pk")), "level", Sum("change"))),
        "lots": ("on_hand", _sum(Lot.objects.filter(level=OuterRef("pk")), "level", Sum("quantity"))),
        "picks": (
            "on_hand",
            _sum(MovementLot.objects.filter(level=OuterRef("pk")), "level", Sum("quantity")),
        ),
        "entries": ("sequence", _sum(Movement.objects.filter(level=OuterRef("pk")), "level", Count("pk"))),
        "on_order": ("on_order", _on_order()),
    }
    for what, (field, by_ledger) in checks.items():
        wrong = StockLevel.objects.annotate(by_ledger=by_ledger).exclude(by_ledger=F(field))
        rows = wrong.order_by("pk").values_list("pk", "clinic__code", "item__code", field, "by_ledger")
        for pk, clinic_code, item_code, one, other in rows.iterator():
            # What is stored as lots is checked against the balance, all else against the ledger.
            stored, ledger = (other, one) if what in ("lots", "picks") else (one, other)
            yield Difference(pk, clinic_code, item_code, what, stored, ledger)


def _sum(rows: QuerySet[Any], group: str, total: Aggregate) -> Coalesce:
    return Coalesce(Subquery(rows.order_by().values(group).annotate(total=total).values("total")), 0)


def _on_order() -> CombinedExpression:
    orders = Order.objects.filter(Q(state=OrderState.OPEN), level=OuterRef("pk"))
    coming = Transfer.objects.filter(Q(state=TransferState.IN_TRANSIT), to_level=OuterRef("pk"))
    outstanding = Sum(Greatest(F("quantity") - F("received"), 0))
    return _sum(orders, "level", outstanding) + _sum(coming, "to_level", Sum("quantity"))
