"""What visits use of items: booked visits foretell demand by it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic
from common.errors import NotFound, ValidationFailed
from common.ids import new_id
from stock.models import Item, StockLevel, VisitTypeItem
from stock.models.catalogue import visit_type_key
from stock.rules import checked_quantity, checked_text

MAX_VISIT_TYPE = 60
# More is a slip: no visit uses a stockroom.
MOST_A_VISIT = 100_000


def add_use(
    *, visit_type: str, item: Item, quantity: int, clinic: Clinic | None, actor: Actor, now: datetime
) -> VisitTypeItem:
    """A visit of this type uses so many units. Without a clinic at all clinics that have no own use.

    ValidationFailed where it stands there already.
    """
    use = VisitTypeItem(id=new_id(), item=item, clinic=clinic)
    _set(use, visit_type, quantity)
    with transaction.atomic():
        _save(use, new=True)
        told = {name: [None, value] for name, value in _values(use).items()}
        record(actor, [Change.of(use, "made", told)], now=now)
        _renew(use)
    return use


def change_use(*, use_id: UUID, visit_type: str, quantity: int, actor: Actor, now: datetime) -> VisitTypeItem:
    """Item and clinic stay. The last one to write is right."""
    with transaction.atomic():
        use = _held(use_id)
        before = _values(use)
        _set(use, visit_type, quantity)
        after = _values(use)
        changes = {name: [before[name], after[name]] for name in before if before[name] != after[name]}
        if changes:
            _save(use, new=False)
            record(actor, [Change.of(use, "changed", changes)], now=now)
            _renew(use)
    return use


def drop_use(*, use_id: UUID, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        use = _held(use_id)
        told = {name: [value, None] for name, value in _values(use).items()}
        record(actor, [Change.of(use, "removed", told)], now=now)
        _renew(use)
        use.delete()


def _held(use_id: UUID) -> VisitTypeItem:
    found = VisitTypeItem.objects.select_for_update().filter(pk=use_id).first()
    if found is None:
        raise NotFound(_("There is no such use."))
    return found


def _set(use: VisitTypeItem, visit_type: str, quantity: int) -> None:
    use.visit_type = checked_text(visit_type, "visit_type", MAX_VISIT_TYPE)
    if not visit_type_key(use.visit_type):
        raise ValidationFailed.on("visit_type", _("This is needed."))
    use.quantity = checked_quantity(quantity)
    if quantity > MOST_A_VISIT:
        raise ValidationFailed.on("quantity", _("This is too much for one visit."))


def _values(use: VisitTypeItem) -> dict[str, Any]:
    return {"visit_type": use.visit_type, "item": plain(use.item_id), "quantity": use.quantity}


def _save(use: VisitTypeItem, *, new: bool) -> None:
    try:
        with transaction.atomic():
            use.save(force_insert=new)
    except IntegrityError:
        said = _("This item stands here already for this visit type.")
        raise ValidationFailed.on("visit_type", said) from None


def _renew(use: VisitTypeItem) -> None:
    """The figures that it is in; the next pass renews them, within minutes."""
    levels = StockLevel.objects.filter(item=use.item_id)
    if use.clinic_id is not None:
        levels = levels.filter(clinic=use.clinic_id)
    # Locked in the order of their ids, as whoever writes entries of several does.
    ids = list(levels.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    StockLevel.objects.filter(pk__in=ids).update(figures_on=None)
