"""Writes what a chunk of rows does, in a bounded number of statements."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from django.db.models import CharField, Q, Value
from django.db.models.functions import Cast, Concat

from accounts.audit import Actor, Change, record
from appointments.file_import.book import Book
from appointments.file_import.planning import Outcome, PlannedRow
from appointments.models import Appointment, AppointmentStatus, Patient, Reminder
from appointments.notices import Event, announce
from appointments.reminding import nudge_if_due, plan_reminders, reminders_for, resend_waiting

_PATIENT_FIELDS = [
    "patient_number",
    "name",
    "name_key",
    "phone",
    "consent",
    "consent_source",
    "consent_at",
    "imported_cells",
    "version",
    "updated_at",
]
_APPOINTMENT_FIELDS = [
    "reference",
    "starts_at",
    "ends_at",
    "duration_minutes",
    "visit_type",
    "language",
    "status",
    "imported_cells",
    "import_key",
    "version",
    "updated_at",
]


_IDENTITY = frozenset({"patient_number", "name", "phone"})
_NEW, _CHANGED = "imported", "changed by import"


def apply(planned: Sequence[PlannedRow], book: Book, *, actor: Actor, now: datetime) -> None:
    """Part of the caller's transaction, which planned the rows and holds their locks."""
    rows = [row for row in planned if row.remember]
    _write_patients(rows, book)
    _write_appointments(rows, book)
    _write_reminders(rows, book, now)
    announce(_events(rows, book), now=now)
    record(actor, _changes(rows), now=now)


def _write_patients(rows: Sequence[PlannedRow], book: Book) -> None:
    # A patient may stand in several rows; the book holds what the last of them left.
    new = {row.patient.pk for row in rows if row.new_patient}
    touched = {row.patient.pk for row in rows if row.patient_touched} - new
    renamed = {row.patient.pk for row in rows if not _IDENTITY.isdisjoint(row.patient_changes)} & touched
    # Out of the way first: somebody may get the words that another loses.
    own = Concat(Value("moving:"), Cast("pk", CharField(max_length=36)))
    Patient.objects.filter(pk__in=renamed).update(patient_number="", name_key=own)
    Patient.objects.bulk_update([book.patient(pk) for pk in sorted(touched)], _PATIENT_FIELDS, batch_size=100)
    Patient.objects.bulk_create([book.patient(pk) for pk in sorted(new)], batch_size=1000)


def _write_appointments(rows: Sequence[PlannedRow], book: Book) -> None:
    created = {row.appointment.pk for row in rows if row.outcome is Outcome.CREATED}
    touched = {row.appointment.pk for row in rows} - created
    moved = {row.appointment.pk for row in rows if row.replan} - created
    # Out of the way first: PostgreSQL checks row by row, and one visit may take another's old place.
    Appointment.objects.filter(pk__in=moved).update(status=AppointmentStatus.CANCELLED)
    Appointment.objects.bulk_update(
        [book.appointment(pk) for pk in sorted(touched)], _APPOINTMENT_FIELDS, batch_size=100
    )
    Appointment.objects.bulk_create([book.appointment(pk) for pk in sorted(created)], batch_size=1000)


def _write_reminders(rows: Sequence[PlannedRow], book: Book, now: datetime) -> None:
    clinics = {row.row.clinic.pk: row.row.clinic for row in rows}
    reminders, moved = [], []
    for row in rows:
        appointment = book.appointment(row.appointment.pk)
        if row.outcome is Outcome.CREATED and appointment.is_live:
            rules = clinics[appointment.clinic_id].reminder_hours_before
            reminders += reminders_for(appointment, rules, now)
        elif row.replan:
            appointment.clinic = clinics[appointment.clinic_id]
            moved.append(appointment)
    Reminder.objects.bulk_create(reminders, batch_size=1000)
    nudge_if_due(reminders, now)
    if moved:
        plan_reminders(moved, now=now)
    changed = Q(appointment__patient__in=[r.patient.pk for r in rows if _other_words(r.patient_changes, r)])
    changed |= Q(appointment__in=[r.appointment.pk for r in rows if "language" in r.appointment_changes])
    resend_waiting(Reminder.objects.filter(changed), now=now)


def _events(rows: Sequence[PlannedRow], book: Book) -> Iterator[Event]:
    clinics = {row.row.clinic.pk: row.row.clinic for row in rows}
    for row in rows:
        if row.appointment_changes:
            appointment = book.appointment(row.appointment.pk)
            appointment.clinic = clinics[appointment.clinic_id]
            appointment.patient = book.patient(appointment.patient_id)
            yield Event(appointment, row.appointment_changes)


def _other_words(changes: Mapping[str, object], row: PlannedRow) -> bool:
    return not row.new_patient and not changes.keys().isdisjoint({"phone", "name"})


def _changes(rows: Sequence[PlannedRow]) -> list[Change]:
    changes = []
    for row in rows:
        if row.patient_changes:
            action = _NEW if row.new_patient else _CHANGED
            changes.append(Change.of(row.patient, action, row.patient_changes))
        if row.appointment_changes:
            action = _NEW if row.outcome is Outcome.CREATED else _CHANGED
            changes.append(Change.of(row.appointment, action, row.appointment_changes))
    return changes
