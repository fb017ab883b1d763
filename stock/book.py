"""Levels held for change: locked, in memory with their lots, changed entry by entry, written as sets.

One movement from a page, a thousand from another system and a file's two years all go this way.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.audit import Actor
from common.errors import NotFound
from common.ids import new_id
from stock import writing
from stock.alerts import follow
from stock.allocation import Allocation
from stock.errors import InsufficientStock
from stock.figures import refresh
from stock.models import Lot, Movement, MovementLot, StockLevel, Transfer


class Book:
    """Inside one transaction: levels and their lots as they are now, until `save`.

    What an entry changes is seen by the next one at once. An entry that is refused changes nothing.
    """

    def __init__(
        self,
        level_ids: Iterable[UUID],
        *,
        actor: Actor,
        now: datetime,
        lot_codes: Collection[str] = (),
        lot_ids: Collection[UUID] = (),
    ) -> None:
        """Locks the levels, in the order of their ids; those that don't exist are missing in `levels`.

        Of the lots it reads those in stock, those of `lot_ids`, and those named in `lot_codes`: an empty
        lot is found again when something comes back to it.
        """
        self.actor = actor
        self.now = now
        ids = sorted(set(level_ids))
        found = StockLevel.objects.select_related("clinic", "item").filter(pk__in=ids).order_by("pk")
        self.levels = {level.pk: level for level in found.select_for_update(of=("self",))}
        self.versions = {pk: level.version for pk, level in self.levels.items()}
        self._awaited = {pk for pk, level in self.levels.items() if level.on_order}
        self.lots: dict[UUID, list[Lot]] = defaultdict(list)
        wanted = Q(quantity__gt=0) | Q(code__in={"", *lot_codes}) | Q(pk__in=lot_ids)
        for lot in Lot.objects.filter(wanted, level__in=list(self.levels)):
            self.lots[lot.level_id].append(lot)
        self.written: list[Movement] = []
        self._movement_lots: list[MovementLot] = []
        self._new_lots: list[Lot] = []
        self._changed_lots: dict[UUID, Lot] = {}
        self.transfers: list[Transfer] = []

    def level(self, level_id: UUID) -> StockLevel:
        try:
            return self.levels[level_id]
        except KeyError:
            raise NotFound(_("There is no such stock level.")) from None

    def today(self, level: StockLevel) -> date:
        """The day it is at the level's clinic."""
        return self.now.astimezone(level.clinic.zone).date()

    def lot(self, level: StockLevel, code: str, expires_on: date | None) -> Lot:
        """The level's lot of this code and date; a new one where there is none yet."""
        for lot in self.lots[level.pk]:
            if lot.code == code and lot.expires_on == expires_on:
                return lot
        lot = Lot(id=new_id(), level=level, code=code, expires_on=expires_on, quantity=0)
        self.lots[level.pk].append(lot)
        self._new_lots.append(lot)
        return lot

    def post(
        self,
        level: StockLevel,
        kind: str,
        quantity: int,
        allocation: Allocation,
        *,
        occurred_on: date,
        demand: int = 0,
        reason: str = "",
        reverses: Movement | None = None,
        order_id: UUID | None = None,
        dedupe_key: str | None = None,
        counted_at: datetime | None = None,
    ) -> Movement:
        """The next entry of the level's ledger; its change is the sum of `allocation`.

        Checks no rule but one: InsufficientStock below zero.
        """
        change = sum(amount for _lot, amount in allocation)
        if level.on_hand + change < 0 or any(lot.quantity + amount < 0 for lot, amount in allocation):
            raise InsufficientStock(_("There is not enough in stock."))
        level.on_hand += change
        level.sequence += 1
        level.version += 1
        level.updated_at = self.now
        movement = Movement(
            id=new_id(),
            level=level,
            sequence=level.sequence,
            kind=kind,
            quantity=quantity,
            change=change,
            balance_after=level.on_hand,
            demand=demand,
            occurred_on=occurred_on,
            recorded_at=self.now,
            actor_kind=self.actor.kind,
            actor_id=self.actor.id,
            actor_name=self.actor.name,
            reason=reason,
            reverses=reverses,
            order_id=order_id,
            dedupe_key=dedupe_key,
            counted_at=counted_at,
        )
        self.written.append(movement)
        self._allocate(movement, allocation)
        return movement

    def _allocate(self, movement: Movement, allocation: Allocation) -> None:
        for lot, amount in allocation:
            lot.quantity += amount
            self._changed_lots[lot.pk] = lot
            self._movement_lots.append(
                MovementLot(
                    movement=movement,
                    lot=lot,
                    level_id=movement.level_id,
                    occurred_on=movement.occurred_on,
                    quantity=amount,
                )
            )

    def save(self, *, alerts: bool = True) -> None:
        """Writes all there is, and the figures that follow from the new balances.

        Without `alerts` these don't follow: for a part of something longer, whose caller sees to them.
        """
        new = {lot.pk for lot in self._new_lots if lot.pk in self._changed_lots}
        Lot.objects.bulk_create((lot for lot in self._new_lots if lot.pk in new), batch_size=1000)
        Movement.objects.bulk_create(self.written, batch_size=1000)
        MovementLot.objects.bulk_create(self._movement_lots, batch_size=1000)
        Transfer.objects.bulk_create(self.transfers, batch_size=1000)
        old = [lot for pk, lot in self._changed_lots.items() if pk not in new]
        writing.write_rows(old, ("quantity",))
        changed = [level for pk, level in self.levels.items() if level.version != self.versions[pk]]
        for level in changed:
            refresh(level, self.lots[level.pk], today=self.today(level))
        writing.write_levels(changed, self.versions)
        if alerts:
            none_left = {pk for pk in self._awaited if not self.levels[pk].on_order}
            follow(changed, now=self.now, nothing_to_come=none_left)
