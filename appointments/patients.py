"""Adding and correcting patients, one at a time. Files do the same in sets, by the same rules."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic
from appointments.consent import on_file_consent
from appointments.models import ConsentSource, Patient, Reminder
from appointments.names import name_key
from appointments.reminding import resend_waiting
from common.errors import ValidationFailed, VersionConflict
from common.ids import new_id
from common.phones import PhoneError, parse_mobile

PATIENT_FIELDS = ("name", "phone", "patient_number", "consent", "consent_source")


def add_patient(
    *,
    clinic: Clinic,
    phone: str,
    name: str = "",
    patient_number: str = "",
    consent: bool | None = None,
    consent_source: str = ConsentSource.NURSE,
    actor: Actor,
    now: datetime,
) -> Patient:
    """A new patient of a clinic; ValidationFailed when the clinic has this person already."""
    patient = Patient(
        id=new_id(), clinic=clinic, patient_number=patient_number, name=name, created_at=now, updated_at=now
    )
    _set_phone(patient, phone)
    patient.name_key = name_key(name)
    if consent is None:
        patient.consent, patient.consent_source, patient.consent_at = on_file_consent(clinic, now)
    else:
        patient.consent, patient.consent_source, patient.consent_at = consent, consent_source, now
    with transaction.atomic():
        _store(patient)
        values = {f: [None, plain(getattr(patient, f))] for f in PATIENT_FIELDS}
        record(actor, [Change.of(patient, "added", values)], now=now)
    return patient


def change_patient(
    patient_id: UUID,
    *,
    version: int | None = None,
    consent_source: str = ConsentSource.NURSE,
    actor: Actor,
    now: datetime,
    **changes: Any,
) -> Patient:
    """Corrects name, phone, patient_number or consent. A new phone takes what still waits along."""
    with transaction.atomic():
        patient = Patient.objects.select_related("clinic").select_for_update(of=("self",)).get(pk=patient_id)
        if version is not None and version != patient.version:
            raise VersionConflict(_("Someone has changed this patient meanwhile. Look at it again."))
        before = {f: plain(getattr(patient, f)) for f in PATIENT_FIELDS}
        if "name" in changes:
            patient.name, patient.name_key = changes["name"], name_key(changes["name"])
        if "patient_number" in changes:
            patient.patient_number = changes["patient_number"]
        if "phone" in changes:
            _set_phone(patient, changes["phone"])
        if "consent" in changes and changes["consent"] != patient.consent:
            patient.consent = changes["consent"]
            given = patient.consent is not None
            patient.consent_source = consent_source if given else ""
            patient.consent_at = now if given else None
        _save_patient(patient, before, actor, now)
    return patient


def _set_phone(patient: Patient, phone: str) -> None:
    try:
        patient.phone = parse_mobile(phone)
    except PhoneError as error:
        raise ValidationFailed.on("phone", str(error)) from error


def _save_patient(patient: Patient, before: dict[str, Any], actor: Actor, now: datetime) -> None:
    after = {f: plain(getattr(patient, f)) for f in PATIENT_FIELDS}
    changes = {f: [before[f], after[f]] for f in PATIENT_FIELDS if before[f] != after[f]}
    if not changes:
        return
    patient.version += 1
    patient.updated_at = now
    _store(patient)
    record(actor, [Change.of(patient, "changed", changes)], now=now)
    if "phone" in changes or "name" in changes:
        resend_waiting(Reminder.objects.filter(appointment__patient=patient.pk), now=now)


def _store(patient: Patient) -> None:
    _refuse_double(patient)
    try:
        with transaction.atomic():
            patient.save()
    except IntegrityError:
        # Somebody stored the same person in this moment, who is there to be seen now.
        _refuse_double(patient)
        raise


def _refuse_double(patient: Patient) -> None:
    others = Patient.objects.filter(clinic=patient.clinic_id).exclude(pk=patient.pk)
    if patient.patient_number:
        if others.filter(patient_number=patient.patient_number).exists():
            raise ValidationFailed.on("patient_number", _("Another patient of this clinic has this number."))
    elif others.filter(phone=patient.phone, name_key=patient.name_key, patient_number="").exists():
        raise ValidationFailed.on("name", _("This clinic has a patient with this name and phone already."))
