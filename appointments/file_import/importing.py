"""One file, from its records to the database, in chunks with a transaction each. The way of every import."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import zip_longest
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor
from accounts.models import Clinic
from appointments.file_import.applying import apply
from appointments.file_import.book import Book
from appointments.file_import.planning import Outcome, PlannedRow, Planner
from appointments.file_import.reading import AppointmentFile, Record
from appointments.file_import.rows import RejectedRecord, Row, RowReader
from appointments.models import Appointment, Patient
from appointments.reminding import preview_text
from common.batches import batched
from common.errors import StateConflict
from common.locks import one_at_a_time

# A chunk holds SQLite's only writer for a fraction of a second; others get their turn in between.
CHUNK = 500
EXAMPLES = 3
_ATTEMPTS = 3


class PreviewOutdated(StateConflict):
    """What the preview promised no longer holds; nothing of this chunk was written."""


@dataclass(slots=True)
class Example:
    """The first reminder of a row, as its patient will read it."""

    row: int
    language: str
    text: str
    segments: int


@dataclass(slots=True)
class Report:
    """What an import did, or would do. The four counts add up to the rows read."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    ignored_columns: list[str] = field(default_factory=list)
    # A digest a chunk of all that it does; the import can be held to a preview's.
    chunk_digests: list[str] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.created + self.updated + self.unchanged + self.rejected


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """What one chunk did: how many rows came to each outcome, and which were rejected."""

    outcomes: Counter[Outcome]
    rejected: Sequence[RejectedRecord]


OnChunk = Callable[[ChunkDone], None]
OnRejected = Callable[[Sequence[RejectedRecord]], None]
Decided = Sequence[PlannedRow | RejectedRecord]


def import_file(
    file: AppointmentFile,
    *,
    clinics: Iterable[Clinic],
    default_clinic: Clinic | None = None,
    actor: Actor,
    now: datetime,
    dry_run: bool = False,
    in_one_transaction: bool = False,
    expected_digests: Sequence[str] | None = None,
    on_rejected: OnRejected = lambda _rejected: None,
    rows_done: int = 0,
    on_chunk: OnChunk = lambda _done: None,
) -> Report:
    """Imports the file into those of `clinics` that its rows name; `default_clinic`, one of them, is for rows
    without one.

    `dry_run` decides all the same and writes nothing. `expected_digests` are a preview's: the first chunk
    that would do something else raises PreviewOutdated. `on_rejected` gets each chunk's rejected rows once
    the chunk is committed; `on_chunk` gets what a chunk did before it is, so that whoever keeps the progress
    there can't disagree with what was written. A process that dies leaves whole chunks: the same file
    again does the rest, or `rows_done` (whole chunks of an earlier run) lets it go on from there.
    """
    run = _Run(
        reader=RowReader({clinic.code: clinic for clinic in clinics}, default_clinic),
        actor=actor,
        now=now,
        dry_run=dry_run,
        report=Report(ignored_columns=file.ignored_columns),
        on_chunk=on_chunk,
    )
    outer: AbstractContextManager[object] = transaction.atomic() if in_one_transaction else nullcontext()
    with outer:
        chunks = batched(file.records(), CHUNK)
        for records, expected in zip_longest(chunks, expected_digests or []):
            if records is None:
                raise _outdated()
            if run.rows_seen < rows_done:
                run.replay(records)
            else:
                on_rejected(run.chunk(records, expected if expected_digests is not None else None))
    return run.report


def _outdated() -> PreviewOutdated:
    return PreviewOutdated(_("Something has changed since the preview. Look at the new preview."))


@dataclass(slots=True)
class _Run:
    reader: RowReader
    actor: Actor
    now: datetime
    dry_run: bool
    report: Report
    on_chunk: OnChunk
    rows_seen: int = 0
    said: dict[UUID, str] = field(default_factory=dict)
    noes: set[UUID] = field(default_factory=set)
    # Kept from chunk to chunk in a dry run only: nothing is written that could be read back.
    book: Book = field(default_factory=Book)

    def chunk(self, records: Sequence[Record], expected: str | None) -> list[RejectedRecord]:
        read = [self.reader.read(record) for record in records]
        if self.dry_run:
            decided = self._plan(read, lock=False)
            planned = (item for item in decided if isinstance(item, PlannedRow))
            self.book.keep_only((item.appointment.pk, item.patient.pk) for item in planned)
            self.on_chunk(_done(decided))
        else:
            decided = self._plan_and_apply(read, expected)
        self._remember(decided)
        self.report.chunk_digests.append(digest_of(decided, self.now))
        done = _done(decided)
        for outcome, count in done.outcomes.items():
            setattr(self.report, outcome.value, getattr(self.report, outcome.value) + count)
        for item in decided:
            if len(self.report.examples) < EXAMPLES:
                self._add_example(item)
        return list(done.rejected)

    def replay(self, records: Sequence[Record]) -> None:
        """Learns again what a chunk that is written already said, without writing."""
        self.book = Book()
        self._remember(self._plan([self.reader.read(record) for record in records], lock=False))

    def _remember(self, decided: Decided) -> None:
        self.rows_seen += len(decided)
        self.said.update({i.appointment.pk: i.row.content for i in decided if isinstance(i, PlannedRow)})

    def _plan(self, read: Sequence[Row | RejectedRecord], *, lock: bool) -> Decided:
        rows = [item for item in read if isinstance(item, Row)]
        planner = Planner(self.book, self.said, self.noes, self.now)
        if rows:
            self.book.load(rows, lock=lock)
        return [planner.plan(item) if isinstance(item, Row) else item for item in read]

    def _plan_and_apply(self, read: Sequence[Row | RejectedRecord], expected: str | None) -> Decided:
        for attempt in range(1, _ATTEMPTS + 1):
            self.book = Book()
            try:
                with transaction.atomic():
                    # Two imports at once would wait for each other's rows in different orders.
                    one_at_a_time("appointments.import")
                    decided = self._plan(read, lock=True)
                    if expected is not None and digest_of(decided, self.now) != expected:
                        raise _outdated()
                    rows = [item for item in decided if isinstance(item, PlannedRow)]
                    apply(rows, self.book, actor=self.actor, now=self.now)
                    self.on_chunk(_done(decided))
                    return decided
            except IntegrityError:
                # Somebody booked the same in this moment; on the next look it is there to be seen.
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    def _add_example(self, item: PlannedRow | RejectedRecord) -> None:
        if isinstance(item, RejectedRecord) or item.outcome is not Outcome.CREATED:
            return
        if item.row.clinic.reminder_hours_before:
            text = preview_text(item.appointment, item.patient, item.row.clinic)
            self.report.examples.append(
                Example(item.row.record.row, item.appointment.language, text.body, text.segments)
            )


def _done(decided: Decided) -> ChunkDone:
    outcomes = Counter(item.outcome if isinstance(item, PlannedRow) else Outcome.REJECTED for item in decided)
    return ChunkDone(outcomes, [item for item in decided if isinstance(item, RejectedRecord)])


def digest_of(decided: Decided, now: datetime) -> str:
    """The same for the same outcomes on the same stored state, whatever keys new rows get."""

    def state(thing: Appointment | Patient) -> str:
        return "new" if thing.created_at == now else f"{thing.pk}:{thing.version}"

    digest = sha256()
    for item in decided:
        if isinstance(item, RejectedRecord):
            parts = [item.record.row, "rejected", item.code]
        elif item.outcome is Outcome.CREATED:
            parts = [item.row.record.row, "created", state(item.patient)]
            parts += [item.appointment_changes, item.patient_changes]
        else:
            parts = [item.row.record.row, item.outcome.value, state(item.appointment), state(item.patient)]
            parts += [item.appointment_changes, item.patient_changes]
        digest.update(repr(parts).encode())
    return digest.hexdigest()
