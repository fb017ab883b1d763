"""A file that somebody brings: it is looked at, shown, and imported when it is confirmed."""

import logging
from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_q.tasks import async_task

from accounts.access import clinics_visible_to
from accounts.audit import Actor, Change, record
from accounts.models import User
from appointments.file_import.upload_records import storable
from common.errors import NotFound, StateConflict
from common.ids import new_id
from stock.file_import.items import import_items
from stock.file_import.movements import import_movements
from stock.file_import.reading import ITEM_COLUMNS, MAX_BYTES, MOVEMENT_COLUMNS
from stock.file_import.reading import StockFile as Table
from stock.file_import.report import Report
from stock.models import StockFile

logger = logging.getLogger(__name__)
State, Kind = StockFile.State, StockFile.Kind

# Up to here somebody waits for it; more is left to the worker.
AT_ONCE = 64 * 1024
REJECTED_KEPT = 500
FORGOTTEN_AFTER = timedelta(days=1)
LONGEST_SECONDS = 3600
REQUIRED = {
    Kind.ITEMS: (ITEM_COLUMNS, ("code", "name", "unit")),
    Kind.MOVEMENTS: (MOVEMENT_COLUMNS, ("date", "clinic", "item", "kind", "quantity")),
}


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def upload(*, kind: str, filename: str, content: Readable, user: User, now: datetime) -> StockFile:
    """Stores a file with its preview; a long one is WAITING until the worker has made it.

    UnreadableFile, and nothing is stored, when it can't be read.
    """
    data = content.read(MAX_BYTES + 1)
    Table(data, *REQUIRED[Kind(kind)])
    file = StockFile(
        id=new_id(),
        kind=kind,
        filename=storable(filename)[-200:],
        content=data,
        uploaded_by=user,
        uploaded_at=now,
        state=State.WAITING,
    )
    if len(data) <= AT_ONCE:
        _note(file, _read(file, now), now)
    with transaction.atomic():
        file.save(force_insert=True)
        _nudge_if_waiting(file)
    return file


def confirm(file_id: UUID, *, actor: Actor, now: datetime) -> StockFile:
    """Imports the file, once, however often this is asked; a long one in the background.

    What has come into the ledger since the preview is not entered twice.
    """
    with transaction.atomic():
        file = _locked(file_id)
        if file.state != State.PREVIEWED:
            return file
        file.state, file.dry_run = State.WAITING, False
        if len(file.content) <= AT_ONCE:
            _note(file, _read(file, now), now)
        file.save()
        record(actor, [Change.of(file, "confirmed", {"file": [None, file.filename]})], now=now)
        _nudge_if_waiting(file)
    return file


def discard(file_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Drops a file that is not to be imported, with all that it held. StateConflict where it is too late."""
    with transaction.atomic():
        file = _locked(file_id)
        if file.state not in (State.PREVIEWED, State.FAILED):
            raise StateConflict(_("This file is imported already, or was dropped."))
        file.state, file.content, file.rejected_rows, file.finished_at = State.DISCARDED, b"", [], now
        file.save()
        record(actor, [Change.of(file, "dropped")], now=now)


def run_waiting(file_id: UUID) -> None:
    """Looks at or imports one waiting file; nothing when another process has it."""
    now = timezone.now()
    taken = _runnable(now).filter(pk=file_id).update(state=State.RUNNING, started_at=now)
    if not taken:
        return
    file = StockFile.objects.select_related("uploaded_by").get(pk=file_id)
    try:
        _note(file, _read(file, now), timezone.now())
    except Exception as error:
        # Its text may quote the file.
        logger.error("The stock file %s stopped: %s", file_id, type(error).__name__)
        StockFile.objects.filter(pk=file_id, started_at=now).update(state=State.FAILED)
        raise
    file.save()


def nudge_waiting(*, now: datetime) -> None:
    """Finds what a lost nudge or a dead worker left; forgets what nobody confirmed within a day."""
    StockFile.objects.filter(state=State.PREVIEWED, uploaded_at__lte=now - FORGOTTEN_AFTER).update(
        state=State.DISCARDED, content=b"", rejected_rows=[], finished_at=now
    )
    for file_id in _runnable(now).order_by("uploaded_at").values_list("pk", flat=True)[:1]:
        _nudge(file_id)


def _runnable(now: datetime) -> QuerySet[StockFile]:
    stalled = Q(state=State.RUNNING, started_at__lte=now - timedelta(seconds=LONGEST_SECONDS))
    return StockFile.objects.filter(Q(state=State.WAITING) | stalled)


def _read(file: StockFile, now: datetime) -> Report:
    actor = Actor.of(file.uploaded_by)
    if file.kind == Kind.ITEMS:
        return import_items(bytes(file.content), actor=actor, now=now, dry_run=file.dry_run)
    clinics = clinics_visible_to(file.uploaded_by)
    return import_movements(bytes(file.content), clinics=clinics, actor=actor, now=now, dry_run=file.dry_run)


def _note(file: StockFile, report: Report, now: datetime) -> None:
    file.created, file.updated, file.unchanged = report.created, report.updated, report.unchanged
    file.rejected = len(report.rejected)
    file.rejected_rows = [list(astuple(row)) for row in report.rejected[:REJECTED_KEPT]]
    file.ignored_columns = [storable(heading) for heading in report.ignored_columns]
    file.state = State.PREVIEWED if file.dry_run else State.DONE
    file.started_at = None
    if not file.dry_run:
        file.content, file.finished_at = b"", now


def _nudge_if_waiting(file: StockFile) -> None:
    if file.state == State.WAITING:
        transaction.on_commit(lambda: _nudge(file.pk))


def _nudge(file_id: UUID) -> None:
    async_task("stock.tasks.run_file", str(file_id), timeout=LONGEST_SECONDS)


def _locked(file_id: UUID) -> StockFile:
    found = (
        StockFile.objects.select_related("uploaded_by")
        .select_for_update(of=("self",))
        .filter(pk=file_id)
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such file."))
    return found
