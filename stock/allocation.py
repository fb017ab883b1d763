"""Which lots an amount is taken from or put to. Pure: it knows lots in memory and no database."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from stock.errors import InsufficientStock
from stock.models import Lot

# Signed amounts, one a lot.
Allocation = list[tuple[Lot, int]]


def first_expired_first_out(lots: Iterable[Lot]) -> list[Lot]:
    """Lots without an expiry date come last."""
    return sorted(lots, key=lambda lot: (lot.expires_on or date.max, lot.code))


def is_usable(lot: Lot, today: date) -> bool:
    """A lot may be used through its expiry date."""
    return lot.expires_on is None or lot.expires_on >= today


def expired_of(lots: Iterable[Lot], today: date) -> list[Lot]:
    """What lies on the shelf and may not be used any more."""
    return [lot for lot in first_expired_first_out(lots) if lot.quantity > 0 and not is_usable(lot, today)]


def expired_in_words(lots: Iterable[Lot]) -> list[str]:
    return [
        _("%(quantity)d of lot %(lot)s expired on %(day)s: record them as wastage.")
        % {"quantity": lot.quantity, "lot": lot.code or "–", "day": lot.expires_on}
        for lot in lots
    ]


def expired_as_facts(lots: Iterable[Lot]) -> list[dict[str, Any]]:
    """For a machine: lot, expires_on, quantity."""
    return [
        {"lot": lot.code, "expires_on": lot.expires_on.isoformat(), "quantity": lot.quantity}
        for lot in lots
        if lot.expires_on
    ]


def take(lots: Sequence[Lot], quantity: int, *, usable_on: date | None = None) -> Allocation:
    """`quantity` from the lots that expire first; with `usable_on` only from those not expired by then.

    InsufficientStock when that is not enough; the lots themselves are not changed.
    """
    picked: Allocation = []
    rest = quantity
    for lot in first_expired_first_out(lots):
        if usable_on is not None and not is_usable(lot, usable_on):
            continue
        amount = min(lot.quantity, rest)
        if amount:
            picked.append((lot, -amount))
            rest -= amount
        if not rest:
            return picked
    raise not_enough(lots, quantity, quantity - rest, usable_on)


def put(lots: Sequence[Lot], quantity: int, *, today: date) -> Allocation | None:
    """`quantity` that came back without a lot's number: to the lot that expires next, to be used soon.

    None where there is no lot to put it to.
    """
    held = [lot for lot in lots if lot.quantity > 0]
    if not held:
        return None
    usable = [lot for lot in held if is_usable(lot, today)]
    return [(first_expired_first_out(usable or held)[0], quantity)]


def take_back(allocation: Allocation, lots: Sequence[Lot]) -> Allocation:
    """The contrary of `allocation`. What its own lots don't hold any more is taken from the other `lots`."""
    amounts = {lot.pk: max(-quantity, -lot.quantity) for lot, quantity in allocation}
    rest = sum(quantity for _lot, quantity in allocation) + sum(amounts.values())
    for lot in first_expired_first_out(lots):
        amount = min(lot.quantity + amounts.get(lot.pk, 0), rest)
        if amount > 0:
            amounts[lot.pk] = amounts.get(lot.pk, 0) - amount
            rest -= amount
    if rest:
        asked = sum(quantity for _lot, quantity in allocation)
        raise not_enough(lots, asked, asked - rest)
    by_id = {lot.pk: lot for lot in [*lots, *(lot for lot, _quantity in allocation)]}
    return [(by_id[pk], amount) for pk, amount in amounts.items() if amount]


def not_enough(
    lots: Iterable[Lot], asked: int, found: int, usable_on: date | None = None
) -> InsufficientStock:
    """The refusal, with what is there and what has expired, lot by lot."""
    expired = expired_of(lots, usable_on) if usable_on else []
    words = [_("Asked for %(asked)d, %(found)d can be taken.") % {"asked": asked, "found": found}]
    facts = {"asked": asked, "available": found, "expired": expired_as_facts(expired)}
    words += expired_in_words(expired)
    return InsufficientStock(_("There is not enough in stock."), details={"quantity": words}, facts=facts)
