"""What is kept of a file's run: its counts, its first texts, its rejected rows."""

from collections.abc import Iterable
from datetime import datetime

from accounts.access import Known, clinics_visible_to
from accounts.audit import Actor, Change, record
from appointments.file_import.importing import Report, import_file
from appointments.file_import.reading import AppointmentFile
from appointments.file_import.rows import RejectedRecord
from appointments.models import FileImport, RejectedRow


def run(waiting: FileImport, file: AppointmentFile, user: Known, now: datetime, **options: object) -> Report:
    clinics = clinics_visible_to(user)
    if waiting.clinic_ids is not None:
        clinics = clinics.filter(pk__in=waiting.clinic_ids)
    return import_file(
        file,
        clinics=clinics,
        default_clinic=waiting.clinic,
        actor=Actor.of(user),
        now=now,
        **options,  # type: ignore[arg-type]
    )


def note(waiting: FileImport, report: Report, state: str) -> None:
    waiting.state = state
    waiting.created, waiting.updated = report.created, report.updated
    waiting.unchanged, waiting.rejected = report.unchanged, report.rejected
    waiting.ignored_columns = [storable(heading) for heading in report.ignored_columns]
    waiting.preview_digests = report.chunk_digests if state == FileImport.State.PREVIEWED else []
    waiting.examples = [
        {"row": e.row, "language": e.language, "text": e.text, "segments": e.segments}
        for e in report.examples
    ]


def keep_rejected(waiting: FileImport, rejected: Iterable[RejectedRecord]) -> None:
    """The rejected rows of the latest run, in place of those before."""
    RejectedRow.objects.filter(file_import=waiting).delete()
    add_rejected(waiting, rejected)


def add_rejected(waiting: FileImport, rejected: Iterable[RejectedRecord]) -> None:
    RejectedRow.objects.bulk_create(
        (
            RejectedRow(
                file_import=waiting,
                row=item.record.row,
                line=item.record.line,
                column=item.column,
                code=item.code,
                reason=item.reason[:400],
                cells=[storable(cell) for cell in item.record.raw],
            )
            for item in rejected
        ),
        batch_size=1000,
    )


def finish(waiting: FileImport, report: Report, user: Known, *, now: datetime) -> None:
    """The file is imported: its content goes, its counts and rejected rows stay. The caller saves."""
    note(waiting, report, FileImport.State.DONE)
    waiting.content, waiting.examples, waiting.finished_at = b"", [], now
    counts = ("created", "updated", "unchanged", "rejected")
    changes = {count: [None, getattr(report, count)] for count in counts}
    record(Actor.of(user), [Change.of(waiting, "file imported", changes)], now=now)


def storable(cell: str) -> str:
    # PostgreSQL keeps no NUL.
    return cell.replace("\0", "\ufffd")
