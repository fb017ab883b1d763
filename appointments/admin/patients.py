from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import sees_phones
from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, actor_of, local
from appointments.models import Patient
from appointments.patients import add_patient, change_patient
from common.admin import Step, Table
from common.phones import mask
from messaging.models import BadNumber
from messaging.numbers import clear_number

VISITS_SHOWN = 50


class PatientForm(forms.ModelForm):
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "tel"}),
        help_text=gettext_lazy("A mobile number, as 71 234 567 or +267 71 234 567."),
    )
    consent = forms.NullBooleanField(
        label=gettext_lazy("Agrees to be texted"),
        widget=forms.Select(
            choices=[
                ("", gettext_lazy("Not asked: the clinic's policy decides")),
                ("true", gettext_lazy("Yes")),
                ("false", gettext_lazy("No: send no texts")),
            ]
        ),
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        consent = self.instance.consent
        self.initial["consent"] = "" if consent is None else str(consent).lower()


@admin.register(Patient)
class PatientAdmin(ClinicScopedAdmin):
    form = PatientForm
    list_display = ("display_name", "phone", "number_works", "patient_number", "clinic_name", "agrees")
    list_filter = (ClinicFilter, "consent")
    list_select_related = ("clinic",)
    search_fields = ("name", "patient_number__istartswith", "phone")
    search_help_text = gettext_lazy("By name, patient number or phone.")
    masked = {"phone": "masked_phone"}
    ordering = ("name", "id")
    actions = None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = ["clinic", "name", "phone", "patient_number", "consent"]
        if obj is not None:
            fields += ["consent_from"]
            fields.insert(3, "number_works")
        if not self._may_write(request, obj):
            fields = [{"consent": "agrees", "phone": "phone"}.get(field, field) for field in fields]
        return [(None, {"fields": self._shown(request, fields)})]

    def _may_write(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("clinic", "consent_from", "number_works")

    @admin.display(description=gettext_lazy("name"), ordering="name")
    def display_name(self, patient: Patient) -> str:
        return str(patient)

    @admin.display(description=gettext_lazy("phone"))
    def masked_phone(self, patient: Patient) -> str:
        return mask(patient.phone)

    @admin.display(description=gettext_lazy("gets texts"))
    def number_works(self, patient: Any) -> str:
        if patient.bad_since is None:
            return "–"
        since = local(patient.bad_since, patient.clinic.zone)
        return _("No: the number can't get texts, since %(when)s") % {"when": since}

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if obj.bad_since is None or not self.has_change_permission(request, obj):
            return []
        question = _("Say so only if this very phone gets texts. A wrong number is corrected in the form.")
        return [Step("number-works", _("The number is right"), question)]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        clear_number(obj.phone, actor=actor_of(request), now=timezone.now())
        return _("Noted. The number counts as right until a text fails again.")

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def clinic_name(self, patient: Patient) -> str:
        return patient.clinic.name

    @admin.display(description=gettext_lazy("agrees to be texted"))
    def agrees(self, patient: Patient) -> str:
        return {True: _("Yes"), False: _("No"), None: _("Not asked")}[patient.consent]

    @admin.display(description=gettext_lazy("Consent came from"))
    def consent_from(self, patient: Patient) -> str:
        if patient.consent_at is None:
            return "–"
        return f"{patient.get_consent_source_display()}, {local(patient.consent_at, patient.clinic.zone)}"

    def label_for(self, request: HttpRequest, obj: Any) -> str:
        phone = obj.phone if sees_phones(request.user) else mask(obj.phone)
        return " · ".join(part for part in (str(obj), obj.patient_number, phone, obj.clinic.name) if part)

    def get_queryset(self, request: HttpRequest) -> Any:
        # Choices of a patient name the clinic too.
        bad = BadNumber.objects.filter(phone=OuterRef("phone"))
        patients = super().get_queryset(request).select_related("clinic")
        return patients.annotate(bad_since=Subquery(bad.values("since")[:1]))

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> Patient:
        given, actor, now = form.cleaned_data, actor_of(request), timezone.now()
        if obj._state.adding:
            return add_patient(**given, actor=actor, now=now)
        return change_patient(obj.pk, version=self.seen_version(request), actor=actor, now=now, **given)

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        visits = obj.appointments.order_by("-starts_at")[:VISITS_SHOWN]
        rows = [
            (
                format_html(
                    '<a href="{}">{}</a>',
                    reverse("admin:appointments_appointment_change", args=[visit.pk]),
                    local(visit.starts_at, obj.clinic.zone),
                ),
                capfirst(visit.get_status_display()),
                visit.visit_type or "–",
            )
            for visit in visits
        ]
        headings = [_("When"), _("Status"), _("Visit type")]
        return [Table(_("Appointments"), headings, rows, _("No appointments yet."))]
