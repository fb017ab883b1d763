"""What calls about appointments take: fields, and what they mean where the caller works."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from rest_framework import serializers

from accounts.access import clinics_visible_to, visible_to
from accounts.models import Clinic, Language, User
from appointments.models import MAX_DURATION_MINUTES, AppointmentStatus, Patient
from appointments.patients import Caller
from appointments.rules import on_clinics_clock
from common.errors import ValidationFailed
from common.phones import PhoneError, parse_mobile
from common.rest.serializers import Body

_WITH_TIME = re.compile(r"\d[Tt ]\d")
# The fields of a body and what services call them.
OF_VISIT = {
    "duration_minutes": "duration_minutes",
    "visit_type": "visit_type",
    "language": "language",
    "reference": "reference",
}
OF_PATIENT = {"patient_name": "name", "patient_number": "patient_number", "consent": "consent"}


class Moment(serializers.DateTimeField):
    """A date with a time; without an offset it stays so, to be read on the clinic's clock."""

    def to_internal_value(self, value: Any) -> datetime:
        if not isinstance(value, str) or not _WITH_TIME.search(value):
            self.fail("invalid", format="2026-12-01T09:30")
        return super().to_internal_value(value)

    def enforce_timezone(self, value: datetime) -> datetime:
        return value


class Phone(serializers.CharField):
    """A mobile number in any form people write, as E.164."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=40, **options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return parse_mobile(super().to_internal_value(data))
        except PhoneError as error:
            raise serializers.ValidationError(str(error)) from None


class VisitBody(Body):
    """What POST and PUT have in common. The object itself may be sent back: what is read-only is ignored."""

    clinic_id = serializers.UUIDField(
        required=False, help_text="May be left out where you have one clinic, or with `patient_id`."
    )
    patient_id = serializers.UUIDField(required=False, help_text="A patient who is known, or …")
    patient_phone = Phone(required=False, help_text="… a phone: the patient is found or added.")
    patient_name = serializers.CharField(required=False, allow_blank=True, max_length=120)
    patient_number = serializers.CharField(required=False, allow_blank=True, max_length=40)
    consent = serializers.BooleanField(required=False, allow_null=True, help_text="Agrees to be texted.")
    appointment_datetime = Moment(help_text="Without an offset, on the clinic's clock.")
    duration_minutes = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_DURATION_MINUTES, help_text="Else the clinic's slot."
    )
    language = serializers.ChoiceField(
        Language.choices, required=False, help_text="Of the texts; else the clinic's."
    )
    visit_type = serializers.CharField(required=False, allow_blank=True, max_length=60)
    reference = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=60,
        help_text="Your number of the booking; unique in the clinic.",
    )
    id = serializers.UUIDField(read_only=True)
    reminders_sent = serializers.IntegerField(read_only=True)
    next_reminder_at = serializers.DateTimeField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if not self.partial and not {"patient_id", "patient_phone"} & given.keys():
            said = [_("Say whose visit it is: a patient's id, or a phone.")]
            raise serializers.ValidationError({"patient_phone": said})
        return given


class NewVisit(VisitBody):
    status = serializers.CharField(read_only=True)
    attended = serializers.BooleanField(read_only=True)
    version = serializers.IntegerField(read_only=True)


class ChangedVisit(VisitBody):
    status = serializers.ChoiceField(
        AppointmentStatus.choices, required=False, help_text="A step to `confirmed`, `cancelled`, …"
    )
    attended = serializers.BooleanField(
        required=False, allow_null=True, help_text="true and false mark it, null undoes that."
    )
    version = serializers.IntegerField(required=False, help_text="As you read it: a stale one is refused.")


class Reach:
    """Clinics and patients that ids in a body may name: those of `user`. Each is read once."""

    def __init__(self, user: User) -> None:
        self.user = user
        self._clinics: dict[UUID | None, Clinic | None] = {}
        self._patients: dict[UUID, Patient | None] = {}

    def clinic(self, clinic_id: UUID | None) -> Clinic:
        """Who has one clinic need not name it. ValidationFailed on "clinic_id"."""
        if clinic_id not in self._clinics:
            clinics = clinics_visible_to(self.user)
            found = list((clinics if clinic_id is None else clinics.filter(pk=clinic_id))[:2])
            self._clinics[clinic_id] = found[0] if len(found) == 1 else None
        clinic = self._clinics[clinic_id]
        if clinic is None:
            said = _("There is no such clinic among yours.") if clinic_id else _("Say which clinic.")
            raise ValidationFailed.on("clinic_id", said)
        return clinic

    def look_up_patients(self, ids: Iterable[UUID]) -> None:
        found = visible_to(self.user, Patient.objects.known().select_related("clinic")).in_bulk(set(ids))
        self._patients |= {pk: found.get(pk) for pk in ids}

    def patient(self, patient_id: UUID) -> Patient:
        """ValidationFailed on "patient_id" for another clinic's."""
        if patient_id not in self._patients:
            self.look_up_patients([patient_id])
        patient = self._patients[patient_id]
        if patient is None:
            raise ValidationFailed.on("patient_id", _("There is no such patient in your clinics."))
        return patient


def who_of(given: dict[str, Any], reach: Reach) -> Patient | Caller:
    """Whose visit a NewVisit's fields ask for."""
    if "patient_id" in given:
        patient = reach.patient(given["patient_id"])
        if given.get("clinic_id", patient.clinic_id) != patient.clinic_id:
            raise ValidationFailed.on("clinic_id", _("This patient belongs to another clinic."))
        _refuse_other_words(given, patient)
        return patient
    clinic = reach.clinic(given.get("clinic_id"))
    said = {name: given[field] for field, name in OF_PATIENT.items() if field in given}
    return Caller(clinic=clinic, phone=given["patient_phone"], **said)


def _refuse_other_words(given: dict[str, Any], patient: Patient) -> None:
    """With a patient's id the other words about them may only repeat what is known."""
    known = {"patient_phone": patient.phone, **{f: getattr(patient, name) for f, name in OF_PATIENT.items()}}
    said = [_("This is not what is known of the patient. Leave it out, or change the patient first.")]
    details = {field: said for field, value in known.items() if given.get(field, value) not in (value, "")}
    if details:
        raise ValidationFailed(said[0], details=details)


def visit_of(given: dict[str, Any], clinic: Clinic) -> dict[str, Any]:
    """The visit's own fields as services take them."""
    visit = {name: given[field] for field, name in OF_VISIT.items() if field in given}
    if "appointment_datetime" in given:
        visit["starts_at"] = on_clinics_clock(given["appointment_datetime"], clinic)
    return visit
