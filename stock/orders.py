"""What is on order, and its receipt."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from common.errors import NotFound, StateConflict, ValidationFailed
from common.ids import new_id
from stock.book import Book
from stock.entries import Entry, write
from stock.levels import refuse_stale
from stock.models import Movement, MovementKind, Order, OrderState
from stock.rules import checked_day, checked_quantity


def place_order(
    *,
    level_id: UUID,
    quantity: int,
    expected_on: date | None = None,
    ordered_on: date | None = None,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Order:
    """So many units are on order from `ordered_on` (default today).

    With the level's `version`, VersionConflict if anything changed since that was read.
    """
    with transaction.atomic():
        book = Book([level_id], actor=actor, now=now)
        level = book.level(level_id)
        refuse_stale(level, version)
        day = checked_day(ordered_on, book.today(level))
        if expected_on is not None and expected_on < day:
            raise ValidationFailed.on("expected_on", _("This is before the day of the order."))
        order = Order(
            id=new_id(),
            level=level,
            quantity=checked_quantity(quantity),
            ordered_on=day,
            expected_on=expected_on,
            created_at=now,
            updated_at=now,
        )
        order.save(force_insert=True)
        _put_on_order(book, order, order.quantity)
        book.save()
        values = {"quantity": [None, quantity], "expected_on": [None, plain(expected_on)]}
        record(actor, [_change(order, "ordered", level.clinic_id, values)], now=now)
    return order


def receive_order(
    *,
    order_id: UUID,
    quantity: int | None = None,
    lot: str = "",
    expires_on: date | None = None,
    reason: str = "",
    occurred_on: date | None = None,
    dedupe_key: str | None = None,
    actor: Actor,
    now: datetime,
) -> Movement:
    """A delivery on an order: a receipt of `quantity` units, by default all that is still to come.

    The order stays open until all has come; its rest can be cancelled. More than was ordered is taken too.
    StateConflict when nothing is to come any more. A known `dedupe_key` gives its first entry.
    """
    with transaction.atomic():
        book, order = _held(order_id, actor, now, lot)
        if dedupe_key and (known := Movement.objects.filter(dedupe_key=dedupe_key).first()):
            return known
        _refuse_closed(order)
        entry = Entry(
            level_id=order.level_id,
            kind=MovementKind.RECEIPT,
            quantity=order.outstanding if quantity is None else quantity,
            lot=lot,
            expires_on=expires_on,
            reason=reason,
            occurred_on=occurred_on,
            dedupe_key=dedupe_key,
        )
        movement = write(book, entry, {}, order_id=order.pk)
        book_received(book, order.pk, movement.quantity, day=movement.occurred_on)
        book.save()
        values = {"received": [order.received, order.received + movement.quantity]}
        record(actor, [_change(order, "received", movement.level.clinic_id, values)], now=now)
    return movement


def cancel_order(*, order_id: UUID, actor: Actor, now: datetime) -> Order:
    """What is still to come won't. A second time changes nothing; StateConflict when all has come."""
    with transaction.atomic():
        book, order = _held(order_id, actor, now)
        if order.state == OrderState.CANCELLED:
            return order
        _refuse_closed(order)
        _put_on_order(book, order, -order.outstanding)
        order.state = OrderState.CANCELLED
        _save(order, now)
        book.save()
        values = {"state": [str(OrderState.OPEN), str(OrderState.CANCELLED)]}
        record(actor, [_change(order, "cancelled", book.level(order.level_id).clinic_id, values)], now=now)
    return order


def book_received(book: Book, order_id: UUID, units: int, *, day: date | None = None) -> None:
    """So many units more (or less, when a receipt is taken back) have come on an order of a held level."""
    order = Order.objects.get(pk=order_id)
    before = order.outstanding
    order.received += units
    if order.state != OrderState.CANCELLED:
        done = order.received >= order.quantity
        order.state = OrderState.RECEIVED if done else OrderState.OPEN
        order.received_on = (day or order.received_on) if done else None
    _save(order, book.now)
    _put_on_order(book, order, order.outstanding - before)


def _held(order_id: UUID, actor: Actor, now: datetime, lot: str = "") -> tuple[Book, Order]:
    """The order as it is while its level is held; the level's lock is the order's too."""
    level_id = Order.objects.filter(pk=order_id).values_list("level_id", flat=True).first()
    if level_id is None:
        raise NotFound(_("There is no such order."))
    book = Book([level_id], actor=actor, now=now, lot_codes=[" ".join(lot.split())])
    return book, Order.objects.get(pk=order_id)


def _refuse_closed(order: Order) -> None:
    if order.state != OrderState.OPEN:
        raise StateConflict(_("Nothing is to come on this order any more."))


def _put_on_order(book: Book, order: Order, units: int) -> None:
    level = book.level(order.level_id)
    level.on_order += units
    level.version += 1
    level.updated_at = book.now


def _save(order: Order, now: datetime) -> None:
    order.version += 1
    order.updated_at = now
    order.save()


def _change(order: Order, action: str, clinic_id: UUID, values: dict[str, list[Any]]) -> Change:
    return Change(action, "stock.order", order.pk, clinic_id, values)
