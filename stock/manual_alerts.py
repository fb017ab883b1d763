"""Somebody tells a clinic's stock managers to look at an item, now."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, record
from common.errors import NotFound
from messaging.nudging import nudge
from messaging.services import enqueue
from stock.alert_wording import low_stock_text, manual_mail
from stock.digests import drafts, managers_of
from stock.models import StockAlert, StockLevel
from stock.reaching import Reader, readers
from stock.rules import checked_text

LONGEST_MESSAGE = 300
SLOT_SECONDS = 600


@dataclass
class Told:
    """Who is told, and who can't be: each reader's `problem` says why."""

    told: list[Reader] = field(default_factory=list)
    not_told: list[Reader] = field(default_factory=list)

    @property
    def note(self) -> str:
        """For who asked, if nobody is told."""
        if self.told:
            return ""
        if self.not_told:
            return _("No stock manager of this clinic can be reached.")
        return _("This clinic has no stock manager. An administrator can name one.")


def alert_managers(*, level_id: UUID, message: str = "", actor: Actor, now: datetime) -> Told:
    """Queues a text or mail to each stock manager of the level's clinic. ValidationFailed on "message"."""
    said = checked_text(message, "message", LONGEST_MESSAGE)
    with transaction.atomic():
        level = StockLevel.objects.select_related("clinic", "item").filter(pk=level_id).first()
        if level is None:
            raise NotFound(_("There is no such stock level."))
        clinic, result, queued = level.clinic, Told(), []
        shown = StockAlert(level=level, clinic=clinic, status=level.status)
        for reader in readers(managers_of(clinic)):
            if not reader.reachable:
                result.not_told.append(reader)
                continue
            added = f"({level.item.code})" + (f" {said}" if said else "")
            text = low_stock_text(reader, [clinic], now, added=added) if reader.phone else None
            mail = manual_mail(reader, shown, said, actor.name) if reader.address else None
            queued += drafts(
                reader,
                text,
                mail,
                key=_key(level, reader, said, now),
                now=now,
                clinic_id=clinic.pk,
                urgent=True,
            )
            result.told.append(reader)
        enqueue(queued, now=now)
        changes = {"told": [None, len(result.told)], "not_told": [None, len(result.not_told)]}
        record(actor, [Change.of(level, "alerted", changes)], now=now)
        if queued:
            nudge()
    return result


def _key(level: StockLevel, reader: Reader, said: str, now: datetime) -> str:
    """The same words to the same person within ten minutes are a double click."""
    slot = int(now.timestamp()) // SLOT_SECONDS
    about = f"{level.pk}:{reader.user.pk}:{slot}:{said}"
    return f"told:{sha256(about.encode()).hexdigest()}"
