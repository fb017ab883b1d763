"""GET /reports/attendance."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.api.reports import GroupsReport, OfPeriod, OneClinic, clinic_columns, described
from accounts.models import Clinic
from appointments.attendance_report import COUNTS, Group, attendance, summed

COLUMNS = (
    *("clinic_id", "clinic_code", "clinic_name", "month", "weekday", "reminder", "appointments"),
    *(*COUNTS, "no_show_rate"),
)
_BY = {
    "by_clinic": ("clinic_code", "clinic_name", "clinic_id"),
    "by_month": ("month",),
    "by_weekday": ("weekday",),
    "by_reminder": ("reminder",),
}


class Counts(serializers.Serializer[Any]):
    appointments = serializers.IntegerField()
    attended = serializers.IntegerField()
    missed = serializers.IntegerField()
    unmarked = serializers.IntegerField(help_text="Past, and nobody has said whether the patient came.")
    upcoming = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    no_show_rate = serializers.FloatField(
        allow_null=True, help_text="missed ÷ (attended + missed); null where none was marked."
    )


class OfClinic(Counts, OneClinic):
    pass


class OfMonth(Counts):
    month = serializers.CharField(help_text="2026-12")


class OfWeekday(Counts):
    weekday = serializers.IntegerField(help_text="1 is Monday.")


class OfReminder(Counts):
    reminder = serializers.ChoiceField(["delivered", "sent", "not_reached"])


class AttendanceRow(OfClinic, OfMonth, OfWeekday, OfReminder):
    pass


class AttendanceSerializer(OfPeriod):
    totals = Counts()
    by_clinic = OfClinic(many=True)
    by_month = OfMonth(many=True)
    by_weekday = OfWeekday(many=True)
    by_reminder = OfReminder(many=True)
    results = AttendanceRow(many=True)


class AttendanceReport(GroupsReport):
    """How many came and how many did not, on each clinic's own calendar."""

    summaries = {"GET": "Report on attendance"}
    kind = "appointments.appointment"
    serializer_class = AttendanceSerializer
    filename = "attendance"
    columns = COLUMNS
    summed_by = _BY

    @extend_schema(**described(AttendanceSerializer))
    def get(self, request: Any) -> Any:  # noqa: ARG002
        return self.report()

    def groups(self, clinics: QuerySet[Clinic], bounds: Callable[..., Any]) -> Sequence[Group]:
        return attendance(clinics, bounds, now=timezone.now())

    def row(self, group: Group) -> dict[str, Any]:
        return {
            **clinic_columns(group.clinic),
            "month": f"{group.month:%Y-%m}",
            "weekday": group.weekday,
            "reminder": group.reminder,
            **self.summed([group]),
        }

    def summed(self, groups: Sequence[Group]) -> dict[str, Any]:
        counts = summed(groups)
        return {"appointments": sum(counts), **counts._asdict(), "no_show_rate": counts.no_show_rate}
