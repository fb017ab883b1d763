"""Long files, run by the worker: with progress, one at a time, and gone on with when a process dies."""

import logging
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone, translation
from django_q.tasks import async_task

from appointments.file_import.importing import ChunkDone, PreviewOutdated, Report
from appointments.file_import.planning import Outcome
from appointments.file_import.reading import open_file
from appointments.file_import.upload_records import add_rejected, finish, note, run
from appointments.models import FileImport, RejectedRow
from common.locks import one_at_a_time

logger = logging.getLogger(__name__)
State = FileImport.State

# A chunk takes seconds; who has not been seen for so long is dead.
DEAD_AFTER = timedelta(minutes=2)
# The cluster's own limit is for passes; an import of 200,000 rows takes minutes.
LONGEST_SECONDS = 3600
MAX_TRIES = 3


class _TakenOverError(Exception):
    """Another process has this file now."""


def nudge(upload_id: UUID) -> None:
    """Has the worker run this file as soon as the present transaction is committed."""
    transaction.on_commit(
        lambda: async_task("appointments.tasks.run_upload", str(upload_id), timeout=LONGEST_SECONDS)
    )


def nudge_waiting(*, now: datetime) -> None:
    """Finds what a lost nudge or a dead worker left; a sweep for every minute."""
    for upload_id in _runnable(now).order_by("uploaded_at").values_list("pk", flat=True)[:1]:
        nudge(upload_id)


def _runnable(now: datetime) -> QuerySet[FileImport]:
    stalled = Q(state=State.RUNNING, run__isnull=False, seen_alive_at__lte=now - DEAD_AFTER)
    return FileImport.objects.filter(Q(state=State.WAITING) | stalled)


def run_upload(upload_id: UUID) -> None:
    """Previews or imports one waiting file; nothing when it is another's, or another file is running."""
    waiting = _take(upload_id)
    if waiting is None:
        return
    # One clock for the whole run, also when it is gone on with: what the run itself wrote is told by it.
    now = waiting.started_at or timezone.now()
    try:
        # The worker speaks English; what it says of rows is for who brought them.
        with translation.override(waiting.language):
            report = run(
                waiting,
                open_file(bytes(waiting.content)),
                waiting.brought_by,
                now,
                dry_run=waiting.dry_run,
                expected_digests=None if waiting.dry_run else waiting.preview_digests or None,
                rows_done=waiting.rows_done,
                on_chunk=partial(_progress, waiting),
            )
        _end(waiting, report)
    except _TakenOverError:
        logger.warning("Another process has taken over the file import %s.", upload_id)
    except PreviewOutdated:
        _look_again(waiting)
    except Exception as error:
        # Its text may quote a patient.
        logger.error("File import %s stopped: %s", upload_id, type(error).__name__)
        if waiting.tries >= MAX_TRIES:
            FileImport.objects.filter(pk=waiting.pk, run=waiting.run).update(state=State.FAILED)
        raise
    nudge_waiting(now=timezone.now())


def _take(upload_id: UUID) -> FileImport | None:
    now = timezone.now()
    with transaction.atomic():
        # One file at a time: the other workers are there for the reminders.
        one_at_a_time("appointments.run_upload")
        alive = FileImport.objects.filter(state=State.RUNNING, seen_alive_at__gt=now - DEAD_AFTER)
        if alive.exists():
            return None
        waiting = (
            _runnable(now)
            .select_related("clinic", "uploaded_by", "uploaded_by_key")
            .select_for_update(of=("self",))
            .filter(pk=upload_id)
            .first()
        )
        if waiting is None:
            return None
        if waiting.dry_run or waiting.started_at is None:
            # Begins, or begins anew: a preview is kept nowhere that it could go on from.
            waiting.started_at, waiting.rows_done = now, 0
            waiting.created = waiting.updated = waiting.unchanged = waiting.rejected = 0
            RejectedRow.objects.filter(file_import=waiting).delete()
        waiting.state, waiting.run, waiting.seen_alive_at = State.RUNNING, uuid4(), now
        waiting.tries += 1
        waiting.save()
    return waiting


def _progress(waiting: FileImport, done: ChunkDone) -> None:
    """Part of the chunk's own transaction, so that progress and data can't disagree."""
    counts = {outcome.value: F(outcome.value) + done.outcomes[outcome] for outcome in Outcome}
    mine = FileImport.objects.filter(pk=waiting.pk, run=waiting.run, state=State.RUNNING)
    rows = done.outcomes.total()
    if not mine.update(rows_done=F("rows_done") + rows, seen_alive_at=timezone.now(), **counts):
        raise _TakenOverError
    add_rejected(waiting, done.rejected)


def _end(waiting: FileImport, report: Report) -> None:
    with transaction.atomic():
        # The counts of earlier tries are in the row, not in this run's report.
        stored = FileImport.objects.select_for_update().filter(pk=waiting.pk, run=waiting.run).first()
        if stored is None:
            raise _TakenOverError
        report.created, report.updated = stored.created, stored.updated
        report.unchanged, report.rejected = stored.unchanged, stored.rejected
        stored.run, stored.seen_alive_at, stored.tries = None, None, 0
        if stored.dry_run:
            note(stored, report, State.PREVIEWED)
        else:
            finish(stored, report, waiting.brought_by, now=timezone.now())
        stored.save()


def _look_again(waiting: FileImport) -> None:
    """Something has changed since the preview: a new one is made. What is imported is unchanged there."""
    with transaction.atomic():
        FileImport.objects.filter(pk=waiting.pk, run=waiting.run).update(
            state=State.WAITING, dry_run=True, run=None, seen_alive_at=None, tries=0, rows_done=0
        )
        nudge(waiting.pk)
