"""Demo stock: a few items in each demo clinic, with months of use behind them. What exists is left alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import COMMAND
from accounts.models import Clinic
from stock.catalogue import make_item
from stock.entries import Entry
from stock.ledger import move_many
from stock.levels import start_level
from stock.models import Item, MovementKind, StockLevel

HISTORY_DAYS = 100
# An issue every other day: enough to reckon a rate from.
_STEP = 2
_SINCE_OUT = 8


@dataclass(frozen=True, slots=True)
class DemoItem:
    """`issued` units every other day; of them `days_left` lie there today, 0: it ran out a week ago."""

    code: str
    name: str
    unit: str
    pack_size: int
    issued: int
    days_left: int
    vital: bool = False
    expires_in: int = 500
    max_level: int | None = None


ITEMS = (
    DemoItem("PARA500", "Paracetamol 500 mg", "tablet", 1000, 180, 95),
    DemoItem("AMOX500", "Amoxicillin 500 mg", "capsule", 500, 63, 40),
    DemoItem("DMPA150", "Medroxyprogesterone 150 mg/ml", "vial", 25, 7, 8, vital=True),
    DemoItem("HIVRDT", "HIV rapid test", "test", 25, 12, 0, vital=True),
    DemoItem("ORS", "Oral rehydration salts", "sachet", 100, 15, 200, max_level=1000),
    DemoItem("GLOVEM", "Examination gloves, medium", "pair", 100, 44, 70, expires_in=25),
)


def add_stock(clinic_codes: Iterable[str], *, now: datetime) -> int:
    """Items, levels and ledgers of these clinics; gives how many levels were added."""
    items = [_item(known, now) for known in ITEMS]
    clinics = Clinic.objects.filter(code__in=list(clinic_codes)).order_by("code")
    return sum(_add_levels(clinic, items, number, now) for number, clinic in enumerate(clinics))


def _item(demo: DemoItem, now: datetime) -> tuple[DemoItem, Item]:
    found = Item.objects.filter(code=demo.code).first()
    made = found or make_item(
        code=demo.code,
        name=demo.name,
        unit=demo.unit,
        pack_size=demo.pack_size,
        vital=demo.vital,
        actor=COMMAND,
        now=now,
    )
    return demo, made


def _add_levels(clinic: Clinic, items: list[tuple[DemoItem, Item]], number: int, now: datetime) -> int:
    kept = set(StockLevel.objects.filter(clinic=clinic).values_list("item_id", flat=True))
    missing = [(demo, item) for demo, item in items if item.pk not in kept]
    today = now.astimezone(clinic.zone).date()
    # All or none: a level without its ledger would never get one.
    with transaction.atomic():
        for demo, item in missing:
            level = start_level(clinic=clinic, item=item, max_level=demo.max_level, actor=COMMAND, now=now)
            entries = list(_entries(level, demo, number, today))
            move_many(entries=entries, atomic=True, actor=COMMAND, now=now)
    return len(missing)


def _entries(level: StockLevel, demo: DemoItem, number: int, today: date) -> Iterator[Entry]:
    # The clinics are not alike: each has somewhat less than the one before.
    left = demo.issued * demo.days_left // (_STEP + number)
    last = _STEP if demo.days_left else _SINCE_OUT
    ago = range(HISTORY_DAYS - 1, last - 1, -_STEP)
    # More on some days than on others, as it is.
    issued = [max(demo.issued + demo.issued * (day * 7 % 5 - 2) // 6, 1) for day in ago]
    yield Entry(
        level.pk,
        MovementKind.RECEIPT,
        sum(issued) + left,
        lot=f"{demo.code[:4]}-{today.year % 100}A",
        expires_on=today + timedelta(days=demo.expires_in),
        reason="Central stores",
        occurred_on=today - timedelta(days=HISTORY_DAYS),
    )
    for day, units in zip(ago, issued, strict=True):
        yield Entry(level.pk, MovementKind.ISSUE, units, occurred_on=today - timedelta(days=day))
    if not demo.days_left:
        yield Entry(
            level.pk, MovementKind.UNMET, demo.issued, occurred_on=today - timedelta(days=1), reason="Sent on"
        )
