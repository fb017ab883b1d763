"""Items and their levels, lots and ledgers, orders, transfers and alerts."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from common.batches import batched
from stock.models import (
    Item,
    Lot,
    Movement,
    MovementLot,
    Order,
    StockAlert,
    StockFile,
    StockLevel,
    VisitTypeItem,
)
from tests.factories.district.plan import Plan, store
from tests.factories.district.visits import TYPES

LEVELS_AT_ONCE = 50
# Of ten levels: what is left on the shelf.
LEFT = (0, 5, 9, 30, 200, 250, 300, 350, 400, 900)
STATUS = {0: "out", 5: "critical", 9: "critical", 30: "low"}
URGENCY = {"out": 2.0, "critical": 10_000.0, "low": 20_000.0}


def fill(plan: Plan) -> None:
    made = {"created_at": plan.now, "updated_at": plan.now}
    items = [
        Item(code=f"D{n:04d}", name=f"Amoxicillin {n} mg", unit="capsule", vital=n % 5 == 0, **made)
        for n in plan.of_every(800, least=12, most=250)
    ]
    store(Item, items)
    uses = [
        VisitTypeItem(
            visit_type=TYPES[n % 5],
            visit_type_key=TYPES[n % 5].casefold(),
            item=item,
            quantity=1,
            clinic=clinic,
        )
        for n, item in enumerate(items[:60])
        for clinic in (None, plan.clinics[0])
    ]
    store(VisitTypeItem, uses)
    levels = [_level(plan, clinic, item, n) for clinic in plan.clinics for n, item in enumerate(items)]
    store(StockLevel, levels)
    lots = [
        Lot(
            level=level,
            code="L1",
            expires_on=plan.today + timedelta(days=200 + n % 90),
            quantity=level.on_hand,
        )
        for n, level in enumerate(levels)
    ]
    store(Lot, lots)
    _fill_ledger(levels, lots, plan)
    store(Order, (_order(level, plan) for level in levels[::4]))
    store(StockAlert, _alerts(levels, plan))
    store(StockFile, (_file(plan, n) for n in plan.of_every(20_000, least=4)))


def _level(plan: Plan, clinic: Any, item: Item, number: int) -> StockLevel:
    left = LEFT[number % len(LEFT)]
    status = STATUS.get(left, "ok")
    return StockLevel(
        clinic=clinic,
        item=item,
        on_hand=left,
        usable=left,
        sequence=_entries(plan),
        reorder_level=40,
        status=status,
        urgency=URGENCY[status] + left if status in URGENCY else None,
        daily_usage=3.5,
        days_of_stock=left / 3.5,
        runs_out_on=plan.today + timedelta(days=left // 3),
        suggested_order=300 if left <= 30 else 0,
        figures_on=plan.today,
        next_expiry=plan.today + timedelta(days=200 + number % 90),
        created_at=plan.now,
        updated_at=plan.now,
    )


def _entries(plan: Plan) -> int:
    return 4 + min(60, plan.visits // 3000)


def _fill_ledger(levels: list[StockLevel], lots: list[Lot], plan: Plan) -> None:
    """A receipt, then issues down to what is left."""
    count = _entries(plan)
    for some in batched(zip(levels, lots, strict=True), LEVELS_AT_ONCE):
        movements = [
            _movement(level, number, count, plan) for level, _lot in some for number in range(1, count + 1)
        ]
        lot_of = {level.pk: lot for level, lot in some}
        store(Movement, movements)
        store(MovementLot, (_pick(movement, lot_of[movement.level_id]) for movement in movements))


def _pick(movement: Movement, lot: Lot) -> MovementLot:
    return MovementLot(
        movement=movement,
        lot=lot,
        level_id=movement.level_id,
        occurred_on=movement.occurred_on,
        quantity=movement.change,
    )


def _movement(level: StockLevel, number: int, count: int, plan: Plan) -> Movement:
    is_receipt = number == 1
    quantity = count - 1 + level.on_hand if is_receipt else 1
    day: date = plan.today - timedelta(days=(count - number) * 3)
    return Movement(
        level=level,
        sequence=number,
        kind="receipt" if is_receipt else "issue",
        quantity=quantity,
        change=quantity if is_receipt else -1,
        balance_after=count - number + level.on_hand,
        demand=0 if is_receipt else 1,
        occurred_on=day,
        recorded_at=plan.now,
        actor_kind="user",
        actor_id=plan.nurse.pk,
        actor_name=plan.nurse.username,
    )


def _order(level: StockLevel, plan: Plan) -> Order:
    return Order(level=level, quantity=300, ordered_on=plan.today, created_at=plan.now, updated_at=plan.now)


def _alerts(levels: list[StockLevel], plan: Plan) -> Iterator[StockAlert]:
    """Each low level has one open; every level had some before."""
    for level in levels:
        episodes = [plan.now - timedelta(days=40 * n) for n in range(1 + min(8, plan.visits // 20_000))]
        for number, opened_at in enumerate(episodes):
            is_open = number == 0 and level.urgency is not None
            status = level.status if is_open else "low"
            yield StockAlert(
                level=level,
                clinic_id=level.clinic_id,
                kind="low",
                opening_status=status,
                status=status,
                opened_at=opened_at - timedelta(days=5),
                closed_at=None if is_open else opened_at,
            )


def _file(plan: Plan, number: int) -> StockFile:
    return StockFile(
        kind="items",
        filename=f"items-{number}.csv",
        content=b"",
        uploaded_by=plan.admin,
        uploaded_at=plan.now - timedelta(days=number),
        state=("done", "previewed", "failed", "discarded")[number % 4],
    )
