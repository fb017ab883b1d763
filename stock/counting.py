"""A count of the shelf: the difference becomes an entry of the ledger."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.audit import Actor, record
from common.errors import ValidationFailed
from stock.allocation import put, take
from stock.book import Book
from stock.errors import InsufficientStock
from stock.ledger import told
from stock.levels import refuse_stale
from stock.models import Movement, MovementKind, StockLevel
from stock.refreshing import refresh_backdated
from stock.rules import MAX_REASON, checked_quantity, checked_text


def count(
    *,
    level_id: UUID,
    quantity: int,
    reason: str = "",
    version: int | None = None,
    counted_at: datetime | None = None,
    dedupe_key: str | None = None,
    actor: Actor,
    now: datetime,
) -> Movement:
    """Units counted on the shelf, expired ones included. No difference is an entry too: it was counted.

    With `version`, VersionConflict if anything changed since that was read. With `counted_at` the count is
    compared with the balance of that time, and what moved after it stays; where a later count is known
    already, that one holds and the balance stays. Without either, with the balance of now. What is missing
    is taken from the lots that expire first, what is over is put to the one that expires next.
    InsufficientStock when more moved after the count than there was. A known `dedupe_key` gives its first
    entry.
    """
    checked_quantity(quantity, least=0)
    if version is not None and counted_at is not None:
        raise ValidationFailed.on("counted_at", _("Give the version or the time of counting, not both."))
    if counted_at is not None and counted_at > now:
        raise ValidationFailed.on("counted_at", _("This time is still to come."))
    with transaction.atomic():
        book = Book([level_id], actor=actor, now=now)
        level = book.level(level_id)
        if dedupe_key and (known := Movement.objects.filter(dedupe_key=dedupe_key).first()):
            return known
        refuse_stale(level, version)
        at = counted_at or now
        if counted_at is None:
            change = quantity - level.on_hand
        else:
            change = 0 if _counted_since(level, at) else quantity - balance_at(level, at)
        movement = book_count(
            book, level, quantity, change,
            at=at, counted_at=counted_at, reason=reason, dedupe_key=dedupe_key,
        )  # fmt: skip
        book.save()
        refresh_backdated(book)
        record(actor, [told(movement)], now=now)
    return movement


def book_count(
    book: Book,
    level: StockLevel,
    quantity: int,
    change: int,
    *,
    at: datetime,
    counted_at: datetime | None = None,
    reason: str = "",
    dedupe_key: str | None = None,
) -> Movement:
    """The entry of a count that differs by `change` from the ledger, in `book`."""
    if level.on_hand + change < 0:
        raise InsufficientStock(
            _("More has been issued since this count than it found. Count again."),
            details={"quantity": [_("The balance would be %(units)d.") % {"units": level.on_hand + change}]},
        )
    day = at.astimezone(level.clinic.zone).date()
    lots = book.lots[level.pk]
    if change < 0:
        allocation = take(lots, -change)
    elif change > 0:
        allocation = put(lots, change, today=day) or [(book.lot(level, "", None), change)]
    else:
        allocation = []
    return book.post(
        level,
        MovementKind.COUNT,
        quantity,
        allocation,
        occurred_on=day,
        reason=checked_text(reason, "reason", MAX_REASON),
        dedupe_key=dedupe_key,
        counted_at=counted_at,
    )


def balance_at(level: StockLevel, at: datetime) -> int:
    """Units on hand at a time, by what the ledger knows today.

    What happened on an earlier day counts, though it was written down later; on the day itself, what was
    written down, or counted, by then.
    """
    day = at.astimezone(level.clinic.zone).date()
    before = Q(occurred_on__lt=day) | Q(occurred_on=day, place__lte=at)
    found = _placed(level).filter(before).aggregate(units=Sum("change"))
    return int(found["units"] or 0)


def _counted_since(level: StockLevel, at: datetime) -> bool:
    day = at.astimezone(level.clinic.zone).date()
    after = Q(occurred_on__gt=day) | Q(occurred_on=day, place__gt=at)
    return _placed(level).filter(after, kind=MovementKind.COUNT, reversed_by=None).exists()


def _placed(level: StockLevel) -> QuerySet[Movement]:
    """The level's entries with `place`, their time among those of one day."""
    own = Coalesce("counted_at", "reverses__counted_at", "reverses__recorded_at", "recorded_at")
    # What was wrong never was; but what had been sent was away until it came back.
    came_back = When(reverses__kind=MovementKind.TRANSFER_OUT, then=F("recorded_at"))
    return Movement.objects.filter(level=level).annotate(place=Case(came_back, default=own))
