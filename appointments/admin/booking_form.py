from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Clinic
from appointments.models import Appointment
from appointments.rules import on_clinics_clock
from common.errors import DomainError

_DATE: dict[str, Any] = {"type": "date", "aria-label": gettext_lazy("Date")}
_TIME: dict[str, Any] = {"type": "time", "aria-label": gettext_lazy("Time")}


class ClinicTimeField(forms.SplitDateTimeField):
    """A date and a time as the clinic's clock shows them; the form knows which clinic."""

    widget = forms.SplitDateTimeWidget(
        date_attrs=_DATE,
        time_attrs=_TIME,
        date_format="%Y-%m-%d",
        time_format="%H:%M",
    )

    def compress(self, data_list: Any) -> datetime | None:
        if not data_list:
            return None
        day, clock = data_list
        if day in self.empty_values or clock in self.empty_values:
            raise forms.ValidationError(_("Give the date and the time."))
        return datetime.combine(day, clock)


class BookingForm(forms.ModelForm):
    """A visit of a patient, at the patient's clinic, in that clinic's time."""

    starts_at = ClinicTimeField(
        label=gettext_lazy("Date and time"), help_text=gettext_lazy("On the clinic's own clock.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "duration_minutes" in self.fields:
            self._offer_defaults()
        if self._is_new() or "starts_at" not in self.fields:
            return
        clinic = self.instance.clinic
        self.initial["starts_at"] = self.instance.starts_at.astimezone(clinic.zone).replace(tzinfo=None)
        self.fields["starts_at"].help_text = _("On the clinic's own clock (%(zone)s).") % {
            "zone": clinic.time_zone.replace("_", " ")
        }

    def _is_new(self) -> bool:
        return self.instance._state.adding

    def _offer_defaults(self) -> None:
        """When booking, what is left empty is the clinic's usual."""
        if not self._is_new():
            return
        self.fields["duration_minutes"].required = self.fields["language"].required = False
        self.fields["duration_minutes"].help_text = _("Empty: as long as visits usually are at this clinic.")
        choices = [choice for choice in self.fields["language"].choices if choice[0]]  # type: ignore[attr-defined]
        self.fields["language"].choices = [("", _("The clinic's language")), *choices]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        patient = given.get("patient") if self._is_new() else self.instance.patient
        naive = given.pop("starts_at", None)
        if naive is not None and patient is not None:
            given["starts_at"] = self._at(naive, patient.clinic)
        if given.get("duration_minutes", 0) is None:
            # Not yet for the model's own check; the service puts the clinic's in its place.
            given.pop("duration_minutes")
        if given.get("language") == "":
            given.pop("language")
        return given

    def _at(self, naive: datetime, clinic: Clinic) -> datetime:
        try:
            return on_clinics_clock(naive, clinic)
        except DomainError as refusal:
            raise forms.ValidationError({"starts_at": refusal.message}) from refusal

    class Meta:
        model = Appointment
        fields = ("patient", "starts_at", "duration_minutes", "visit_type", "language", "reference")
