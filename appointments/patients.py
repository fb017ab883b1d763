"""Adding and correcting patients, one at a time. Files do the same in sets, by the same rules."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic
from appointments.consent import on_file_consent
from appointments.file_import.identity import Person, find_patient, former_words
from appointments.file_import.refusal import RowRefused
from appointments.models import ConsentSource, FormerIdentity, Patient, Reminder
from appointments.names import name_key
from appointments.reminding import resend_waiting
from common.errors import NotFound, ValidationFailed, VersionConflict
from common.ids import new_id
from common.phones import PhoneError, parse_mobile

PATIENT_FIELDS = ("name", "phone", "patient_number", "consent", "consent_source")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a booking is for, as another system tells it. The phone is in E.164."""

    clinic: Clinic
    phone: str
    name: str = ""
    patient_number: str = ""
    consent: bool | None = None
    # Of the booking, as in a file's row: it plays no part in who somebody is.
    reference: str = ""
    consent_source: str = ConsentSource.API

    @property
    def name_key(self) -> str:
        return name_key(self.name)

    @property
    def by_hand(self) -> bool:
        """Typed by a nurse who was shown whom the site knows."""
        return self.consent_source == ConsentSource.NURSE


class _Stored:
    """The patients of the database, as identity asks for them."""

    def __init__(self, *, by_hand: bool = False) -> None:
        """`by_hand`: a nurse has seen who there is, and says that this is somebody else."""
        self._by_hand = by_hand

    def patient_by_number(self, person: Person) -> Patient | None:
        if not person.patient_number:
            return None
        return Patient.objects.filter(clinic=person.clinic, patient_number=person.patient_number).first()

    def patients_by_identity(self, clinic_id: UUID, phone: str, key: str) -> list[Patient]:
        return list(Patient.objects.filter(clinic=clinic_id, phone=phone, name_key=key).order_by("pk"))

    def former_identities(self, person: Person) -> list[tuple[FormerIdentity, Patient]]:
        """Of merged records only: whoever calls now may well have the phone again that was corrected."""
        if self._by_hand:
            return []
        called = Q(phone=person.phone, name_key=person.name_key)
        if person.patient_number:
            called |= Q(patient_number=person.patient_number)
        formers = FormerIdentity.objects.filter(called, clinic=person.clinic, corrected=False).select_related(
            "patient"
        )
        return [(former, former.patient) for former in formers.order_by("pk")]


def find_or_add(person: Caller, *, actor: Actor, now: datetime) -> Patient:
    """The patient whom a file's row with these words would mean, corrected by what is new; or a new one.

    ValidationFailed where two could be meant, or where the number is somebody else's.
    """
    with transaction.atomic():
        patient = known_as(person)
        if patient is None:
            try:
                return _add(person, actor, now)
            except ValidationFailed:
                # Another call has added the same person in this moment.
                patient = known_as(person)
                if patient is None:
                    raise
        return _correct(patient, person, actor, now)


def known_as(person: Caller) -> Patient | None:
    """Whom these words mean; None: nobody yet. ValidationFailed where two could be meant."""
    with as_refusal_of_fields():
        return find_patient(_Stored(by_hand=person.by_hand), person)


@contextmanager
def as_refusal_of_fields() -> Iterator[None]:
    """What identity refuses in the words of a row, in those of a call: the columns have the fields' names."""
    try:
        yield
    except RowRefused as refusal:
        raise ValidationFailed.on(refusal.column, refusal.reason) from refusal


def _add(person: Caller, actor: Actor, now: datetime) -> Patient:
    return add_patient(
        clinic=person.clinic,
        phone=person.phone,
        name=person.name,
        patient_number=person.patient_number,
        consent=person.consent,
        consent_source=person.consent_source,
        actor=actor,
        now=now,
    )


def _correct(patient: Patient, person: Caller, actor: Actor, now: datetime) -> Patient:
    """What is blank leaves what is stored, and a "no" that a nurse took down is undone by a person only."""
    said: dict[str, Any] = {"phone": person.phone}
    if person.name:
        said["name"] = person.name
    if person.patient_number:
        said["patient_number"] = person.patient_number
    changes = {field: value for field, value in said.items() if value != getattr(patient, field)}
    if changes:
        former = former_words(_Stored(by_hand=person.by_hand), person, patient)
        changes = {field: value for field, value in changes.items() if field not in former}
    stands = (
        patient.consent is False
        and patient.consent_source == ConsentSource.NURSE
        and person.consent_source != ConsentSource.NURSE
    )
    if person.consent is not None and not stands:
        changes["consent"] = person.consent
    if not changes:
        return patient
    source = person.consent_source
    return change_patient(patient.pk, consent_source=source, said_anew=True, actor=actor, now=now, **changes)


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
        store(patient)
        values = {f: [None, plain(getattr(patient, f))] for f in PATIENT_FIELDS}
        record(actor, [Change.of(patient, "added", values)], now=now)
    return patient


def change_patient(
    patient_id: UUID,
    *,
    version: int | None = None,
    consent_source: str = ConsentSource.NURSE,
    said_anew: bool = False,
    actor: Actor,
    now: datetime,
    **changes: Any,
) -> Patient:
    """Corrects name, phone, patient_number or consent. A new phone takes what still waits along.

    `said_anew`: a consent that is the same as the one on file was given now, so its source changes.
    """
    with transaction.atomic():
        patient = (
            Patient.objects.known()
            .select_related("clinic")
            .select_for_update(of=("self",))
            .filter(pk=patient_id)
            .first()
        )
        if patient is None:
            raise NotFound(_("There is no such patient."))
        if version is not None and version != patient.version:
            raise VersionConflict(_("Someone has changed this patient meanwhile. Look at it again."))
        before = {f: plain(getattr(patient, f)) for f in PATIENT_FIELDS}
        called = patient.identity
        if "name" in changes:
            patient.name, patient.name_key = changes["name"], name_key(changes["name"])
        if "patient_number" in changes:
            patient.patient_number = changes["patient_number"]
        if "phone" in changes:
            _set_phone(patient, changes["phone"])
        on_file = said_anew and patient.consent_source == ConsentSource.ON_FILE
        if "consent" in changes and (changes["consent"] != patient.consent or on_file):
            patient.consent = changes["consent"]
            given = patient.consent is not None
            patient.consent_source = consent_source if given else ""
            patient.consent_at = now if given else None
        _save_patient(patient, before, actor, now)
        # Under another name it may have been somebody else of the family.
        if patient.phone != called["phone"] and patient.name_key == called["name_key"]:
            former = FormerIdentity(
                patient=patient, clinic=patient.clinic, corrected=True, since=now, **called
            )
            FormerIdentity.objects.bulk_create([former], ignore_conflicts=True)
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
    store(patient)
    record(actor, [Change.of(patient, "changed", changes)], now=now)
    if "phone" in changes or "name" in changes:
        resend_waiting(Reminder.objects.filter(appointment__patient=patient.pk), now=now)


def store(patient: Patient) -> None:
    """ValidationFailed where it would be another patient's double, in the database's own eyes."""
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
