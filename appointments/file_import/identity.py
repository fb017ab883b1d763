"""Which patient is meant, by a row or a call. Nobody guesses: where two could be, the number is asked for."""

from typing import NoReturn, Protocol
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Clinic
from appointments.file_import.refusal import RowRefused
from appointments.file_import.rows import Row
from appointments.models import Appointment, FormerIdentity, Patient


class Person(Protocol):
    """Who is said to come: a row of a file, or the fields of a call."""

    @property
    def clinic(self) -> Clinic: ...
    @property
    def phone(self) -> str: ...
    @property
    def name_key(self) -> str: ...
    @property
    def patient_number(self) -> str: ...
    @property
    def reference(self) -> str: ...


class Register(Protocol):
    """Where patients are looked up: a file's copy of them, or the database."""

    def patient_by_number(self, person: Person, /) -> Patient | None: ...
    def patients_by_identity(self, clinic_id: UUID, phone: str, key: str, /) -> list[Patient]: ...
    def former_identities(self, person: Person, /) -> list[tuple[FormerIdentity, Patient]]:
        """Those with the person's phone and name, or number, and whose they are."""


def find_patient(book: Register, row: Person) -> Patient | None:
    """By the clinic's number; without one, by clinic, phone and name. None: a new patient.

    Whom nobody is called by now may be called so of old: a file goes on with the words of a merged record.
    """
    alike = book.patients_by_identity(row.clinic.pk, row.phone, row.name_key)
    if not row.patient_number:
        alike = alike or _who_was_called_so(book, row)
        if len(alike) > 1:
            raise RowRefused(
                "patient_number",
                "AMBIGUOUS_PATIENT",
                _("Several patients have this phone and name. Add the patient number."),
            )
        return alike[0] if alike else None
    by_number = book.patient_by_number(row)
    if by_number is not None:
        if not former_words(book, row, by_number):
            refuse_other_patient(row, by_number)
        return by_number
    # A number that arrives for a patient without one is adopted.
    adopting = (patient for patient in alike if not patient.patient_number)
    return next(adopting, None) or _only(_who_was_called_so(book, row))


def _only(patients: list[Patient]) -> Patient | None:
    return patients[0] if len(patients) == 1 else None


def _who_was_called_so(book: Register, row: Person) -> list[Patient]:
    """Each once; whom the number means, before those whom only phone and name do."""
    found = [
        (former, whose) for former, whose in book.former_identities(row) if _speaks_of(row, former, whose)
    ]
    numbered = [(former, whose) for former, whose in found if former.patient_number == row.patient_number]
    meant = numbered if row.patient_number and numbered else found
    return list({whose.pk: whose for _former, whose in meant}.values())


def _speaks_of(row: Person, former: FormerIdentity, patient: Patient) -> bool:
    same_words = (row.phone, row.name_key) == (former.phone, former.name_key)
    # Only the phone was corrected: a record under another name may be another's of the family by now.
    if former.corrected and not (same_words and former.name_key == patient.name_key):
        return False
    if not row.patient_number:
        return same_words
    if row.patient_number == former.patient_number:
        same_phone = row.phone in (former.phone, patient.phone)
        return same_phone or (row.name_key != "" and row.name_key in (former.name_key, patient.name_key))
    return same_words and not former.patient_number and patient.patient_number in ("", row.patient_number)


def former_words(book: Register, row: Person, patient: Patient, *, corrected: bool = False) -> frozenset[str]:
    """Which of number, name and phone only repeat what a record was called that `patient` took over.

    They correct nothing: a person has said that the two are one, and what stays. `corrected`: which only
    repeat the patient's own words from before a correction.
    """
    formers = [
        former
        for former, whose in book.former_identities(row)
        if whose.pk == patient.pk and former.corrected == corrected
    ]
    if not any(_speaks_of(row, former, patient) for former in formers):
        return frozenset()
    said = {"patient_number": row.patient_number, "name": row.name_key, "phone": row.phone}
    # What one record was called and what another was may come together.
    words = [
        {"patient_number": former.patient_number, "name": former.name_key, "phone": former.phone}
        for former in formers
    ]
    return frozenset(field for field, value in said.items() if any(was[field] == value for was in words))


def refuse_other_patient(row: Person, patient: Patient) -> None:
    """The same name or the same phone makes it a correction; neither makes it another person."""
    same = row.phone == patient.phone or (row.name_key != "" and row.name_key == patient.name_key)
    numbers = {row.patient_number, patient.patient_number} - {""}
    if same and len(numbers) < 2:
        return
    if row.reference:
        raise RowRefused(
            "reference",
            "REFERENCE_REUSED",
            _("This reference belongs to an appointment of another patient. Use a new reference."),
        )
    raise RowRefused(
        "patient_number",
        "OTHER_PATIENT",
        _("This number belongs to a patient with another name and phone. Check the row."),
    )


def refuse_taken_identity(book: Register, row: Person, patient: Patient) -> None:
    """A correction must not make two patients one."""
    holder = book.patient_by_number(row)
    if holder is not None and holder.pk != patient.pk:
        raise RowRefused(
            "patient_number", "OTHER_PATIENT", _("Another patient has this patient number. Check the row.")
        )
    if not patient.patient_number:
        alike = book.patients_by_identity(patient.clinic_id, patient.phone, patient.name_key)
        if any(other.pk != patient.pk and not other.patient_number for other in alike):
            raise RowRefused(
                "patient_name",
                "OTHER_PATIENT",
                _("Another patient of this clinic has this name and phone. Check the row."),
            )


def refuse_ended() -> NoReturn:
    """Of a visit that a row would move: it is over, cancelled, or of a patient whose data was erased."""
    raise RowRefused(
        "appointment_datetime",
        "STATE_CONFLICT",
        _("This appointment is over or cancelled here. Give the new one a new reference."),
    )


def refuse_second_version(row: Row, appointment: Appointment) -> None:
    """The same appointment twice in one file, with different content."""
    if row.reference and row.reference == appointment.reference:
        raise RowRefused(
            "reference",
            "REFERENCE_REUSED",
            _("This reference stands in an earlier row with other content. Keep one of the rows."),
        )
    raise RowRefused(
        "appointment_datetime",
        "DUPLICATE_ROW",
        _("An earlier row has the same patient and time with other content. Keep one of the rows."),
    )
