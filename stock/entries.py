"""What each kind of entry does to a level: the one place where the rules of the kinds stand."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from django.utils.translation import gettext as _

from common.errors import ValidationFailed
from common.ids import new_id
from stock.allocation import Allocation, put, take
from stock.book import Book
from stock.models import Lot, Movement, MovementKind, StockLevel, Transfer
from stock.rules import (
    MAX_LOT,
    MAX_REASON,
    MOST_UNITS,
    checked_day,
    checked_expiry,
    checked_quantity,
    checked_text,
)

# What people and systems may enter; counts, arrivals and reversals have services of their own.
KINDS = (
    MovementKind.RECEIPT,
    MovementKind.ISSUE,
    MovementKind.WASTAGE,
    MovementKind.ADJUSTMENT,
    MovementKind.RETURN,
    MovementKind.TRANSFER_OUT,
    MovementKind.UNMET,
)
# Nobody hands out or sends away what has expired.
ONLY_USABLE = (MovementKind.ISSUE, MovementKind.TRANSFER_OUT)
_DEMAND = {MovementKind.ISSUE: 1, MovementKind.UNMET: 1, MovementKind.RETURN: -1}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written. `quantity` in units, signed for an adjustment only.

    Without `lot` the lot that expires first is taken from, or put back to. `history` is for what is
    imported: then expired lots may be drawn on, for the ledger is what happened.
    """

    level_id: UUID
    kind: str
    quantity: int
    lot: str = ""
    expires_on: date | None = None
    reason: str = ""
    occurred_on: date | None = None
    to_clinic_id: UUID | None = None
    dedupe_key: str | None = None
    history: bool = False


def write(
    book: Book, entry: Entry, targets: Mapping[tuple[UUID, UUID], UUID], *, order_id: UUID | None = None
) -> Movement:
    """Writes an entry into `book`. `targets` gives the receiving level of (sending level, clinic)."""
    level = book.level(entry.level_id)
    if entry.kind not in KINDS:
        raise ValidationFailed.on("kind", _("This kind does not exist."))
    least = -MOST_UNITS if entry.kind == MovementKind.ADJUSTMENT else 1
    quantity = checked_quantity(entry.quantity, least=least)
    if quantity == 0:
        raise ValidationFailed.on("quantity", _("A correction by nothing corrects nothing."))
    target_id = _target(entry, targets)
    expires_on = checked_expiry(entry.expires_on, book.today(level))
    day = checked_day(entry.occurred_on, book.today(level))
    lot_code = checked_text(entry.lot, "lot", MAX_LOT)
    allocation = _allocated(book, level, replace(entry, lot=lot_code, expires_on=expires_on), quantity, day)
    movement = book.post(
        level,
        entry.kind,
        quantity,
        allocation,
        occurred_on=day,
        demand=quantity * _DEMAND.get(MovementKind(entry.kind), 0),
        reason=checked_text(entry.reason, "reason", MAX_REASON),
        order_id=order_id,
        dedupe_key=entry.dedupe_key,
    )
    if target_id is not None:
        _send(book, movement, target_id)
    return movement


def _target(entry: Entry, targets: Mapping[tuple[UUID, UUID], UUID]) -> UUID | None:
    if (entry.kind == MovementKind.TRANSFER_OUT) != (entry.to_clinic_id is not None):
        raise ValidationFailed.on("to_clinic_id", _("A transfer names the other clinic; nothing else does."))
    if entry.to_clinic_id is None:
        return None
    if (entry.level_id, entry.to_clinic_id) not in targets:
        raise ValidationFailed.on("to_clinic_id", _("Choose another clinic."))
    return targets[entry.level_id, entry.to_clinic_id]


def _allocated(book: Book, level: StockLevel, entry: Entry, quantity: int, day: date) -> Allocation:
    if entry.kind == MovementKind.UNMET:
        return []
    lots = book.lots[level.pk]
    adds = entry.kind in (MovementKind.RECEIPT, MovementKind.RETURN) or (
        entry.kind == MovementKind.ADJUSTMENT and quantity > 0
    )
    if adds:
        named = entry.lot or entry.expires_on or entry.kind == MovementKind.RECEIPT
        if not named and (back := put(lots, quantity, today=day)):
            return back
        return [(_lot_to_fill(book, level, entry.lot, entry.expires_on), quantity)]
    if entry.lot or entry.expires_on:
        lots = _named(lots, entry.lot, entry.expires_on)
    usable_on = day if entry.kind in ONLY_USABLE and not entry.history else None
    return take(lots, abs(quantity), usable_on=usable_on)


def _lot_to_fill(book: Book, level: StockLevel, code: str, expires_on: date | None) -> Lot:
    """A lot named without its date is the one known by this name, if only one is."""
    if code and expires_on is None:
        known = [lot for lot in book.lots[level.pk] if lot.code == code]
        if len(known) == 1:
            return known[0]
    return book.lot(level, code, expires_on)


def _named(lots: list[Lot], code: str, expires_on: date | None) -> list[Lot]:
    found = [
        lot for lot in lots if code in ("", lot.code) and (expires_on is None or lot.expires_on == expires_on)
    ]
    if not found:
        raise ValidationFailed.on("lot", _("This clinic has no such lot in stock."))
    return found


def _send(book: Book, movement: Movement, target_id: UUID) -> None:
    target = book.level(target_id)
    target.on_order += movement.quantity
    target.version += 1
    book.transfers.append(
        Transfer(id=new_id(), sent=movement, to_level=target, quantity=movement.quantity, updated_at=book.now)
    )
