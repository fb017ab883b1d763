"""A file that somebody uploads: it waits in the database, is previewed, and imported as it was previewed."""

import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.access import AnyUser, Known, clinics_visible_to, sees_phones
from accounts.audit import Actor, Change, record
from accounts.models import ApiKey, Clinic, Language, User
from appointments.file_import.background import nudge
from appointments.file_import.importing import PreviewOutdated
from appointments.file_import.reading import MAX_BYTES, AppointmentFile, Readable, open_file
from appointments.file_import.rows import RejectedRecord
from appointments.file_import.upload_records import finish, keep_rejected, note, run, storable
from appointments.file_import.writing import write_rejected
from appointments.models import FileImport, RejectedRow
from common.errors import NotFound, StateConflict
from common.ids import new_id

FILE_IMPORT = "appointments.fileimport"
State = FileImport.State

# Up to here a file is taken whole or not at all; a longer one in chunks, so that others get their turn.
WHOLE = 1_000
FORGOTTEN_AFTER = timedelta(days=1)


def upload(
    *, filename: str, content: Readable | bytes, clinic: Clinic | None, user: Known, now: datetime
) -> FileImport:
    """Stores a file with its preview. UnreadableFile, and nothing is stored, when it can't be read.

    The preview of over 1,000 rows is made in the background: the file is WAITING meanwhile.
    """
    waiting, file = _opened(filename, content, clinic, user, now)
    if waiting.rows_total > WHOLE:
        return _leave_to_the_worker(waiting, dry_run=True)
    return _preview(waiting, file, user, now)


def accept(
    *,
    filename: str,
    content: Readable | bytes,
    clinic: Clinic | None,
    user: Known,
    now: datetime,
    dry_run: bool = False,
) -> FileImport:
    """Takes a file without asking back: up to 1,000 rows are imported at once, a longer file is WAITING.

    With `dry_run` it ends as PREVIEWED. UnreadableFile, and nothing is stored, when it can't be read.
    """
    waiting, file = _opened(filename, content, clinic, user, now)
    if waiting.rows_total > WHOLE:
        return _leave_to_the_worker(waiting, dry_run=dry_run)
    waiting.dry_run = dry_run
    if dry_run:
        return _preview(waiting, file, user, now)
    with transaction.atomic():
        waiting.state = State.RUNNING
        waiting.save(force_insert=True)
        return _import(waiting, user, now)


def _leave_to_the_worker(waiting: FileImport, *, dry_run: bool) -> FileImport:
    with transaction.atomic():
        waiting.state, waiting.dry_run = State.WAITING, dry_run
        waiting.save()
        nudge(waiting.pk)
    return waiting


def seen_by(user: AnyUser, files: QuerySet[FileImport]) -> QuerySet[FileImport]:
    """Whole patients stand in a file: only who brought it sees it, while they have all clinics that they
    had then, and administrators."""
    if isinstance(user, Known) and user.is_admin:
        return files
    if not sees_phones(user):
        return files.none()
    own = files.filter(Q(uploaded_by=user.pk) | Q(uploaded_by_key=user.pk))
    theirs = {str(pk) for pk in clinics_visible_to(user).values_list("pk", flat=True)}
    reach = own.order_by().values_list("pk", "clinic_ids")
    hidden = [pk for pk, clinics in reach if clinics is None or not theirs.issuperset(clinics)]
    return own.exclude(pk__in=hidden)


def rejected_rows_of(waiting: FileImport) -> str:
    """The rejected rows as a file that can be corrected and imported again."""
    out = io.StringIO(newline="")
    rows = waiting.rejected_rows.values_list("cells", "reason")
    write_rejected(out, waiting.header, rows.iterator(), delimiter=waiting.delimiter)
    return out.getvalue()


def _opened(
    filename: str, content: Readable | bytes, clinic: Clinic | None, user: Known, now: datetime
) -> tuple[FileImport, AppointmentFile]:
    data = content if isinstance(content, bytes) else content.read(MAX_BYTES + 1)
    file = open_file(data)
    waiting = FileImport(
        id=new_id(),
        filename=storable(filename)[-200:],
        content=data,
        clinic=clinic,
        language=get_language() or Language.ENGLISH,
        uploaded_by=user if isinstance(user, User) else None,
        uploaded_by_key=user if isinstance(user, ApiKey) else None,
        uploaded_at=now,
        clinic_ids=sorted(str(pk) for pk in clinics_visible_to(user).values_list("pk", flat=True)),
        header=[storable(cell) for cell in file.header],
        delimiter=file.delimiter,
        rows_total=sum(1 for _record in file.records()),
    )
    return waiting, file


def _preview(waiting: FileImport, file: AppointmentFile, user: Known, now: datetime) -> FileImport:
    rejected: list[RejectedRecord] = []
    note(waiting, run(waiting, file, user, now, dry_run=True, on_rejected=rejected.extend), State.PREVIEWED)
    with transaction.atomic():
        waiting.save(force_insert=True)
        keep_rejected(waiting, rejected)
    return waiting


def confirm(upload_id: UUID, *, user: Known, now: datetime) -> FileImport:
    """Imports the file as it was previewed, once, however often this is asked; a long one in the background.

    PreviewOutdated when something has changed since: nothing is imported, and the file waits with a new
    preview.
    """
    try:
        with transaction.atomic():
            waiting = _locked(upload_id)
            if waiting.state != State.PREVIEWED:
                return waiting
            if waiting.rows_total > WHOLE:
                waiting.rows_done = waiting.created = waiting.updated = 0
                waiting.unchanged = waiting.rejected = 0
                waiting.started_at = None
                RejectedRow.objects.filter(file_import=waiting).delete()
                return _leave_to_the_worker(waiting, dry_run=False)
            return _import(waiting, user, now)
    except PreviewOutdated:
        _preview_again(upload_id, user, now)
        raise


def _import(waiting: FileImport, user: Known, now: datetime) -> FileImport:
    rejected: list[RejectedRecord] = []
    report = run(
        waiting,
        open_file(bytes(waiting.content)),
        user,
        now,
        in_one_transaction=True,
        expected_digests=waiting.preview_digests or None,
        on_rejected=rejected.extend,
    )
    with transaction.atomic():
        finish(waiting, report, user, now=now)
        waiting.save()
        keep_rejected(waiting, rejected)
    return waiting


def _preview_again(upload_id: UUID, user: Known, now: datetime) -> None:
    waiting = FileImport.objects.select_related("clinic").get(pk=upload_id)
    rejected: list[RejectedRecord] = []
    file = open_file(bytes(waiting.content))
    report = run(waiting, file, user, now, dry_run=True, on_rejected=rejected.extend)
    with transaction.atomic():
        if _locked(upload_id).state == State.PREVIEWED:
            note(waiting, report, State.PREVIEWED)
            waiting.save()
            keep_rejected(waiting, rejected)


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
