"""One order of locks everywhere: clinics, patients, appointments, then reminders and messages."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Clinic
from appointments.models import Appointment, Patient
from common.errors import NotFound, StateConflict
from common.locks import one_at_a_time, side_by_side


def hold_clinics(clinics: Collection[Clinic]) -> None:
    """Until this transaction ends, nobody else books in those of the clinics that have a limit.

    In the others people book side by side, but nobody closes a day meanwhile.
    """
    limited = [clinic.pk for clinic in clinics if clinic.slot_capacity is not None]
    if limited:
        list(Clinic.objects.filter(pk__in=limited).order_by("pk").select_for_update(no_key=True))
    if clinics:
        side_by_side(_bookings_of(clinic.pk) for clinic in clinics)


def hold_for_closing(clinic: Clinic) -> None:
    """Until this transaction ends, nobody books in this clinic, and who has booked is there to be seen."""
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
    one_at_a_time(_bookings_of(clinic.pk))


def _bookings_of(clinic_id: UUID) -> str:
    return f"appointments.bookings:{clinic_id}"


def hold(clinic: Clinic, patient_id: UUID) -> None:
    """The same for one visit: its clinic and its patient. Refuses as `hold_patient` does."""
    hold_clinics([clinic])
    hold_patient(patient_id)


def hold_patient(patient_id: UUID) -> Patient:
    """The patient as they are now. NotFound where another record has taken them over, StateConflict where
    their data was erased."""
    patient = Patient.objects.select_for_update(no_key=True).filter(pk=patient_id).first()
    if patient is None:
        raise NotFound(_("There is no such patient."))
    if patient.erased_at is not None:
        raise StateConflict(_("The data of this patient was erased. Nothing of it can be changed."))
    return patient


def hold_many(
    clinics: Collection[Clinic], patient_ids: Collection[UUID], appointment_ids: Collection[UUID]
) -> None:
    """The same for what many changes of one transaction will touch, each kind in the order of its keys."""
    hold_clinics(clinics)
    patients = Patient.objects.filter(pk__in=patient_ids).order_by("pk")
    list(patients.select_for_update(no_key=True).values_list("pk", flat=True))
    appointments = Appointment.objects.filter(pk__in=appointment_ids).order_by("pk")
    list(appointments.select_for_update().values_list("pk", flat=True))


def hold_of(appointments: QuerySet[Appointment]) -> None:
    """The same for the one visit that the query finds, whose patient may be another by now."""
    for last in (False, True):
        found = appointments.first()
        if found is None:
            raise NotFound(_("There is no such appointment."))
        try:
            hold(found.clinic, found.patient_id)
        except NotFound:
            # Another record has just taken the patient over, with this visit.
            if last:
                raise
        else:
            return
