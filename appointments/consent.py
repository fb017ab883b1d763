from accounts.models import Clinic, ConsentPolicy
from appointments.models import ConsentSource, Patient


def may_be_texted(patient: Patient, clinic: Clinic) -> bool:
    """A "no" always holds. What the clinic has on file counts only where its policy says so."""
    if patient.consent is None:
        return clinic.consent_policy == ConsentPolicy.ON_FILE
    if patient.consent_source == ConsentSource.ON_FILE and clinic.consent_policy == ConsentPolicy.EXPLICIT:
        return False
    return patient.consent
