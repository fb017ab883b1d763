"""What happens to stock, an entry of the ledger each. Counts: `counting`; arrivals: `transfers`, `orders`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, record
from common.errors import DomainError, NotFound, StateConflict, ValidationFailed
from stock.allocation import take_back
from stock.book import Book
from stock.entries import Entry, write
from stock.levels import destinations
from stock.models import Movement, MovementKind, MovementLot, Transfer, TransferState
from stock.orders import book_received
from stock.refreshing import refresh_backdated
from stock.rules import MAX_REASON, checked_text

MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one entry of many: written, or refused with the reason."""

    movement: Movement | None
    error: DomainError | None = None


def move(
    *,
    level_id: UUID,
    kind: str,
    quantity: int,
    lot: str = "",
    expires_on: date | None = None,
    reason: str = "",
    occurred_on: date | None = None,
    to_clinic_id: UUID | None = None,
    dedupe_key: str | None = None,
    actor: Actor,
    now: datetime,
) -> Movement:
    """One entry, in units. Its kinds: stock.entries.KINDS. A known `dedupe_key` gives its first entry.

    Raises InsufficientStock, ValidationFailed, NotFound.
    """
    entry = Entry(
        level_id=level_id,
        kind=kind,
        quantity=quantity,
        lot=lot,
        expires_on=expires_on,
        reason=reason,
        occurred_on=occurred_on,
        to_clinic_id=to_clinic_id,
        dedupe_key=dedupe_key,
    )
    result = move_many(entries=[entry], atomic=True, actor=actor, now=now)[0]
    assert result.movement is not None  # noqa: S101  (`atomic` raises what is refused)
    return result.movement


def move_many(*, entries: Sequence[Entry], atomic: bool = False, actor: Actor, now: datetime) -> list[Result]:
    """A result an entry, in order; at most MOST_AT_ONCE. With `atomic` the first refusal is raised and
    nothing is written; without, the others are."""
    if len(entries) > MOST_AT_ONCE:
        raise ValidationFailed.on("items", _("At most %(most)d at once.") % {"most": MOST_AT_ONCE})
    with transaction.atomic():
        targets = destinations(entries, actor=actor, now=now)
        book = Book(
            {*(entry.level_id for entry in entries), *targets.values()},
            actor=actor,
            now=now,
            lot_codes={" ".join(entry.lot.split()) for entry in entries},
        )
        known = _known(entries)
        results = []
        for entry in entries:
            try:
                movement = known.get(entry.dedupe_key or "") or write(book, entry, targets)
            except DomainError as error:
                if atomic:
                    raise
                results.append(Result(None, error))
            else:
                if entry.dedupe_key:
                    known[entry.dedupe_key] = movement
                results.append(Result(movement))
        book.save()
        refresh_backdated(book)
        record(actor, map(told, book.written), now=now)
    return results


class _Undone(Exception):
    pass


def move_all_or_none(*, entries: Sequence[Entry], actor: Actor, now: datetime) -> list[Result]:
    """A result an entry, in order. If any is refused nothing is written, and each refusal is told."""
    results: list[Result] = []
    try:
        with transaction.atomic():
            results = move_many(entries=entries, actor=actor, now=now)
            if any(result.error for result in results):
                raise _Undone
    except _Undone:
        pass
    return results


def _known(entries: Sequence[Entry]) -> dict[str, Movement]:
    keys = {entry.dedupe_key for entry in entries if entry.dedupe_key}
    found = Movement.objects.filter(dedupe_key__in=keys) if keys else ()
    return {movement.dedupe_key or "": movement for movement in found}


def reverse(*, movement_id: UUID, reason: str = "", actor: Actor, now: datetime) -> Movement:
    """Takes an entry back by a new one; once for each. It counts for the day of the entry that was wrong.

    A transfer on its way comes back; an arrival taken back is on its way again, as is a transfer of which
    nothing arrived, by its loss. StateConflict when it is
    taken back already or can't be; InsufficientStock when what it brought is gone.
    """
    with transaction.atomic():
        original = _reversible(movement_id)
        transfers = Transfer.objects.filter(Q(sent=original) | Q(arrival=original) | Q(loss=original))
        level_ids = {original.level_id, *transfers.values_list("to_level_id", flat=True)}
        allocated = list(MovementLot.objects.filter(movement=original).values_list("lot_id", "quantity"))
        book = Book(level_ids, actor=actor, now=now, lot_ids=[lot_id for lot_id, _quantity in allocated])
        # Only now: before the lock, somebody else may have done it.
        if Movement.objects.filter(reverses=original).exists():
            raise StateConflict(_("This entry has been taken back already."))
        reversal = take_back_entry(book, original, allocated, reason=reason)
        for transfer in transfers.select_for_update(of=("self",)):
            _undo_transfer(book, transfer, original)
        if original.order_id:
            book_received(book, original.order_id, -original.quantity)
        book.save()
        refresh_backdated(book)
        record(actor, map(told, book.written), now=now)
    return reversal


def _reversible(movement_id: UUID) -> Movement:
    original = Movement.objects.filter(pk=movement_id).first()
    if original is None:
        raise NotFound(_("There is no such entry."))
    if original.kind == MovementKind.REVERSAL:
        raise StateConflict(_("What was taken back can't be taken back again. Make a new entry."))
    if original.kind == MovementKind.TRANSIT_LOSS and Transfer.objects.filter(loss=original).exclude(
        arrival=None
    ):
        raise StateConflict(_("Take back the arrival, then take in the transfer again."))
    return original


def take_back_entry(
    book: Book, original: Movement, allocated: Sequence[tuple[UUID, int]], *, reason: str = ""
) -> Movement:
    """The contrary entry, in `book`. `allocated`: the original's lots and amounts."""
    level = book.level(original.level_id)
    lots = {lot.pk: lot for lot in book.lots[level.pk]}
    return book.post(
        level,
        MovementKind.REVERSAL,
        original.quantity,
        take_back([(lots[lot_id], amount) for lot_id, amount in allocated], book.lots[level.pk]),
        occurred_on=original.occurred_on,
        demand=-original.demand,
        reason=checked_text(reason, "reason", MAX_REASON),
        reverses=original,
    )


def _undo_transfer(book: Book, transfer: Transfer, original: Movement) -> None:
    target = book.level(transfer.to_level_id)
    if original.pk == transfer.sent_id:
        if transfer.state != TransferState.IN_TRANSIT:
            raise StateConflict(_("The other clinic has taken this transfer in. Send it back instead."))
        transfer.state = TransferState.CANCELLED
        target.on_order -= transfer.quantity
        target.version += 1
    else:
        if transfer.loss_id and transfer.loss_id != original.pk:
            loss = Movement.objects.get(pk=transfer.loss_id)
            take_back_entry(book, loss, [])
        transfer.state = TransferState.IN_TRANSIT
        transfer.received = transfer.arrival = transfer.loss = None
        target.on_order += transfer.quantity
    transfer.updated_at = book.now
    transfer.save()


def told(movement: Movement) -> Change:
    """An entry as the audit log tells it, of its level."""
    before = movement.balance_after - movement.change
    return Change(
        str(movement.kind),
        "stock.stocklevel",
        movement.level_id,
        movement.level.clinic_id,
        {"on_hand": [before, movement.balance_after], "entry": [None, str(movement.pk)]},
    )
