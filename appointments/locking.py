"""One order of locks everywhere: limited clinics, patients, appointments, then reminders and messages."""

from collections.abc import Collection
from uuid import UUID

from accounts.models import Clinic
from appointments.models import Patient


def hold_clinics(clinics: Collection[Clinic]) -> None:
    """Until this transaction ends, nobody else books in those of the clinics that have a limit."""
    limited = [clinic.pk for clinic in clinics if clinic.slot_capacity is not None]
    if limited:
        list(Clinic.objects.filter(pk__in=limited).order_by("pk").select_for_update(no_key=True))


def hold(clinic: Clinic, patient_id: UUID) -> None:
    """The same for one visit: its patient, and its clinic if that has a limit."""
    hold_clinics([clinic])
    Patient.objects.select_for_update(no_key=True).get(pk=patient_id)
