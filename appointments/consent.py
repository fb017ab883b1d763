from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from accounts.models import Clinic, ConsentPolicy
from appointments.models import ConsentSource, Patient
from messaging.recipients import Person, Place


def may_be_texted(patient: Patient, clinic: Clinic) -> bool:
    """A "no" always holds. What the clinic has on file counts only where its policy says so."""
    if patient.consent is None:
        return clinic.consent_policy == ConsentPolicy.ON_FILE
    if patient.consent_source == ConsentSource.ON_FILE and clinic.consent_policy == ConsentPolicy.EXPLICIT:
        return False
    return patient.consent


def on_file_consent(clinic: Clinic, now: datetime) -> tuple[bool | None, str, datetime | None]:
    """What a new patient's consent is when nobody said: consent, its source, its time."""
    if clinic.consent_policy == ConsentPolicy.ON_FILE:
        return True, ConsentSource.ON_FILE, now
    return None, "", None


def people_at(places: Collection[Place]) -> dict[Place, list[Person]]:
    """The patients of each clinic with each phone, the one known longest first; in one query."""
    found: dict[Place, list[Person]] = defaultdict(list)
    patients = Patient.objects.known().select_related("clinic").order_by("created_at", "pk")
    for patient in patients.filter(
        clinic__in={clinic_id for clinic_id, _phone in places}, phone__in={phone for _clinic, phone in places}
    ):
        person = Person(patient.pk, may_be_texted(patient, patient.clinic))
        found[patient.clinic_id, patient.phone].append(person)
    return found
