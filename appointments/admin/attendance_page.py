"""The manager's page of attendance: who does not come, where, when, and whether a reminder helps."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.report_request import ReportRequest
from appointments.admin.visit_filters import reminder_words
from appointments.attendance_report import COUNTS, Group, attendance, no_show_rate
from appointments.models import AppointmentStatus
from common.charts import Column, bar, columns
from common.csv_files import csv_file

CSV_COLUMNS = ("clinic_code", "clinic_name", "month", "weekday", "reminder", *COUNTS, "no_show_rate")
# Where so many of those who were marked did not come, it is worth a look.
MANY = 0.15


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and the list of what it counts."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    href: str
    rate: str
    bar: SafeString
    cells: list[Cell]


def attendance_view(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """As a page, or with `format=csv` as a file. One query a time zone for all figures."""
    if not request.user.has_perm("appointments.view_appointment"):
        raise PermissionDenied
    asked = ReportRequest.of(request)
    groups = attendance(asked.clinics, asked.bounds, now=timezone.now(), told_apart=True)
    if request.GET.get("format") == "csv":
        return csv_file("attendance.csv", CSV_COLUMNS, map(_csv_row, groups))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Attendance"),
        "asked": asked,
        "figures": _figures(groups, asked),
        "headings": [_("Missed"), _("Came"), _("Not marked"), _("Cancelled")],
        "picture": _months(groups, asked),
        "parts": _parts(groups, asked),
        "empty": not groups,
        "now": timezone.localtime(),
    }
    return TemplateResponse(request, "admin/appointments/attendance.html", context)


def _csv_row(group: Group) -> list[Any]:
    rate = no_show_rate(group.attended, group.missed)
    counts = [getattr(group, name) for name in COUNTS]
    words = (group.clinic.code, group.clinic.name, f"{group.month:%Y-%m}", group.weekday, group.reminder)
    return [*words, *counts, rate]


def _summed(groups: Iterable[Group]) -> dict[str, int]:
    sums = dict.fromkeys(COUNTS, 0)
    for group in groups:
        for name in COUNTS:
            sums[name] += getattr(group, name)
    return sums


def _figures(groups: list[Group], asked: ReportRequest) -> list[tuple[str, str, str]]:
    """Label, figure, address."""
    sums = _summed(groups)
    return [
        (_("of those marked did not come"), _percent(sums), ""),
        (_("missed"), _whole(sums["missed"]), _list(asked, status=AppointmentStatus.MISSED)),
        (_("came"), _whole(sums["attended"]), _list(asked, status=AppointmentStatus.ATTENDED)),
        (_("past and not marked"), _whole(sums["unmarked"]), _list(asked, marked="no")),
    ]


def _percent(sums: dict[str, int]) -> str:
    rate = no_show_rate(sums["attended"], sums["missed"])
    return "–" if rate is None else f"{number_format(round(rate * 100, 1), 1)} %"


def _whole(count: int) -> str:
    return number_format(count, use_l10n=True, force_grouping=True)


def _list(asked: ReportRequest, *, days: str = "", **filters: Any) -> str:
    """The list of visits that a figure counts."""
    wanted = {"day": days or asked.days}
    if asked.clinic:
        wanted["clinic"] = asked.clinic
    if status := filters.pop("status", ""):
        wanted["status__exact"] = str(status)
    wanted |= {name: str(value) for name, value in filters.items()}
    return f"{reverse('admin:appointments_appointment_changelist')}?{urlencode(wanted)}"


def _months(groups: list[Group], asked: ReportRequest) -> SafeString:
    by_month = _by(groups, lambda group: group.month)
    points = []
    for month in asked.months:
        sums = _summed(by_month.get(month, []))
        rate = no_show_rate(sums["attended"], sums["missed"])
        points.append(
            Column(
                date_format(month, "M"),
                rate,
                "" if rate is None else f"{round(rate * 100)} %",
                _("%(month)s: %(missed)s missed, %(came)s came")
                % {
                    "month": _month_in_words(month),
                    "missed": _whole(sums["missed"]),
                    "came": _whole(sums["attended"]),
                },
                _list(asked, days=asked.days_of(month), status=AppointmentStatus.MISSED),
            )
        )
    return columns(points, title=_("Share of visits missed, by month"))


def _month_in_words(month: date) -> str:
    return date_format(month, "F Y")


def _by(groups: Iterable[Group], key: Callable[[Group], Any]) -> dict[Any, list[Group]]:
    found: dict[Any, list[Group]] = defaultdict(list)
    for group in groups:
        found[key(group)].append(group)
    return found


def _parts(groups: list[Group], asked: ReportRequest) -> list[tuple[str, list[Line]]]:
    """Titles with their lines: by reminder, clinic, month, weekday."""
    words = reminder_words()
    by_reminder = _by(groups, lambda group: group.reminder)
    reminders = [
        _line(words[name], by_reminder[name], asked, reached=name) for name in words if name in by_reminder
    ]
    clinics = [
        _line(some[0].clinic.name, some, asked, clinic=some[0].clinic.pk)
        for some in _by(groups, lambda group: group.clinic.pk).values()
    ]
    months = [
        _line(_month_in_words(month), some, asked, days=asked.days_of(month))
        for month, some in sorted(_by(groups, lambda group: group.month).items())
    ]
    weekdays = [
        _line(capfirst(str(WEEKDAYS[day - 1])), some, asked, weekday=day)
        for day, some in sorted(_by(groups, lambda group: group.weekday).items())
    ]
    parts = [(_("Does a reminder help?"), reminders), (_("Clinics"), clinics)]
    return [*parts, (_("Weekdays"), weekdays), (_("Months"), months)]


def _line(title: str, groups: list[Group], asked: ReportRequest, **filters: Any) -> Line:
    sums = _summed(groups)
    rate = no_show_rate(sums["attended"], sums["missed"])
    wanted: dict[str, dict[str, Any]] = {
        "missed": {"status": AppointmentStatus.MISSED},
        "attended": {"status": AppointmentStatus.ATTENDED},
        "unmarked": {"marked": "no"},
        "cancelled": {"status": AppointmentStatus.CANCELLED},
    }
    cells = [Cell(_whole(sums[name]), _list(asked, **filters, **more)) for name, more in wanted.items()]
    name = "bad" if (rate or 0) >= MANY else "main"
    return Line(title, _list(asked, **filters), _percent(sums), bar((name, rate or 0)), cells)
