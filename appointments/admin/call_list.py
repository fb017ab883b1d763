from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import may
from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, actor_of, local
from appointments.call_list import last_calls, note_call, reasons, to_phone
from appointments.models import CallOutcome, PatientToPhone
from common.admin import Step, Table
from common.phones import mask


@admin.register(PatientToPhone)
class CallListAdmin(ClinicScopedAdmin):
    """Who has to be phoned, the next visit first. What came of the call is one click on the page."""

    list_display = ("when", "whom", "why", "last_call", "clinic_name")
    list_filter = (ClinicFilter,)
    list_select_related = ("clinic", "patient")
    search_fields = ("patient__name", "patient__phone", "patient__patient_number__iexact")
    search_help_text = gettext_lazy("By the patient's name, number or phone.")
    masked = {"phone": "masked_phone", "whom": "masked_whom"}
    ordering = ("starts_at", "id")
    actions = None
    list_per_page = 50
    empty_value_display = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        queryset = super().get_queryset(request)
        # A page that is open stays good while the list moves on.
        page = request.resolver_match.url_name if request.resolver_match else None
        is_list = str(page).endswith(("_changelist", "_export"))
        return to_phone(queryset, timezone.now()) if is_list else queryset

    def prepare_export(self, rows: Sequence[Any]) -> None:
        why, calls = reasons(rows), last_calls(rows)
        for appointment in rows:
            appointment.why, appointment.last_call = why[appointment.pk], calls.get(appointment.pk)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Reasons and calls for the whole page, in a bounded number of queries."""
        found = super().get_changelist_instance(request)
        page = list(found.result_list)
        self.prepare_export(page)
        found.result_list = page
        return found

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fields = self._shown(request, ["when", "patient_link", "phone", "clinic_name", "visit_type"])
        return [(None, {"fields": fields})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("when", "patient_link", "phone", "masked_phone", "clinic_name", "visit_type")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Nothing is written here but what came of a call.
        return False

    @admin.display(description=gettext_lazy("visit"), ordering="starts_at")
    def when(self, appointment: Any) -> str:
        return local(appointment.starts_at, appointment.clinic.zone)

    @admin.display(description=gettext_lazy("patient"), ordering="patient__name")
    def whom(self, appointment: Any) -> SafeString:
        """Name and number in one cell: on a phone's screen the reason stands beside them."""
        return format_html("{}<br>{}", appointment.patient, self.phone(appointment))

    @admin.display(description=gettext_lazy("patient"), ordering="patient__name")
    def masked_whom(self, appointment: Any) -> SafeString:
        return format_html("{}<br>{}", appointment.patient, self.masked_phone(appointment))

    @admin.display(description=gettext_lazy("patient"))
    def patient_link(self, appointment: Any) -> SafeString:
        address = reverse("admin:appointments_patient_change", args=[appointment.patient_id])
        return format_html('<a href="{}">{}</a>', address, appointment.patient)

    @admin.display(description=gettext_lazy("phone"))
    def phone(self, appointment: Any) -> SafeString:
        number = appointment.patient.phone
        return format_html('<a href="tel:{}">{}</a>', number, number)

    @admin.display(description=gettext_lazy("phone"))
    def masked_phone(self, appointment: Any) -> str:
        return mask(appointment.patient.phone)

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def clinic_name(self, appointment: Any) -> str:
        return appointment.clinic.name

    @admin.display(description=gettext_lazy("why"))
    def why(self, appointment: Any) -> str:
        return _in_words(appointment)

    @admin.display(description=gettext_lazy("last call"))
    def last_call(self, appointment: Any) -> str:
        call = appointment.last_call
        if call is None:
            return ""
        return f"{capfirst(call.get_outcome_display())}, {local(call.at, appointment.clinic.zone)}"

    def label_for(self, request: HttpRequest, obj: Any) -> str:
        return local(obj.starts_at, obj.clinic.zone)

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        obj.why = reasons([obj])[obj.pk]
        rows = [
            (local(call.at, obj.clinic.zone), capfirst(call.get_outcome_display()), call.by)
            for call in obj.phone_calls.all()
        ]
        return [
            Table(_("Why to phone"), [_("Reason")], [(_in_words(obj),)]),
            Table(_("Calls"), [_("When"), _("Outcome"), _("Who")], rows, _("Nobody has called yet.")),
        ]

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not may(request.user, "change", "appointments.patienttophone") or not obj.is_live:
            return []
        return [
            Step(CallOutcome.REACHED, _("Reached"), tone="good"),
            Step(CallOutcome.NO_ANSWER, _("No answer")),
            Step(CallOutcome.WRONG_NUMBER, _("Wrong number")),
        ]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        note_call(obj.pk, outcome=name, actor=actor_of(request), now=timezone.now())
        return _("Noted: %(outcome)s.") % {"outcome": CallOutcome(name).label}

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        return reverse("admin:appointments_patienttophone_changelist")


def _in_words(appointment: Any) -> str:
    why = appointment.why
    if why.next_try_at is None:
        return why.words
    again = local(why.next_try_at, appointment.clinic.zone)
    return f"{why.words} " + _("It is tried again: %(when)s.") % {"when": again}
