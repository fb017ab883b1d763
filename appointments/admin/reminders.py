from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, DayFilter, local
from appointments.models import Reminder, ReminderState


class DueDayFilter(DayFilter):
    field = "due_at"
    unasked = "from-today"


def state_in_words(reminder: Reminder) -> str:
    """The message's state once there is a message: that is what happened to the patient's text."""
    if reminder.message is not None:
        return capfirst(reminder.message.get_status_display())
    return capfirst(reminder.get_state_display())


def rule_in_words(hours: int) -> str:
    """ "7 days before", "24 hours before" """
    if hours % 24 or hours < 48:
        return _("%(hours)s hours before") % {"hours": hours}
    return ngettext("%(n)d day before", "%(n)d days before", hours // 24) % {"n": hours // 24}


def link_to_message(reminder: Reminder) -> str | SafeString:
    if reminder.message_id is None:
        return "–"
    address = reverse("admin:messaging_message_change", args=[reminder.message_id])
    return format_html('<a href="{}">{}</a>', address, gettext_lazy("Open the text"))


@admin.register(Reminder)
class ReminderAdmin(ClinicScopedAdmin):
    clinic_path = "appointment__clinic"
    list_display = ("due", "visit", "patient", "clinic_name", "hours_before", "status", "text")
    list_filter = (DueDayFilter, ClinicFilter, "state")
    list_select_related = ("appointment__clinic", "appointment__patient", "message")
    ordering = ("due_at", "id")
    export_columns = (
        *("appointment__clinic__code", "due_at", "visit_at", "patient", "hours_before", "planned", "status"),
    )
    actions = None
    fields = ("due", "visit", "patient", "clinic_name", "hours_before", "planned", "status", "text")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("due"), ordering="due_at")
    def due(self, reminder: Reminder) -> str:
        return local(reminder.due_at, reminder.appointment.clinic.zone)

    @admin.display(description=gettext_lazy("visit"))
    def visit(self, reminder: Reminder) -> SafeString:
        address = reverse("admin:appointments_appointment_change", args=[reminder.appointment_id])
        return format_html(
            '<a href="{}">{}</a>', address, local(reminder.visit_at, reminder.appointment.clinic.zone)
        )

    @admin.display(description=gettext_lazy("patient"))
    def patient(self, reminder: Reminder) -> str:
        return str(reminder.appointment.patient)

    @admin.display(description=gettext_lazy("clinic"))
    def clinic_name(self, reminder: Reminder) -> str:
        return reminder.appointment.clinic.name

    @admin.display(description=gettext_lazy("plan"))
    def planned(self, reminder: Reminder) -> str:
        return capfirst(ReminderState(reminder.state).label)  # type: ignore[return-value]

    @admin.display(description=gettext_lazy("status"))
    def status(self, reminder: Reminder) -> str:
        return state_in_words(reminder)

    @admin.display(description=gettext_lazy("text"))
    def text(self, reminder: Reminder) -> str | SafeString:
        return link_to_message(reminder)
