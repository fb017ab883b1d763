from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import may
from accounts.scoped_admin import ClinicFilter, ClinicScopedAdmin, actor_of, local
from appointments.admin.closing_page import MOST_NAMED, closing_view
from appointments.closures import bounds, open_day
from appointments.models import Closure
from appointments.moving import live_within
from common.admin import Step, Table
from common.dates import day_in_words


@admin.register(Closure)
class ClosureAdmin(ClinicScopedAdmin):
    """The days on which clinics are closed. Adding one is a page of its own."""

    list_display = ("day", "clinic_name", "reason")
    list_filter = (ClinicFilter,)
    list_select_related = ("clinic",)
    ordering = ("-date", "id")
    actions = None

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [(None, {"fields": ["day", "clinic_name", "reason"]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("day", "clinic_name", "reason")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return closing_view(self, request)

    @admin.display(description=gettext_lazy("date"), ordering="date")
    def day(self, closure: Closure) -> str:
        return day_in_words(closure.date)

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def clinic_name(self, closure: Closure) -> str:
        return closure.clinic.name

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        rows = [
            (
                format_html(
                    '<a href="{}">{}</a>',
                    reverse("admin:appointments_appointment_change", args=[visit.pk]),
                    local(visit.starts_at, obj.clinic.zone),
                ),
                str(visit.patient),
                capfirst(visit.get_status_display()),
            )
            for visit in live_within(obj.clinic, bounds(obj))[:MOST_NAMED]
        ]
        headings = [_("When"), _("Patient"), _("Status")]
        return [Table(_("Visits that still stand on this day"), headings, rows, _("None."))]

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not may(request.user, "delete", "appointments.closure"):
            return []
        question = _("Visits can be booked on it again. What was moved stays where it is.")
        return [Step("open", _("Open this day again"), question)]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        open_day(obj.pk, actor=actor_of(request), now=timezone.now())
        return _("The day is open again.")

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        return reverse("admin:appointments_closure_changelist")
