"""The manager's page of attendance: who does not come, where, when, and whether a reminder helps."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.report_page import Cell, Line, ReportPage, alike, percent, whole
from accounts.report_request import ReportRequest
from appointments.admin.visit_filters import reminder_words
from appointments.attendance_report import COUNTS, Group, attendance, summed
from appointments.models import Appointment, AppointmentStatus
from common.charts import bar

# Where so many of those who were marked did not come, it is worth a look.
MANY = 0.15
# How the list of visits finds what a column counts.
_MISSED = {"status__exact": AppointmentStatus.MISSED.value}
_FILTERS = {
    "missed": _MISSED,
    "attended": {"status__exact": AppointmentStatus.ATTENDED.value},
    "unmarked": {"marked": "no"},
    "cancelled": {"status__exact": AppointmentStatus.CANCELLED.value},
}


def attendance_view(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    if not request.user.has_perm("appointments.view_appointment"):
        raise PermissionDenied
    return AttendancePage(model_admin, request).answer()


class AttendancePage(ReportPage[Group]):
    title = gettext_lazy("Attendance")
    template = "admin/appointments/attendance.html"
    filename = "attendance.csv"
    csv_columns = ("clinic_code", "clinic_name", "month", "weekday", "reminder", *COUNTS, "no_show_rate")
    picture_title = gettext_lazy("Share of visits missed, by month")
    counted = Appointment
    day_filter = "day"

    def read(self, asked: ReportRequest) -> list[Group]:
        return attendance(asked.clinics, asked.bounds, now=timezone.now(), told_apart=True)

    def csv_row(self, group: Group) -> list[Any]:
        counts = summed([group])
        words = (group.clinic.code, group.clinic.name, f"{group.month:%Y-%m}", group.weekday, group.reminder)
        return [*words, *counts, counts.no_show_rate]

    def figures(self) -> list[tuple[str, str, str]]:
        counts = summed(self.groups)
        return [
            (_("of those marked did not come"), percent(counts.no_show_rate), ""),
            (_("missed"), whole(counts.missed), self.list_of(**_MISSED)),
            (_("came"), whole(counts.attended), self.list_of(**_FILTERS["attended"])),
            (_("past and not marked"), whole(counts.unmarked), self.list_of(**_FILTERS["unmarked"])),
        ]

    def headings(self) -> list[str]:
        return [_("Missed"), _("Came"), _("Not marked"), _("Cancelled")]

    def month(self, groups: list[Group]) -> tuple[float | None, str, dict[str, Any]]:
        counts = summed(groups)
        words = _("%(missed)s missed, %(came)s came") % {
            "missed": whole(counts.missed),
            "came": whole(counts.attended),
        }
        return counts.no_show_rate, words, _MISSED

    def parts(self) -> list[tuple[str, list[Line]]]:
        words = reminder_words()
        by_reminder = alike(self.groups, lambda group: group.reminder)
        reminders = [
            self.line(words[name], by_reminder[name], reached=name) for name in words if name in by_reminder
        ]
        weekdays = [
            self.line(capfirst(str(WEEKDAYS[day - 1])), some, weekday=day)
            for day, some in sorted(alike(self.groups, lambda group: group.weekday).items())
        ]
        return [
            (_("Does a reminder help?"), reminders),
            (_("Clinics"), self.by_clinic()),
            (_("Weekdays"), weekdays),
            (_("Months"), self.by_month()),
        ]

    def line(self, title: str, groups: list[Group], **filters: Any) -> Line:
        counts = summed(groups)
        rate = counts.no_show_rate
        cells = [
            Cell(whole(getattr(counts, name)), self.list_of(**filters, **more))
            for name, more in _FILTERS.items()
        ]
        colour = "bad" if (rate or 0) >= MANY else "main"
        return Line(title, self.list_of(**filters), percent(rate), bar((colour, rate or 0)), cells)
