from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.access import may, sees_phones
from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, actor_of, local
from appointments.admin import attendance_page, patient_data, patient_merge, patient_page
from appointments.merging import likely_doubles, records_of, with_likely_double
from appointments.models import ConsentSource, Patient
from appointments.patients import add_patient, change_patient
from common.admin import Step, Table
from common.phones import mask
from messaging.models import BadNumber
from messaging.numbers import clear_number
from messaging.services import lift_opt_out, opt_out, opted_out

OPTED_OUT_BY = "nurse"
CONSENTS = {"agrees": True, "refuses": False, "not-asked": None}


class DoublesFilter(admin.SimpleListFilter):
    """Records that are likely two of one person."""

    title = gettext_lazy("doubles")
    parameter_name = "double"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Likely a second record"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return with_likely_double(queryset) if self.value() == "yes" else queryset


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
    change_form_template = "admin/appointments/patient.html"
    list_display = ("display_name", "phone", "number_works", "patient_number", "clinic_name", "agrees")
    list_filter = (ClinicFilter, "consent", DoublesFilter)
    list_select_related = ("clinic",)
    search_fields = ("name", "patient_number__istartswith", "phone")
    search_help_text = gettext_lazy("By name, patient number or phone.")
    masked = {"phone": "masked_phone"}
    export_columns = (
        *("clinic__code", "name", "patient_number", "phone", "number_works"),
        *("agrees", "consent_source", "consent_at", "created_at"),
    )
    ordering = ("name", "id")
    actions = None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = ["clinic", "name", "phone", "patient_number", "consent"]
        if obj is not None:
            fields += ["consent_from"]
            if obj.bad_since is not None:
                fields.insert(3, "number_works")
            if obj.former_identities.exists():
                fields.insert(2, "also_written")
        if not self._may_write(request, obj):
            fields = [{"consent": "agrees", "phone": "phone"}.get(field, field) for field in fields]
        return [(None, {"fields": self._shown(request, fields)})]

    def _may_write(self, request: HttpRequest, obj: Any) -> bool:
        return self.has_add_permission(request) if obj is None else self.has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("clinic", "also_written", "consent_from", "number_works")

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

    @admin.display(description=gettext_lazy("also written as"))
    def also_written(self, patient: Patient) -> str:
        """In files: what merged records were called, and phones that were corrected."""
        formers = patient.former_identities.order_by("since", "pk")
        return "; ".join(
            " · ".join(part for part in (str(former), former.patient_number, mask(former.phone)) if part)
            for former in formers
        )

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not self.has_change_permission(request, obj):
            return []
        said = obj.consent is not None and obj.consent_source != ConsentSource.ON_FILE
        asked = _("Did the patient say so? The site notes today, and that a nurse was told.")
        steps = []
        if not (obj.consent is True and said):
            steps.append(Step("agrees", _("The patient agrees to texts"), asked))
        if obj.consent is not False:
            steps.append(Step("refuses", _("The patient wants no texts"), asked))
        if said:
            undo = _("The answer is forgotten, as if nobody had asked. The clinic's policy decides.")
            steps.append(Step("not-asked", _("Take the answer back"), undo))
        if opted_out([obj.phone]):
            question = _("Allow texts only if the person asked for them.")
            steps.append(Step("allow", _("Allow texts to this phone"), question))
        else:
            question = _("Nobody who shares this phone gets texts any more, from any clinic.")
            steps.append(Step("stop", _("Stop texts to this phone"), question, "danger"))
        if obj.bad_since is not None:
            question = _(
                "Say so only if this very phone gets texts. A wrong number is corrected in the form."
            )
            steps.append(Step("number-works", _("The number is right"), question))
        return steps

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        actor, now = actor_of(request), timezone.now()
        if name in CONSENTS:
            version = self.seen_version(request)
            consent = CONSENTS[name]
            change_patient(obj.pk, version=version, consent=consent, said_anew=True, actor=actor, now=now)
            return _("The patient's answer is noted.")
        if name == "stop":
            opt_out(obj.phone, source=OPTED_OUT_BY, actor=actor, now=now)
            return _("This phone gets no texts any more.")
        if name == "allow":
            lift_opt_out(obj.phone, actor=actor, now=now)
            return _("This phone may get texts again.")
        clear_number(obj.phone, actor=actor, now=now)
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
        return f"{self.label_in_clinic(request, obj)} · {obj.clinic.name}"

    def label_in_clinic(self, request: HttpRequest, obj: Any) -> str:
        """Where it is said already of which clinic."""
        phone = obj.phone if sees_phones(request.user) else mask(obj.phone)
        return " · ".join(part for part in (str(obj), obj.patient_number, phone) if part)

    def get_queryset(self, request: HttpRequest) -> Any:
        # Choices of a patient name the clinic too.
        bad = BadNumber.objects.filter(phone=OuterRef("phone"))
        patients = super().get_queryset(request).filter(erased_at__isnull=True).select_related("clinic")
        return patients.annotate(bad_since=Subquery(bad.values("since")[:1]))

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> Patient:
        given, actor, now = form.cleaned_data, actor_of(request), timezone.now()
        if obj._state.adding:
            return add_patient(**given, actor=actor, now=now)
        return change_patient(obj.pk, version=self.seen_version(request), actor=actor, now=now, **given)

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        return patient_page.tables(request, obj)

    def audit_ids(self, obj: Any) -> list[Any]:
        """Of the records that were merged into this one too."""
        return records_of(obj.pk)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        patient = context.get("original")
        if patient is not None:
            doubles = likely_doubles(patient).filter(name_key=patient.name_key).count()
            context |= {
                "figures": patient_page.figures(patient),
                "consent_said": patient_page.consent_in_words(patient, patient_page.opt_outs(patient)),
                "doubles": doubles,
                "writes": self.has_change_permission(request, patient),
                "erases": may(request.user, "erase", "appointments.patient"),
                "books": may(request.user, "add", "appointments.appointment"),
                "patient_key": str(patient.pk),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        def page(address: str, name: str, view: Any) -> URLPattern:
            wrapped = self.admin_site.admin_view(view)
            return path(f"<path:object_id>/{address}", wrapped, name=f"appointments_patient_{name}")

        return [
            page("merge/<uuid:other_id>/", "merge_with", partial(patient_merge.merge_view, self)),
            page("merge/", "merge", partial(patient_merge.choose_view, self)),
            page("data/", "data", require_POST(partial(patient_data.data_view, self))),
            page("erase/", "erase", partial(patient_data.erase_view, self)),
            path(
                "attendance/",
                self.admin_site.admin_view(partial(attendance_page.attendance_view, self)),
                name="appointments_patient_attendance",
            ),
            *super().get_urls(),
        ]
