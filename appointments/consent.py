from datetime import datetime

from accounts.models import Clinic, ConsentPolicy
from appointments.models import ConsentSource, Patient


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
