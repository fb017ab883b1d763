"""The clinic that a person at a terminal names."""

from accounts.models import Clinic
from common.errors import NotFound

_SHOWN = 20


def clinic_of_code(code: str) -> Clinic:
    """By its code, however it is written. NotFound, with the codes that there are."""
    clinic = Clinic.objects.filter(code=code.strip().upper()).first()
    if clinic is None:
        known = ", ".join(Clinic.objects.order_by("code").values_list("code", flat=True)[:_SHOWN])
        raise NotFound(f"There is no clinic {code}. Known clinics: {known or 'none yet'}.")
    return clinic
