"""From a record of a file to a row with values, digests of its cells, and its clinic."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Clinic
from appointments.file_import import cells
from appointments.file_import.errors import CellError
from appointments.file_import.reading import Record
from appointments.names import name_key

REMEMBERED_PHONES = 20_000


@dataclass(frozen=True, slots=True)
class RejectedRecord:
    """A record that is not taken, with the column at fault and what to mend."""

    record: Record
    column: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A record that could be read. None, or "" for text, is a blank cell: it leaves what is stored."""

    record: Record
    clinic: Clinic
    phone: str
    name: str
    name_key: str
    patient_number: str
    reference: str
    starts_at: datetime
    duration_minutes: int | None
    visit_type: str
    language: str | None
    status: str | None
    consent: bool | None
    # Of each cell that is not blank, a short digest of its value.
    digests: dict[str, str]

    @property
    def content(self) -> str:
        """Equal for rows that say the same, however they write it."""
        return _digest(*(f"{field}={digest}" for field, digest in sorted(self.digests.items())))

    @property
    def import_key(self) -> str:
        """What finds the appointment of a row without a reference again."""
        return import_key(self.clinic.pk, self.phone, self.name_key, self.starts_at)


def import_key(clinic_id: UUID, phone: str, name_key: str, starts_at: datetime) -> str:
    """Of a visit as a file gives it; `starts_at` in UTC."""
    return _digest(clinic_id.hex, phone, name_key, starts_at.isoformat(), size=16)


class RowReader:
    """Reads records for someone who may import into `clinics` (by code, in capitals)."""

    def __init__(self, clinics: Mapping[str, Clinic], default_clinic: Clinic | None) -> None:
        self._clinics = clinics
        self._default = default_clinic
        self._phones: dict[str, str] = {}

    def read(self, record: Record) -> Row | RejectedRecord:
        if record.problem is not None:
            code, reason = record.problem
            return RejectedRecord(record, "", code, reason)
        try:
            return self._row(record)
        except CellError as error:
            return RejectedRecord(record, error.column, error.code, str(error))

    def _row(self, record: Record) -> Row:
        given = _Given(record.cells)
        phone = self._phone(given["patient_phone"])
        clinic = self._clinic(given["clinic"])
        name = cells.read_text(given["patient_name"], "patient_name", 120)
        values: dict[str, Any] = {
            "phone": phone,
            "name": name,
            "patient_number": cells.read_text(given["patient_number"], "patient_number", 40),
            "reference": cells.read_text(given["reference"], "reference", 60),
            "starts_at": cells.read_when(
                record.cells.get("appointment_datetime"),
                record.cells.get("appointment_date"),
                record.cells.get("appointment_time"),
                clinic.zone,
            ),
            "duration_minutes": given.optional("duration_minutes", cells.read_duration),
            "visit_type": cells.read_text(given["visit_type"], "visit_type", 60),
            "language": given.optional("language", cells.read_language),
            "status": given.optional("status", cells.read_status),
            "consent": given.optional("consent", cells.read_consent),
        }
        key = name_key(name)
        compared = {**values, "name": key and f"{key}\0{name}", "clinic": clinic.pk}
        return Row(
            record=record,
            clinic=clinic,
            name_key=key,
            digests={
                cell: _digest(str(value)) for cell, value in compared.items() if value not in (None, "")
            },
            **values,
        )

    def _phone(self, text: str) -> str:
        # Half of the time of reading a row; a patient comes back in many rows.
        phone = self._phones.get(text)
        if phone is None:
            if len(self._phones) >= REMEMBERED_PHONES:
                self._phones.clear()
            phone = self._phones[text] = cells.read_phone(text)
        return phone

    def _clinic(self, text: str) -> Clinic:
        code = cells.read_text(text, "clinic", 40).upper()
        if not code:
            if self._default is None:
                raise CellError("clinic", "MISSING_CLINIC", _("Write the clinic's code, or choose a clinic."))
            code = self._default.code
        clinic = self._clinics.get(code)
        if clinic is None:
            raise CellError("clinic", "UNKNOWN_CLINIC", _("There is no clinic with this code."))
        return clinic


class _Given:
    """The cells of a record; absent is blank."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given

    def __getitem__(self, column: str) -> str:
        return self._given.get(column, "")

    def optional(self, column: str, read: Callable[[str], Any]) -> Any:
        text = self[column]
        return None if cells.is_blank(text) else read(text)


def _digest(*parts: str, size: int = 6) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=size).hexdigest()
