"""Before and after of what a row changes."""

from typing import Any

from accounts.audit import plain
from appointments.models import Appointment, Patient

_PATIENT = ("name", "phone", "patient_number", "consent", "consent_source")
_APPOINTMENT = ("starts_at", "duration_minutes", "visit_type", "language", "reference", "status")

Values = dict[str, Any]


def values_of(thing: Patient | Appointment) -> Values:
    """The stored fields that a file can change, as the audit log keeps them."""
    fields = _PATIENT if isinstance(thing, Patient) else _APPOINTMENT
    return {field: plain(getattr(thing, field)) for field in fields}


def differences(before: Values, after: Values) -> dict[str, list[Any]]:
    """{field: [before, after]} of what is not the same."""
    return {field: [before.get(field), value] for field, value in after.items() if before.get(field) != value}
