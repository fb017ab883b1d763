"""Patients found by what a nurse is told at the door: a phone, a number, or parts of a name."""

from typing import TypeVar

from django.db.models import Q, QuerySet

from accounts.models import Clinic
from appointments.models import FormerIdentity, Patient
from appointments.names import name_key
from common.phones import PhoneError, parse_mobile

MOST_FOUND = 8
Named = TypeVar("Named", Patient, FormerIdentity)


def as_phone(words: str) -> str:
    """The phone that was typed, in E.164; empty if it was none."""
    try:
        return parse_mobile(words)
    except PhoneError:
        return ""


def find_patients(clinic: Clinic, words: str) -> list[Patient]:
    """At most MOST_FOUND + 1 patients of this clinic.

    A whole phone finds exactly that phone, a patient number its patient; otherwise all words are in the name.
    Where that is nobody's now, it finds those who were called so.
    """
    words = words.replace("\0", "").strip()[:120]
    if not words:
        return []
    patients = _first(Patient.objects.known(), clinic, words)
    if not patients:
        called_so = _first(FormerIdentity.objects.all(), clinic, words)
        patients = list(
            Patient.objects.filter(former_identities__in=called_so).distinct().order_by("name", "pk")
        )
    for patient in patients:
        patient.clinic = clinic
    return patients


def _first(records: QuerySet[Named], clinic: Clinic, words: str) -> list[Named]:
    """Of patients, or of what they were called."""
    theirs = records.filter(clinic=clinic)
    phone = as_phone(words)
    if phone:
        found = theirs.filter(phone=phone)
    else:
        by_number = list(theirs.filter(patient_number__iexact=words[:40]).order_by("pk")[:1])
        if by_number:
            return by_number
        in_name = Q()
        for word in name_key(words).split():
            in_name &= Q(name_key__contains=word)
        found = theirs.filter(in_name)
    return list(found.order_by("name", "pk")[: MOST_FOUND + 1])
