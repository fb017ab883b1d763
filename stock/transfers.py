"""What one clinic sends to another: on its way until it is taken in, whole or short."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from accounts.models import Clinic
from common.errors import NotFound, StateConflict
from stock.allocation import Allocation, first_expired_first_out
from stock.book import Book
from stock.ledger import move, told
from stock.models import Lot, Movement, MovementKind, MovementLot, StockLevel, Transfer, TransferState
from stock.rules import MAX_REASON, checked_quantity, checked_text


def transfer_out(
    *,
    level_id: UUID,
    to_clinic: Clinic,
    quantity: int,
    lot: str = "",
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> Movement:
    """Sends units to another clinic. They leave this balance now and enter that one when it takes them in."""
    return move(
        level_id=level_id,
        kind=MovementKind.TRANSFER_OUT,
        quantity=quantity,
        lot=lot,
        reason=reason,
        to_clinic_id=to_clinic.pk,
        actor=actor,
        now=now,
    )


def receive_transfer(
    *, movement_id: UUID, quantity: int | None = None, reason: str = "", actor: Actor, now: datetime
) -> Movement:
    """Takes in what the `transfer_out` with this id sent; without `quantity`, the whole.

    Gives the receiving clinic's `transfer_in`. What is missing is an entry there of its own, `transit_loss`,
    which the balance never held; where nothing arrived, that entry is given. StateConflict a second time.
    """
    with transaction.atomic():
        found = _transfer(movement_id)
        codes = set(MovementLot.objects.filter(movement=found.sent_id).values_list("lot__code", flat=True))
        book = Book([found.to_level_id], actor=actor, now=now, lot_codes=codes)
        # Read again: before the lock, somebody else may have taken it in.
        transfer = _transfer(movement_id)
        if transfer.state != TransferState.IN_TRANSIT:
            raise StateConflict(_("This transfer is not on its way any more."))
        arrived = transfer.quantity if quantity is None else checked_quantity(quantity, least=0)
        if arrived > transfer.quantity:
            raise StateConflict(
                _("Only %(sent)d were sent. Record the rest as a correction.") % {"sent": transfer.quantity}
            )
        _arrive(book, transfer, arrived, checked_text(reason, "reason", MAX_REASON))
        book.save()
        transfer.save()
        record(actor, map(told, book.written), now=now)
    return book.written[0]


def _transfer(movement_id: UUID) -> Transfer:
    transfer = Transfer.objects.filter(sent=movement_id).first()
    if transfer is None:
        raise NotFound(_("There is no such transfer."))
    return transfer


def _arrive(book: Book, transfer: Transfer, arrived: int, reason: str) -> None:
    level = book.level(transfer.to_level_id)
    today = book.today(level)
    if arrived:
        allocation = _same_lots(book, level, transfer, arrived)
        transfer.arrival = book.post(
            level, MovementKind.TRANSFER_IN, arrived, allocation, occurred_on=today, reason=reason
        )
    if missing := transfer.quantity - arrived:
        transfer.loss = book.post(
            level, MovementKind.TRANSIT_LOSS, missing, [], occurred_on=today, reason=reason
        )
    level.on_order -= transfer.quantity
    transfer.state = TransferState.RECEIVED
    transfer.received = arrived
    transfer.updated_at = book.now


def _same_lots(book: Book, level: StockLevel, transfer: Transfer, arrived: int) -> Allocation:
    """The sender's lots; of a short delivery, those that expire first are taken to have come."""
    picked = MovementLot.objects.filter(movement=transfer.sent_id).select_related("lot")
    amounts = {row.lot_id: -row.quantity for row in picked}
    filled: Allocation = []
    for lot in _by_expiry([row.lot for row in picked]):
        amount = min(amounts[lot.pk], arrived)
        if amount:
            filled.append((book.lot(level, lot.code, lot.expires_on), amount))
            arrived -= amount
    return filled


def _by_expiry(lots: Sequence[Lot]) -> list[Lot]:
    return first_expired_first_out(lots)
