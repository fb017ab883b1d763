"""What each row does: creates, updates, leaves unchanged, is rejected. Decided in memory, in file order."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from appointments.consent import on_file_consent
from appointments.diary import Visit
from appointments.errors import AppointmentConflict, InTheWay
from appointments.file_import.book import Book
from appointments.file_import.differences import differences, values_of
from appointments.file_import.identity import (
    find_patient,
    former_words,
    refuse_ended,
    refuse_other_patient,
    refuse_second_version,
    refuse_taken_identity,
)
from appointments.file_import.refusal import RowRefused
from appointments.file_import.rows import RejectedRecord, Row
from appointments.models import Appointment, AppointmentStatus, ConsentSource, Patient
from appointments.rules import refuse_early_attendance, refuse_out_of_bounds, refuse_transition
from common.errors import DomainError
from common.ids import new_id

PATIENT_CELLS = ("patient_number", "name", "phone", "consent")


class Outcome(Enum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REJECTED = "rejected"


@dataclass(slots=True)
class PlannedRow:
    """What a row does to its appointment and patient, with [before, after] of the fields it changes."""

    row: Row
    outcome: Outcome
    appointment: Appointment
    patient: Patient
    new_patient: bool = False
    patient_touched: bool = False
    # The visit's time or liveness changed, so its reminders are planned anew.
    replan: bool = False
    # What the file said last is to be kept, even where no field changes.
    remember: bool = False
    appointment_changes: dict[str, list[Any]] = field(default_factory=dict)
    patient_changes: dict[str, list[Any]] = field(default_factory=dict)


class Planner:
    """Decides the rows of one chunk, one after the other, against a Book."""

    def __init__(self, book: Book, said_before: Mapping[UUID, str], noes: set[UUID], now: datetime) -> None:
        """`said_before`: what earlier chunks of this file said of each appointment; `noes`: which patients
        this file says don't agree, for all of its chunks."""
        self.book = book
        self.said: dict[UUID, str] = {}
        self._said_before = said_before
        self._noes = noes
        self._now = now

    def plan(self, row: Row) -> PlannedRow | RejectedRecord:
        try:
            appointment = self._find(row)
            planned = self._create(row) if appointment is None else self._compare(row, appointment)
        except RowRefused as refusal:
            return RejectedRecord(row.record, refusal.column, refusal.code, refusal.reason)
        self.said[planned.appointment.pk] = row.content
        return planned

    def _find(self, row: Row) -> Appointment | None:
        """The appointment that the row is about, if there is one."""
        if row.reference:
            found = self.book.by_reference(row)
            if found is not None:
                return found
        # What a file gave for this person and time, wherever a nurse has moved it since.
        candidates = self.book.by_import_key(row)
        try:
            patient = find_patient(self.book, row)
        except RowRefused:
            # Whose the visit is, is known, whatever the patient is called by now.
            if not candidates:
                raise
            patient = None
        if patient is not None:
            candidates += self.book.by_time(patient, row.starts_at)
        if row.reference:
            # Only an appointment without a reference can adopt this one.
            candidates = [a for a in candidates if not a.reference]
        return min(candidates, key=lambda a: (not a.is_live, a.pk), default=None)

    def _create(self, row: Row) -> PlannedRow:
        self._refuse_out_of_bounds(row.starts_at)
        patient = find_patient(self.book, row)
        before = values_of(patient) if patient else {}
        planned_patient = copy(patient) if patient else self._new_patient(row)
        self._correct_patient(row, planned_patient)
        appointment = self._new_appointment(row, planned_patient)
        if appointment.status in (AppointmentStatus.ATTENDED, AppointmentStatus.MISSED):
            self._refuse_status(row, AppointmentStatus.BOOKED, appointment.status, row.starts_at)
        if appointment.is_live:
            self._make_room(appointment, row, new_day=True)
        patient_changes = differences(before, values_of(planned_patient))
        if patient is not None:
            self._new_version(planned_patient, patient_changes)
        self.book.put_patient(planned_patient)
        self.book.put_appointment(appointment)
        return PlannedRow(
            row,
            Outcome.CREATED,
            appointment,
            planned_patient,
            new_patient=patient is None,
            patient_touched=patient is None or patient.imported_cells != planned_patient.imported_cells,
            replan=True,
            remember=True,
            appointment_changes=differences({}, values_of(appointment)),
            patient_changes=patient_changes,
        )

    def _new_version(self, thing: Patient | Appointment, changes: dict[str, list[Any]]) -> None:
        if changes:
            thing.version += 1
            thing.updated_at = self._now

    def _new_patient(self, row: Row) -> Patient:
        consent, source, at = on_file_consent(row.clinic, self._now)
        return Patient(
            id=new_id(),
            clinic_id=row.clinic.pk,
            patient_number=row.patient_number,
            name=row.name,
            name_key=row.name_key,
            phone=row.phone,
            consent=consent,
            consent_source=source,
            consent_at=at,
            created_at=self._now,
            updated_at=self._now,
        )

    def _new_appointment(self, row: Row, patient: Patient) -> Appointment:
        minutes = row.duration_minutes or row.clinic.slot_minutes
        return Appointment(
            id=new_id(),
            clinic_id=row.clinic.pk,
            patient_id=patient.pk,
            reference=row.reference,
            starts_at=row.starts_at,
            ends_at=row.starts_at + timedelta(minutes=minutes),
            duration_minutes=minutes,
            visit_type=row.visit_type,
            language=row.language or row.clinic.default_language,
            status=row.status or AppointmentStatus.BOOKED,
            imported_cells=row.digests,
            import_key=row.import_key,
            created_at=self._now,
            updated_at=self._now,
        )

    def _compare(self, row: Row, stored: Appointment) -> PlannedRow:
        """Takes over what is new in the file; what is not new never undoes what a nurse did since."""
        stored_patient = self.book.patient(stored.patient_id)
        if stored_patient.erased_at is not None:
            # No file brings back a patient whose data was erased.
            if row.starts_at != stored.starts_at:
                refuse_ended()
            return PlannedRow(row, Outcome.UNCHANGED, stored, stored_patient)
        said = self.said.get(stored.pk) or self._said_before.get(stored.pk)
        if said == row.content:
            return PlannedRow(row, Outcome.UNCHANGED, stored, stored_patient)
        if said is not None:
            refuse_second_version(row, stored)
        last = stored.imported_cells
        if all(last.get(cell) == digest for cell, digest in row.digests.items()):
            return PlannedRow(row, Outcome.UNCHANGED, stored, stored_patient)
        # Decided on copies, so that a refusal leaves the book as it was.
        appointment, patient = copy(stored), copy(stored_patient)
        said_anew = any(
            last.get(cell) != row.digests.get(cell) for cell in PATIENT_CELLS if cell in row.digests
        )
        if said_anew and not former_words(self.book, row, patient):
            refuse_other_patient(row, patient)
        self._correct_patient(row, patient, last)
        self._change_appointment(row, appointment, last)
        appointment.imported_cells = {**last, **row.digests}
        appointment.import_key = row.import_key
        appointment_changes = differences(values_of(stored), values_of(appointment))
        patient_changes = differences(values_of(stored_patient), values_of(patient))
        self._new_version(appointment, appointment_changes)
        self._new_version(patient, patient_changes)
        self.book.put_patient(patient)
        self.book.put_appointment(appointment)
        return PlannedRow(
            row,
            Outcome.UPDATED if appointment_changes or patient_changes else Outcome.UNCHANGED,
            appointment,
            patient,
            patient_touched=stored_patient.imported_cells != patient.imported_cells,
            replan="starts_at" in appointment_changes or appointment.is_live != stored.is_live,
            remember=True,
            appointment_changes=appointment_changes,
            patient_changes=patient_changes,
        )

    def _correct_patient(
        self, row: Row, patient: Patient, of_visit: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Takes over what the file newly says of the patient: number, name, phone, consent.

        `of_visit`: what files last said in this visit's own rows. That is not new, even where the visit has
        come to another record of the person since.
        """
        last = patient.imported_cells
        former = former_words(self.book, row, patient)
        # Where a file has spoken before, `last` tells whether it says anything new.
        former |= former_words(self.book, row, patient, corrected=True) - last.keys()
        said = {
            cell: row.digests[cell] for cell in PATIENT_CELLS if cell in row.digests and cell not in former
        }
        said = {cell: digest for cell, digest in said.items() if of_visit.get(cell) != digest}
        new = {cell for cell, digest in said.items() if last.get(cell) != digest}
        patient.imported_cells = {**last, **said}
        if new & {"patient_number", "name", "phone"}:
            if "patient_number" in new:
                patient.patient_number = row.patient_number
            if "name" in new:
                patient.name, patient.name_key = row.name, row.name_key
            if "phone" in new:
                patient.phone = row.phone
            refuse_taken_identity(self.book, row, patient)
        if "consent" in new and row.consent is not None:
            on_file = patient.consent_source == ConsentSource.ON_FILE
            differs = patient.consent != row.consent or on_file
            if differs and not self._is_a_no_that_stands(patient, row.consent):
                patient.consent, patient.consent_source = row.consent, ConsentSource.FILE
                patient.consent_at = self._now
            if not row.consent:
                self._noes.add(patient.pk)

    def _is_a_no_that_stands(self, patient: Patient, said: bool) -> bool:
        """A person's "no" is undone by a person only, and within one file a "no" is the stronger word."""
        if patient.consent is not False or not said:
            return False
        return patient.consent_source != ConsentSource.FILE or patient.pk in self._noes

    def _change_appointment(self, row: Row, appointment: Appointment, last: dict[str, str]) -> None:
        """Takes over what the file newly says of the visit."""

        def new(cell: str, present: Any, untouched: Any = None) -> Any:
            """`untouched`: what stands there while neither a file nor a nurse has said anything."""
            if cell not in row.digests or last.get(cell) == row.digests[cell]:
                return present
            if cell not in last and untouched is not None and present != untouched:
                # No file has said it before, so a nurse has set it.
                return present
            return getattr(row, cell)

        before = copy(appointment)
        appointment.reference = appointment.reference or row.reference
        appointment.visit_type = new("visit_type", appointment.visit_type, "")
        appointment.language = new("language", appointment.language, row.clinic.default_language)
        appointment.starts_at = new("starts_at", appointment.starts_at)
        appointment.duration_minutes = new(
            "duration_minutes", appointment.duration_minutes, row.clinic.slot_minutes
        )
        appointment.ends_at = appointment.starts_at + timedelta(minutes=appointment.duration_minutes)
        appointment.status = new("status", appointment.status, AppointmentStatus.BOOKED)
        moved = appointment.starts_at != before.starts_at
        retimed = moved or appointment.ends_at != before.ends_at
        if retimed and not before.is_live:
            refuse_ended()
        if moved:
            self._refuse_out_of_bounds(appointment.starts_at)
            if appointment.status == before.status == AppointmentStatus.CONFIRMED:
                appointment.status = AppointmentStatus.BOOKED
        if appointment.status != before.status:
            self._refuse_status(row, before.status, appointment.status, appointment.starts_at)
        if appointment.is_live and (retimed or not before.is_live):
            self._make_room(appointment, row, new_day=moved)

    def _refuse_out_of_bounds(self, starts_at: datetime) -> None:
        try:
            refuse_out_of_bounds(starts_at, self._now)
        except DomainError as error:
            raise RowRefused("appointment_datetime", "IN_THE_PAST", error.message) from error

    def _refuse_status(self, row: Row, before: str, after: str, starts_at: datetime) -> None:
        try:
            refuse_transition(before, after)
            if after in (AppointmentStatus.ATTENDED, AppointmentStatus.MISSED):
                refuse_early_attendance(starts_at, row.clinic, self._now)
        except DomainError as error:
            raise RowRefused("status", error.code, error.message) from error

    def _make_room(self, appointment: Appointment, row: Row, *, new_day: bool) -> None:
        visit = Visit.of(appointment)
        try:
            if new_day:
                self.book.diary.check_open(visit, row.clinic)
            self.book.diary.check(visit, row.clinic)
        except AppointmentConflict as conflict:
            code = "CLINIC_CLOSED" if conflict.reason is InTheWay.CLOSED else conflict.code
            raise RowRefused("appointment_datetime", code, conflict.message) from conflict
