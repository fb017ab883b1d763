from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

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

    def compress(self, data_list: Any) -> datetime:
        day, clock = data_list
        if day in self.empty_values or clock in self.empty_values:
            raise forms.ValidationError(_("Give the date and the time."))
        return datetime.combine(day, clock)


class VisitForm(forms.ModelForm):
    """A visit that is there, in its clinic's time. New ones are booked on a page of their own."""

    starts_at = ClinicTimeField(label=gettext_lazy("Date and time"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Who may only look has no fields.
        if "starts_at" not in self.fields:
            return
        clinic = self.instance.clinic
        self.initial["starts_at"] = self.instance.starts_at.astimezone(clinic.zone).replace(tzinfo=None)
        self.fields["starts_at"].help_text = _("On the clinic's own clock (%(zone)s).") % {
            "zone": clinic.time_zone.replace("_", " ")
        }

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        naive = given.pop("starts_at", None)
        if naive is not None:
            given["starts_at"] = self._at(naive)
        return given

    def _at(self, naive: datetime) -> datetime:
        try:
            return on_clinics_clock(naive, self.instance.clinic)
        except DomainError as refusal:
            raise forms.ValidationError({"starts_at": refusal.message}) from refusal

    class Meta:
        model = Appointment
        fields = ("starts_at", "duration_minutes", "visit_type", "language", "reference")
