from datetime import datetime
from itertools import count
from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.audit import SYSTEM
from accounts.models import Clinic, User
from stock.ledger import move
from stock.models import AlertKind, AlertStatus, Item, Movement, StockAlert, StockLevel, VisitTypeItem
from tests.factories.accounts import ClinicFactory, StaffFactory

EVERY_DAY = {str(day): ["07:30", "16:30"] for day in range(7)}


class ItemFactory(DjangoModelFactory[Item]):
    """Counted in tablets, in packs of one, without an expiry of its own."""

    class Meta:
        model = Item

    code = factory.Sequence(lambda n: f"ITEM{n:03d}")
    name = factory.Sequence(lambda n: f"Item {n}")
    unit = "tablet"
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")


class StockLevelFactory(DjangoModelFactory[StockLevel]):
    """At zero, in a clinic that is open every day, without thresholds. `stocked` fills it."""

    class Meta:
        model = StockLevel

    clinic = factory.SubFactory(ClinicFactory, opening_hours=EVERY_DAY)
    item = factory.SubFactory(ItemFactory)
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")


class VisitTypeItemFactory(DjangoModelFactory[VisitTypeItem]):
    class Meta:
        model = VisitTypeItem

    visit_type = "Family planning"
    item = factory.SubFactory(ItemFactory)
    quantity = 1


class StockAlertFactory(DjangoModelFactory[StockAlert]):
    """Open: the level is low."""

    class Meta:
        model = StockAlert

    level = factory.SubFactory(StockLevelFactory)
    clinic = factory.SelfAttribute("level.clinic")
    kind = AlertKind.LOW
    opening_status = status = AlertStatus.LOW
    opened_at = factory.LazyFunction(timezone.now)


def stocked(quantity: int, *, now: datetime | None = None, **level: Any) -> StockLevel:
    """A level with so many units, received by the ledger in lot L1 without an expiry date."""
    made = StockLevelFactory(**level)
    if quantity:
        moved(made, "receipt", quantity, lot="L1", now=now)
    made.refresh_from_db()
    return made


def moved(
    level: StockLevel, kind: str, quantity: int, *, now: datetime | None = None, **entry: Any
) -> Movement:
    return move(
        level_id=level.pk, kind=kind, quantity=quantity, actor=SYSTEM, now=now or timezone.now(), **entry
    )


def keeper(clinic: Clinic, **fields: Any) -> User:
    """A stock manager of `clinic` with a phone and a mail address."""
    made = StaffFactory(
        clinics=[clinic],
        **{"phone": f"+26772{next(_phones):06d}", "email": f"keeper{next(_phones)}@clinic.example", **fields},
    )
    made.stock_manager_of.add(clinic)
    return made


_phones = count(1)
