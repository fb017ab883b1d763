"""A file that somebody uploads: it waits in the database, is previewed, and imported as it was previewed."""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.access import AnyUser, clinics_visible_to, sees_phones
from accounts.audit import Actor, Change, record
from accounts.models import Clinic, User
from appointments.file_import.importing import PreviewOutdated, Report, import_file
from appointments.file_import.reading import MAX_BYTES, AppointmentFile, Readable, open_file
from appointments.file_import.rows import RejectedRecord
from appointments.file_import.writing import write_rejected
from appointments.models import FileImport, RejectedRow
from common.errors import NotFound, StateConflict
from common.ids import new_id

FILE_IMPORT = "appointments.fileimport"
State = FileImport.State

# Up to here a file is taken whole or not at all; a longer one in chunks, so that others get their turn.
WHOLE = 1_000
FORGOTTEN_AFTER = timedelta(days=1)
# An import that has run for so long belongs to a process that died.
GIVEN_UP_AFTER = timedelta(minutes=15)


def upload(
    *, filename: str, content: Readable | bytes, clinic: Clinic | None, user: User, now: datetime
) -> FileImport:
    """Stores a file with its preview. UnreadableFile, and nothing is stored, when it can't be read."""
    waiting, file = _opened(filename, content, clinic, user, now)
    return _preview(waiting, file, user, now)


def accept(
    *,
    filename: str,
    content: Readable | bytes,
    clinic: Clinic | None,
    user: User,
    now: datetime,
    dry_run: bool = False,
) -> FileImport:
    """Takes a file without asking back: up to 1,000 rows are imported at once, a longer file is WAITING.

    With `dry_run` it ends as PREVIEWED. UnreadableFile, and nothing is stored, when it can't be read.
    """
    waiting, file = _opened(filename, content, clinic, user, now)
    waiting.dry_run = dry_run
    if next(islice(file.records(), WHOLE, None), None) is not None:
        waiting.state = State.WAITING
        waiting.save(force_insert=True)
        return waiting
    if dry_run:
        return _preview(waiting, file, user, now)
    with transaction.atomic():
        waiting.state = State.RUNNING
        waiting.save(force_insert=True)
        return _import(waiting, user, now, whole=True)


def seen_by(user: AnyUser, files: QuerySet[FileImport]) -> QuerySet[FileImport]:
    """Whole patients stand in a file: only who brought it sees it, and administrators."""
    if isinstance(user, User) and user.is_admin:
        return files
    return files.filter(uploaded_by=user.pk) if sees_phones(user) else files.none()


def rejected_rows_of(waiting: FileImport) -> str:
    """The rejected rows as a file that can be corrected and imported again."""
    out = io.StringIO(newline="")
    rows = waiting.rejected_rows.values_list("cells", "reason")
    write_rejected(out, waiting.header, rows.iterator(), delimiter=waiting.delimiter)
    return out.getvalue()


def _opened(
    filename: str, content: Readable | bytes, clinic: Clinic | None, user: User, now: datetime
) -> tuple[FileImport, AppointmentFile]:
    data = content if isinstance(content, bytes) else content.read(MAX_BYTES + 1)
    file = open_file(data)
    waiting = FileImport(
        id=new_id(),
        filename=_storable(filename)[-200:],
        content=data,
        clinic=clinic,
        uploaded_by=user,
        uploaded_at=now,
        header=[_storable(cell) for cell in file.header],
        delimiter=file.delimiter,
    )
    return waiting, file


def _preview(waiting: FileImport, file: AppointmentFile, user: User, now: datetime) -> FileImport:
    rejected: list[RejectedRecord] = []
    _note(waiting, _run(waiting, file, user, now, dry_run=True, on_rejected=rejected.extend), State.PREVIEWED)
    with transaction.atomic():
        waiting.save(force_insert=True)
        _keep(waiting, rejected)
    return waiting


def confirm(upload_id: UUID, *, user: User, now: datetime) -> FileImport:
    """Imports the file as it was previewed, once, however often this is asked.

    PreviewOutdated when something has changed since: nothing more is imported, and the file waits with a
    new preview.
    """
    try:
        return _confirm(upload_id, user, now)
    except PreviewOutdated:
        _preview_again(upload_id, user, now)
        raise


def _confirm(upload_id: UUID, user: User, now: datetime) -> FileImport:
    with transaction.atomic():
        waiting = _locked(upload_id)
        if waiting.state == State.RUNNING and _given_up(waiting, now):
            # What the dead process wrote is found unchanged; no preview can have foreseen where it stopped.
            waiting.preview_digests = []
        elif waiting.state != State.PREVIEWED:
            return waiting
        if waiting.rows <= WHOLE:
            return _import(waiting, user, now, whole=True)
        waiting.state, waiting.started_at = State.RUNNING, now
        waiting.save()
    return _import(waiting, user, now, whole=False)


def _import(waiting: FileImport, user: User, now: datetime, *, whole: bool) -> FileImport:
    rejected: list[RejectedRecord] = []
    report = _run(
        waiting,
        open_file(bytes(waiting.content)),
        user,
        now,
        in_one_transaction=whole,
        expected_digests=waiting.preview_digests or None,
        on_rejected=rejected.extend,
    )
    with transaction.atomic():
        _note(waiting, report, State.DONE)
        waiting.content, waiting.examples, waiting.finished_at = b"", [], now
        waiting.save()
        _keep(waiting, rejected)
        counts = ("created", "updated", "unchanged", "rejected")
        changes = {count: [None, getattr(report, count)] for count in counts}
        change = Change("file imported", FILE_IMPORT, waiting.pk, waiting.clinic_id, changes)
        record(Actor.of(user), [change], now=now)
    return waiting


def _preview_again(upload_id: UUID, user: User, now: datetime) -> None:
    waiting = FileImport.objects.select_related("clinic").get(pk=upload_id)
    rejected: list[RejectedRecord] = []
    file = open_file(bytes(waiting.content))
    report = _run(waiting, file, user, now, dry_run=True, on_rejected=rejected.extend)
    with transaction.atomic():
        if _locked(upload_id).state in (State.PREVIEWED, State.RUNNING):
            _note(waiting, report, State.PREVIEWED)
            waiting.started_at = None
            waiting.save()
            _keep(waiting, rejected)


def discard(upload_id: UUID, *, actor: Actor, now: datetime) -> None:
    """Drops a file that is not to be imported, with all that it held."""
    with transaction.atomic():
        waiting = _locked(upload_id)
        if waiting.state != State.PREVIEWED:
            raise StateConflict(_("This file is imported already, or was dropped."))
        _forget([waiting.pk], now)
        record(actor, [Change("dropped", FILE_IMPORT, waiting.pk, waiting.clinic_id)], now=now)


def forget_old_uploads(*, now: datetime) -> int:
    """Drops what files that nobody confirmed within a day held; gives their number."""
    with transaction.atomic():
        old = FileImport.objects.filter(state=State.PREVIEWED, uploaded_at__lte=now - FORGOTTEN_AFTER)
        found = list(old.select_for_update(of=("self",)).values_list("pk", flat=True))
        _forget(found, now)
    return len(found)


def may_go_on(waiting: FileImport, now: datetime) -> bool:
    """Whether it waits to be confirmed, or was left half-way by a process that died."""
    return waiting.state == State.PREVIEWED or _given_up(waiting, now)


def _given_up(waiting: FileImport, now: datetime) -> bool:
    started = waiting.started_at
    return waiting.state == State.RUNNING and started is not None and now - started > GIVEN_UP_AFTER


def _forget(keys: Sequence[UUID], now: datetime) -> None:
    RejectedRow.objects.filter(file_import__in=keys).delete()
    FileImport.objects.filter(pk__in=keys).update(
        state=State.DISCARDED, content=b"", examples=[], preview_digests=[], finished_at=now
    )


def _locked(upload_id: UUID) -> FileImport:
    found = (
        FileImport.objects.select_related("clinic")
        .select_for_update(of=("self",))
        .filter(pk=upload_id)
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such file."))
    return found


def _run(waiting: FileImport, file: AppointmentFile, user: User, now: datetime, **options: object) -> Report:
    return import_file(
        file,
        clinics=clinics_visible_to(user),
        default_clinic=waiting.clinic,
        actor=Actor.of(user),
        now=now,
        **options,  # type: ignore[arg-type]
    )


def _note(waiting: FileImport, report: Report, state: str) -> None:
    waiting.state = state
    waiting.created, waiting.updated = report.created, report.updated
    waiting.unchanged, waiting.rejected = report.unchanged, report.rejected
    waiting.ignored_columns = [_storable(heading) for heading in report.ignored_columns]
    waiting.preview_digests = report.chunk_digests if state == State.PREVIEWED else []
    waiting.examples = [
        {"row": e.row, "language": e.language, "text": e.text, "segments": e.segments}
        for e in report.examples
    ]


def _keep(waiting: FileImport, rejected: Iterable[RejectedRecord]) -> None:
    """The rejected rows of the latest run, in place of those before."""
    RejectedRow.objects.filter(file_import=waiting).delete()
    RejectedRow.objects.bulk_create(
        (
            RejectedRow(
                file_import=waiting,
                row=item.record.row,
                line=item.record.line,
                column=item.column,
                code=item.code,
                reason=item.reason[:400],
                cells=[_storable(cell) for cell in item.record.raw],
            )
            for item in rejected
        ),
        batch_size=1000,
    )


def _storable(cell: str) -> str:
    # PostgreSQL keeps no NUL.
    return cell.replace("\0", "\ufffd")
