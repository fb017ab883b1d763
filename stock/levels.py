"""Which items a clinic keeps, and by which thresholds."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic
from common.errors import NotFound, ValidationFailed, VersionConflict
from common.ids import new_id
from stock.alerts import follow
from stock.entries import Entry
from stock.figures import FIGURES, refresh
from stock.models import Item, Lot, StockLevel
from stock.opening import weekdays_by_hours
from stock.reorder import set_reorder_point
from stock.writing import write_rows

CHANGEABLE = ("reorder_level", "max_level", "lead_time_days", "review_days", "manual_daily_usage")
_BOUNDS: dict[str, tuple[int, int]] = {
    "reorder_level": (0, 1_000_000_000),
    "max_level": (1, 1_000_000_000),
    "lead_time_days": (1, 365),
    "review_days": (1, 365),
}


def start_level(*, clinic: Clinic, item: Item, actor: Actor, now: datetime, **thresholds: Any) -> StockLevel:
    """A level at zero; `thresholds` are any of CHANGEABLE. ValidationFailed where there is one already."""
    level = _unsaved(clinic, item, now)
    _set(level, thresholds)
    _figures_of(level, [], now)
    try:
        with transaction.atomic():
            level.save(force_insert=True)
            follow([level], now=now)
            values = {name: [None, plain(getattr(level, name))] for name in CHANGEABLE}
            record(actor, [Change.of(level, "started", values)], now=now)
    except IntegrityError:
        if StockLevel.objects.filter(clinic=clinic, item=item).exists():
            raise ValidationFailed.on("item_id", _("This clinic keeps this item already.")) from None
        raise
    return level


def change_level(
    *, level_id: UUID, version: int | None = None, actor: Actor, now: datetime, **thresholds: Any
) -> StockLevel:
    """Changes any of CHANGEABLE; the figures follow at once."""
    with transaction.atomic():
        level = (
            StockLevel.objects.select_related("clinic", "item")
            .select_for_update(of=("self",))
            .filter(pk=level_id)
            .first()
        )
        if level is None:
            raise NotFound(_("There is no such stock level."))
        refuse_stale(level, version)
        before = {name: plain(getattr(level, name)) for name in CHANGEABLE}
        _set(level, thresholds)
        after = {name: plain(getattr(level, name)) for name in CHANGEABLE}
        changes = {name: [before[name], after[name]] for name in CHANGEABLE if before[name] != after[name]}
        if not changes:
            return level
        level.version += 1
        level.updated_at = now
        _figures_of(level, Lot.objects.filter(level=level, quantity__gt=0), now)
        write_rows([level], (*CHANGEABLE, "reorder_point", *FIGURES, "version", "updated_at"))
        follow([level], now=now)
        record(actor, [Change.of(level, "changed", changes)], now=now)
    return level


def refuse_stale(level: StockLevel, version: int | None) -> None:
    if version is not None and version != level.version:
        raise VersionConflict(_("Someone has changed this stock level meanwhile. Look at it again."))


def destinations(entries: Iterable[Entry], *, actor: Actor, now: datetime) -> dict[tuple[UUID, UUID], UUID]:
    """Of each transfer, by (sending level, receiving clinic), the receiving level; started if need be.

    What has no place to go (an unknown level or clinic, the sender's own clinic) is missing.
    """
    wanted = {(entry.level_id, entry.to_clinic_id) for entry in entries if entry.to_clinic_id is not None}
    if not wanted:
        return {}
    clinics = {clinic.pk: clinic for clinic in Clinic.objects.filter(pk__in={pair[1] for pair in wanted})}
    senders = StockLevel.objects.select_related("item").in_bulk({pair[0] for pair in wanted})
    keys = {(level.clinic_id, level.item_id): level.pk for level in _kept(clinics, senders.values())}
    found: dict[tuple[UUID, UUID], UUID] = {}
    for sender_id, clinic_id in sorted(wanted):
        sender, clinic = senders.get(sender_id), clinics.get(clinic_id)
        if sender is None or clinic is None or clinic.pk == sender.clinic_id:
            continue
        key = (clinic.pk, sender.item_id)
        if key not in keys:
            keys[key] = _started(clinic, sender.item, actor, now)
        found[sender_id, clinic.pk] = keys[key]
    return found


def _kept(clinics: Iterable[UUID], senders: Iterable[StockLevel]) -> Iterable[StockLevel]:
    items = {level.item_id for level in senders}
    return StockLevel.objects.filter(clinic__in=list(clinics), item__in=items)


def _started(clinic: Clinic, item: Item, actor: Actor, now: datetime) -> UUID:
    try:
        return start_level(clinic=clinic, item=item, actor=actor, now=now).pk
    except ValidationFailed:
        # Somebody else has started it in this moment.
        return StockLevel.objects.values_list("pk", flat=True).get(clinic=clinic, item=item)


def _unsaved(clinic: Clinic, item: Item, now: datetime) -> StockLevel:
    return StockLevel(
        id=new_id(),
        clinic=clinic,
        item=item,
        open_weekdays=weekdays_by_hours(clinic) or 0b1111111,
        created_at=now,
        updated_at=now,
    )


def _figures_of(level: StockLevel, lots: Iterable[Lot], now: datetime) -> None:
    set_reorder_point([level])
    refresh(level, lots, today=now.astimezone(level.clinic.zone).date())


def _set(level: StockLevel, thresholds: dict[str, Any]) -> None:
    for name, value in thresholds.items():
        if name not in CHANGEABLE:
            raise ValidationFailed.on(name, _("This can't be changed here."))
        setattr(level, name, _checked(name, value))
    least, most = level.reorder_level, level.max_level
    if least is not None and most is not None and most <= least:
        raise ValidationFailed.on("max_level", _("The most to keep must be more than the reorder level."))


def _checked(name: str, value: Any) -> Any:
    if value is None and name not in ("lead_time_days", "review_days"):
        return None
    if name == "manual_daily_usage":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0001 <= value <= 1e7:
            raise ValidationFailed.on(name, _("Give the units a day, more than none."))
        return float(value)
    least, most = _BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValidationFailed.on(
            name, _("Give a number from %(least)d to %(most)d.") % {"least": least, "most": most}
        )
    return value
