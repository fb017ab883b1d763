"""What the page for booking asks: who comes, when, and for what."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import clinics_visible_to
from accounts.models import Clinic, Language
from appointments.admin.visit_form import ClinicTimeField
from appointments.models import MAX_DURATION_MINUTES, ConsentSource, Patient
from appointments.patients import Caller
from appointments.rules import on_clinics_clock
from common.admin_forms import DressedForm
from common.errors import DomainError
from common.phones import PhoneError, parse_mobile

NEW = "new"
CONSENT = [
    ("", gettext_lazy("Not asked: the clinic's policy decides")),
    ("true", gettext_lazy("Yes, agrees to texts")),
    ("false", gettext_lazy("No: send no texts")),
]


class BookingFields(DressedForm):
    """`patient` is the key of somebody known, or NEW with the fields of a new patient filled in."""

    clinic = forms.ModelChoiceField(Clinic.objects.none(), label=gettext_lazy("Clinic"))
    who = forms.CharField(
        label=gettext_lazy("Find the patient"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    patient = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)
    new_name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=120)
    new_phone = forms.CharField(
        label=gettext_lazy("Mobile number"),
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "tel"}),
    )
    new_number = forms.CharField(
        label=gettext_lazy("Patient number, if there is one"), required=False, max_length=40
    )
    new_consent = forms.ChoiceField(
        label=gettext_lazy("Agrees to be texted"), required=False, choices=CONSENT
    )
    starts_at = ClinicTimeField(label=gettext_lazy("Date and time"))
    duration_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes"), required=False, min_value=1, max_value=MAX_DURATION_MINUTES
    )
    visit_type = forms.CharField(label=gettext_lazy("Visit type"), required=False, max_length=60)
    language = forms.ChoiceField(
        label=gettext_lazy("Language of the texts"),
        required=False,
        choices=[("", gettext_lazy("The clinic's language")), *Language.choices],
    )
    reference = forms.CharField(
        label=gettext_lazy("Reference"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("The booking's number in another system."),
    )

    def __init__(self, request: HttpRequest, patients: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patients = patients
        self.fields["clinic"].queryset = clinics_visible_to(request.user)  # type: ignore[attr-defined]

    def said(self, name: str) -> str:
        """What stands in a field, before anything is checked."""
        return str(self[name].value() or "")

    def known_patient(self) -> Patient | None:
        """The patient who was chosen, if this person may see them."""
        try:
            key = UUID(self.said("patient"))
        except ValueError:
            return None
        found: Patient | None = self.patients.filter(pk=key).first()
        return found

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        # A patient comes to their own clinic.
        known = self.known_patient()
        if known is None and self.said("patient") != NEW:
            self.add_error("patient", _("Choose the patient, or add a new one."))
        clinic = known.clinic if known else given.get("clinic")
        if known:
            self.errors.pop("clinic", None)
        if clinic is None:
            return given
        given["clinic"] = clinic
        given["who_comes"] = known or self._new_patient(clinic, given)
        naive = given.get("starts_at")
        if isinstance(naive, datetime):
            given["starts_at"] = self._at(naive, clinic)
        return given

    def _new_patient(self, clinic: Clinic, given: dict[str, Any]) -> Caller | None:
        if self.said("patient") != NEW:
            return None
        try:
            phone = parse_mobile(given.get("new_phone", ""))
        except PhoneError as error:
            self.add_error("new_phone", str(error))
            return None
        return Caller(
            clinic,
            phone,
            name=given.get("new_name", ""),
            patient_number=given.get("new_number", ""),
            consent={"true": True, "false": False}.get(given.get("new_consent", "")),
            consent_source=ConsentSource.NURSE,
        )

    def _at(self, naive: datetime, clinic: Clinic) -> datetime | None:
        try:
            return on_clinics_clock(naive, clinic)
        except DomainError as refusal:
            self.add_error("starts_at", refusal.message)
            return None
