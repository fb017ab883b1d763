"""What a chunk of rows could touch, read in a few queries: patients, appointments, the diary.

Rows are decided against this copy, and change it as they go, so that a later row sees what an
earlier one did. A preview keeps it from chunk to chunk; a real import writes it and starts anew.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Q

from appointments.diary import Diary, Visit
from appointments.file_import.identity import Person
from appointments.file_import.rows import Row
from appointments.locking import hold_clinics
from appointments.models import Appointment, FormerIdentity, Patient
from appointments.pseudonyms import erased_names, own_name

Key = TypeVar("Key", bound=Hashable)


class _Index(Generic[Key]):
    """Which things have a key; tuples, since a preview keeps one for every row of the file."""

    def __init__(self) -> None:
        self._found: dict[Key, tuple[UUID, ...]] = {}

    def add(self, key: Key, pk: UUID) -> None:
        found = self._found.get(key, ())
        if pk not in found:
            self._found[key] = (*found, pk)

    def get(self, key: Key) -> tuple[UUID, ...]:
        return self._found.get(key, ())


class Book:
    def __init__(self) -> None:
        self.diary = Diary()
        self._patients: dict[UUID, Patient] = {}
        self._by_number: dict[tuple[UUID, str], UUID] = {}
        self._by_identity: _Index[tuple[UUID, str, str]] = _Index()
        # What merged records were called, by all that a row may mean them by.
        self._formers: dict[tuple[UUID, str, str] | tuple[UUID, str], list[FormerIdentity]] = {}
        self._appointments: dict[UUID, Appointment] = {}
        self._by_reference: dict[tuple[UUID, str], UUID] = {}
        self._by_time: _Index[tuple[UUID, datetime]] = _Index()
        self._by_import_key: _Index[str] = _Index()
        self._just_read: set[UUID] = set()
        # What a reference or an import key may be stored as.
        self._names: Callable[[str], tuple[str, ...]] = own_name

    def load(self, rows: Sequence[Row], *, lock: bool) -> None:
        """Reads what `rows` could touch. What is here already stays: rows before may have changed it."""
        if lock:
            hold_clinics({row.clinic for row in rows})
        clinics = {row.clinic.pk for row in rows}
        erased = Patient.objects.filter(clinic__in=clinics, erased_at__isnull=False)
        self._names = erased_names if erased.exists() else own_name
        references = {name for row in rows if row.reference for name in self._names(row.reference)}
        by_row = Q(clinic__in=clinics, reference__in=references) | Q(
            import_key__in={name for row in rows for name in self._names(row.import_key)}
        )
        patients = (
            Q(clinic__in=clinics, phone__in={row.phone for row in rows})
            | Q(clinic__in=clinics, patient_number__in={r.patient_number for r in rows if r.patient_number})
            | Q(pk__in=set(Appointment.objects.filter(by_row).values_list("patient_id", flat=True)))
            | Q(pk__in=self._take_formers(rows))
        )
        # Patients are locked before appointments, as everywhere.
        stored = self._take_patients(patients, lock=lock) | self._meant_by(rows)
        times = {row.starts_at for row in rows}
        self._take_appointments(by_row | Q(patient__in=stored, starts_at__in=times), lock=lock)
        self._load_diary(rows, stored)

    def _take_formers(self, rows: Sequence[Row]) -> set[UUID]:
        """Of whom these rows may speak by what a merged record was called."""
        self._formers.clear()
        phones, numbers = {row.phone for row in rows}, {r.patient_number for r in rows if r.patient_number}
        found = list(
            FormerIdentity.objects.filter(
                Q(phone__in=phones) | Q(patient_number__in=numbers),
                clinic__in={row.clinic.pk for row in rows},
            ).order_by("pk")
        )
        for former in found:
            words = (former.clinic_id, former.phone, former.name_key)
            self._formers.setdefault(words, []).append(former)
            if former.patient_number:
                self._formers.setdefault((former.clinic_id, former.patient_number), []).append(former)
        return {former.patient_id for former in found}

    def _take_patients(self, condition: Q, *, lock: bool) -> set[UUID]:
        queryset = Patient.objects.filter(condition).order_by("pk")
        if lock:
            queryset = queryset.select_for_update(no_key=True)
        found = set()
        for patient in queryset.iterator():
            found.add(patient.pk)
            if patient.pk not in self._patients:
                self._just_read.add(patient.pk)
                self.put_patient(patient)
        return found

    def _meant_by(self, rows: Sequence[Row]) -> set[UUID]:
        """Patients whom earlier rows have given the identity by which these rows mean them."""
        return {pk for row in rows for pk in self._by_identity.get((row.clinic.pk, row.phone, row.name_key))}

    def _take_appointments(self, condition: Q, *, lock: bool) -> None:
        queryset = Appointment.objects.filter(condition).order_by("pk")
        if lock:
            queryset = queryset.select_for_update(no_key=True)
        for appointment in queryset.iterator():
            if appointment.pk not in self._appointments:
                self._just_read.add(appointment.pk)
                self.put_appointment(appointment)

    def _load_diary(self, rows: Sequence[Row], patients: set[UUID]) -> None:
        spans = [(row.starts_at, row.starts_at + self._longest(row)) for row in rows]
        whole = (min(start for start, _ in spans), max(end for _, end in spans))
        self.diary.load_patients(patients, whole)
        self.diary.load_closures({row.clinic for row in rows}, whole)
        for clinic in {row.clinic for row in rows if row.clinic.slot_capacity is not None}:
            self.diary.load_clinic(
                clinic.pk, [span for row, span in zip(rows, spans, strict=True) if row.clinic == clinic]
            )

    def keep_only(self, touched: Iterable[tuple[UUID, UUID]]) -> None:
        """Forgets what this chunk read and no row of it touched: (appointment, patient) keys.

        What was touched is kept to be found by later rows; the digests of its cells are not needed for that.
        """
        for appointment_id, patient_id in touched:
            self._appointments[appointment_id].imported_cells = {}
            self._just_read -= {appointment_id, patient_id}
        for pk in self._just_read:
            self._patients.pop(pk, None)
            if self._appointments.pop(pk, None):
                self.diary.forget(pk)
        self._just_read.clear()

    def _longest(self, row: Row) -> timedelta:
        """How long the row's visit may be: what it says, or else what is stored for it."""
        stored = self.by_reference(row)
        minutes = (row.duration_minutes, stored.duration_minutes if stored else None, row.clinic.slot_minutes)
        return timedelta(minutes=max(m for m in minutes if m is not None))

    def put_patient(self, patient: Patient) -> None:
        """Takes a patient in: new, read, or changed."""
        self._patients[patient.pk] = patient
        if patient.patient_number:
            self._by_number[patient.clinic_id, patient.patient_number] = patient.pk
        self._by_identity.add((patient.clinic_id, patient.phone, patient.name_key), patient.pk)

    def put_appointment(self, appointment: Appointment) -> None:
        """Takes an appointment in: new, read, or changed."""
        self._appointments[appointment.pk] = appointment
        if appointment.reference:
            self._by_reference[appointment.clinic_id, appointment.reference] = appointment.pk
        if appointment.import_key:
            self._by_import_key.add(appointment.import_key, appointment.pk)
        self._by_time.add((appointment.patient_id, appointment.starts_at), appointment.pk)
        if appointment.is_live:
            self.diary.put(Visit.of(appointment))
        else:
            self.diary.remove(appointment.pk)

    def patient(self, patient_id: UUID) -> Patient:
        return self._patients[patient_id]

    def appointment(self, appointment_id: UUID) -> Appointment:
        return self._appointments[appointment_id]

    def patient_by_number(self, row: Person) -> Patient | None:
        pk = self._by_number.get((row.clinic.pk, row.patient_number))
        return self._patients.get(pk) if pk and row.patient_number else None

    def patients_by_identity(self, clinic_id: UUID, phone: str, key: str) -> list[Patient]:
        """Those with this phone and name, as they are now."""
        found = (self._patients.get(pk) for pk in self._by_identity.get((clinic_id, phone, key)))
        return [p for p in found if p and (p.phone, p.name_key) == (phone, key)]

    def former_identities(self, person: Person) -> list[tuple[FormerIdentity, Patient]]:
        words = self._formers.get((person.clinic.pk, person.phone, person.name_key), [])
        numbered = self._formers.get((person.clinic.pk, person.patient_number), [])
        found = {former.pk: former for former in (*words, *numbered)}.values()
        patients = ((former, self._patients.get(former.patient_id)) for former in found)
        return [(former, patient) for former, patient in patients if patient]

    def by_reference(self, row: Row) -> Appointment | None:
        if not row.reference:
            return None
        named = (self._by_reference.get((row.clinic.pk, name)) for name in self._names(row.reference))
        return next((self._appointments[pk] for pk in named if pk in self._appointments), None)

    def by_import_key(self, row: Row) -> list[Appointment]:
        """Those that a file gave last for this phone, name and time, wherever they are now."""
        names = self._names(row.import_key)
        found = (self._appointments.get(pk) for name in names for pk in self._by_import_key.get(name))
        return [a for a in found if a and a.import_key in names]

    def by_time(self, patient: Patient, starts_at: datetime) -> list[Appointment]:
        """The patient's appointments at this time, as they are now."""
        found = (self._appointments.get(pk) for pk in self._by_time.get((patient.pk, starts_at)))
        return [a for a in found if a and a.starts_at == starts_at]
