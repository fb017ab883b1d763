"""The items that clinics may keep. They are the same for all."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from common.errors import NotFound, ValidationFailed, VersionConflict
from common.ids import new_id
from stock.models import Item, StockLevel
from stock.rules import checked_quantity, checked_text

CODE = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,29}")
CHANGEABLE = ("name", "unit", "pack_size", "vital", "shelf_life_days")
_LONGEST = {"name": 120, "unit": 40}


def make_item(*, code: str, actor: Actor, now: datetime, **values: Any) -> Item:
    """A new item: `name`, `unit`, any other of CHANGEABLE. ValidationFailed for a code that is taken."""
    if not CODE.fullmatch(code):
        raise ValidationFailed.on("code", _("Use capital letters, digits, . - and _ only."))
    for name in ("name", "unit"):
        if not values.get(name):
            raise ValidationFailed.on(name, _("This is needed."))
    item = Item(id=new_id(), code=code, created_at=now, updated_at=now)
    _set(item, values)
    try:
        with transaction.atomic():
            item.save(force_insert=True)
            told = {name: [None, plain(getattr(item, name))] for name in ("code", *CHANGEABLE)}
            record(actor, [Change.of(item, "made", told)], now=now)
    except IntegrityError:
        if Item.objects.filter(code=code).exists():
            raise ValidationFailed.on("code", _("Another item has this code.")) from None
        raise
    return item


def change_item(
    *, item_id: UUID, version: int | None = None, actor: Actor, now: datetime, **values: Any
) -> Item:
    """Changes any of CHANGEABLE; the figures of its levels follow within minutes."""
    with transaction.atomic():
        item = Item.objects.select_for_update().filter(pk=item_id).first()
        if item is None:
            raise NotFound(_("There is no such item."))
        if version is not None and version != item.version:
            raise VersionConflict(_("Someone has changed this item meanwhile. Look at it again."))
        before = {name: plain(getattr(item, name)) for name in CHANGEABLE}
        _set(item, values)
        changes = {
            name: [before[name], plain(getattr(item, name))]
            for name in CHANGEABLE
            if before[name] != plain(getattr(item, name))
        }
        if changes:
            item.version += 1
            item.updated_at = now
            item.save()
            # They are in the figures of every clinic; the next pass renews those.
            # In the order in which entries lock them.
            levels = StockLevel.objects.filter(item=item).order_by("pk").select_for_update()
            StockLevel.objects.filter(pk__in=list(levels.values_list("pk", flat=True))).update(
                figures_on=None
            )
            record(actor, [Change.of(item, "changed", changes)], now=now)
    return item


def _set(item: Item, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if name not in CHANGEABLE:
            raise ValidationFailed.on(name, _("This can't be changed here."))
        if name in _LONGEST:
            value = checked_text(value, name, _LONGEST[name])
            if not value:
                raise ValidationFailed.on(name, _("This is needed."))
        elif name == "vital":
            value = bool(value)
        elif value is not None or name == "pack_size":
            value = checked_quantity(value, field=name)
        setattr(item, name, value)
