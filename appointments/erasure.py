"""Erasing what is kept of one patient, for ever, so that only counts stay.

What stays and why: docs/privacy.md.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import Actor, Change, record
from accounts.models import AuditEntry
from appointments.file_import.columns import Columns, find_columns
from appointments.file_import.errors import UnreadableFile
from appointments.file_import.rows import import_key
from appointments.locking import hold_many
from appointments.models import (
    Appointment,
    AppointmentQuerySet,
    FileImport,
    FormerIdentity,
    Patient,
    RejectedRow,
)
from appointments.names import name_key
from appointments.patient_traces import earlier_values, entries_about, traces_of
from appointments.pseudonyms import erased_reference, pseudonym
from appointments.services import cancel_silently
from common.batches import batched
from common.errors import NotFound, StateConflict
from common.locks import one_at_a_time
from messaging import traces as messaging_traces
from messaging.replies import reading_turn
from messaging.traces import Traces

ERASED = "erased"
# Of a visit or a consent: it names nobody once the record is empty.
HARMLESS = frozenset(
    {
        *("starts_at", "duration_minutes", "visit_type", "language", "status", "outcome", "state"),
        *("consent", "consent_source", "record", "patient", "code"),
    }
)
BATCH = 500
# Rows whose cells may stand under another's heading.
MALFORMED = frozenset({"OPEN_QUOTE", "TOO_MANY_CELLS", "CELL_TOO_LONG"})


def visits_to_cancel(patient: Patient, now: datetime) -> AppointmentQuerySet:
    """Those still to come, which an erasure cancels."""
    return AppointmentQuerySet(Appointment).live().filter(patient=patient.pk, starts_at__gt=now)


def erase(patient_id: UUID, *, cancel_visits: bool = False, actor: Actor, now: datetime) -> None:
    """Removes all that says who the patient was, irreversibly.

    Visits still to come are cancelled without a text, where `cancel_visits` says so; else StateConflict. So
    it is while one of their texts is being sent. NotFound where there is no such patient, or no more.
    """
    found = Patient.objects.known().select_related("clinic").filter(pk=patient_id).first()
    if found is None:
        raise NotFound(_("There is no such patient."))
    with transaction.atomic():
        traces = _held(found)
        patient = Patient.objects.known().select_related("clinic").filter(pk=patient_id).first()
        if patient is None:
            raise NotFound(_("There is no such patient."))
        _cancel(patient, cancel_visits, actor, now)
        _empty_rejected_rows(patient, traces)
        texts, replies = messaging_traces.erase(traces, actor=actor, now=now)
        _empty_log(traces, texts, replies)
        _empty_visits(patient)
        _empty(patient, now)
        record(actor, [Change.of(patient, ERASED)], now=now)


def _held(patient: Patient) -> Traces:
    """Who reads a reply holds its phone first, who imports a file the import; then clinics and patients."""
    traces = traces_of(patient)
    for phone in sorted(traces.phones):
        reading_turn(phone)
    one_at_a_time("appointments.import")
    visits = Appointment.objects.filter(patient=patient.pk).values_list("pk", flat=True)
    hold_many([patient.clinic], [patient.pk], list(visits))
    return traces_of(patient)


def _cancel(patient: Patient, agreed: bool, actor: Actor, now: datetime) -> None:
    coming = list(visits_to_cancel(patient, now).values_list("pk", flat=True))
    if coming and not agreed:
        said = ngettext(
            "%(n)d visit is still to come. Cancel it first, or have it cancelled with the erasure.",
            "%(n)d visits are still to come. Cancel them first, or have them cancelled with the erasure.",
            len(coming),
        )
        raise StateConflict(said % {"n": len(coming)})
    for pk in coming:
        cancel_silently(pk, actor=actor, now=now)


def _empty_rejected_rows(patient: Patient, traces: Traces) -> None:
    """Rows of files that were not taken hold cells as they came: any that have the phone, the name, or the
    number of the file at the clinic."""
    phones = {phone[-8:] for phone in {patient.phone, *traces.phones} if phone}
    names = {name_key(name) for name in {patient.name, *earlier_values(traces.recipients, "name")}}
    numbers = {patient.patient_number, *earlier_values(traces.recipients, "patient_number")}
    wanted = _Wanted(phones, names - {""}, numbers - {""})
    files = {
        file.pk: (file.reaches(patient.clinic_id), _columns(file))
        for file in FileImport.objects.filter(rejected__gt=0).only("clinic_ids", "header")
    }
    rows = RejectedRow.objects.filter(file_import__in=files).order_by("pk")
    for some in batched(rows.only("file_import_id", "code", "cells").iterator(chunk_size=BATCH), BATCH):
        theirs = [row.pk for row in some if wanted.is_in(row, *files[row.file_import_id])]
        RejectedRow.objects.filter(pk__in=theirs).update(cells=[], reason=_("Erased."))


def _columns(file: FileImport) -> Columns | None:
    try:
        return find_columns([str(heading) for heading in file.header])
    except UnreadableFile:
        return None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What gives a patient away: the ends of phones, the names' keys, the numbers."""

    phones: set[str]
    names: set[str]
    numbers: set[str]

    def is_in(self, row: RejectedRow, reaches: bool, columns: Columns | None) -> bool:
        """`reaches`: whether the file could book at the patient's clinic. Elsewhere only the phone counts."""
        cells = [str(cell) for cell in row.cells]
        if any(self._has_phone(cell) for cell in cells):
            return True
        if not reaches:
            return False
        return any(name_key(cell) in self.names for cell in _under("patient_name", row, columns)) or any(
            cell.strip() in self.numbers for cell in _under("patient_number", row, columns)
        )

    def _has_phone(self, cell: str) -> bool:
        digits = "".join(character for character in cell if character.isdigit())
        return any(phone in digits for phone in self.phones)


def _under(column: str, row: RejectedRow, columns: Columns | None) -> list[str]:
    """The row's cell in this column; all cells where nobody knows which it is."""
    cells = [str(cell) for cell in row.cells]
    if columns is None or row.code in MALFORMED:
        return cells
    position = columns.found.get(column, len(cells))
    return cells[position : position + 1]


def _empty_log(traces: Traces, texts: list[UUID], replies: list[UUID]) -> None:
    """What was changed, when and by whom stays; the values go."""
    for some in batched(entries_about(traces, texts, replies).order_by("pk").iterator(BATCH), BATCH):
        changed = [entry for entry in some if _blank(entry.changes)]
        AuditEntry.objects.bulk_update(changed, ["changes"], batch_size=100)


def _blank(changes: dict[str, list[Any]]) -> bool:
    """Whether there was something to be blanked."""
    telling = [field for field, pair in changes.items() if field not in HARMLESS and _says(pair)]
    for field in telling:
        changes[field] = [ERASED if value else value for value in changes[field]]
    return bool(telling)


def _says(pair: list[Any]) -> bool:
    return any(value and value != ERASED for value in pair)


def _empty_visits(patient: Patient) -> None:
    """Reference and key of a file become what only this site can find again, so that no file brings back
    a visit whose reminders were sent."""
    visits = Appointment.objects.filter(patient=patient.pk).order_by("pk")
    for some in batched(visits.iterator(BATCH), BATCH):
        for visit in some:
            key = visit.import_key or import_key(
                patient.clinic_id, patient.phone, patient.name_key, visit.starts_at
            )
            visit.import_key, visit.imported_cells = pseudonym(key), {}
            visit.reference = erased_reference(visit.reference) if visit.reference else ""
            visit.version += 1
        Appointment.objects.bulk_update(
            some, ["import_key", "imported_cells", "reference", "version"], batch_size=100
        )


def _empty(patient: Patient, now: datetime) -> None:
    theirs = Q(patient=patient)
    # Of words that a merge took for another's, theirs were the later: their rows must not lead there now.
    theirs |= Q(phone=patient.phone, name_key=patient.name_key)
    if patient.patient_number:
        theirs |= Q(patient_number=patient.patient_number)
    FormerIdentity.objects.filter(theirs, clinic=patient.clinic_id).delete()
    patient.name = patient.phone = patient.patient_number = ""
    # Its own, or two who were erased would be one.
    patient.name_key = f"{ERASED}:{patient.pk.hex}"
    patient.consent, patient.consent_source, patient.consent_at = None, "", None
    patient.imported_cells = {}
    patient.erased_at = patient.updated_at = now
    patient.version += 1
    patient.save()
