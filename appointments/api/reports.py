"""GET /reports/attendance."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.scoping import clinics_asked_for
from appointments.attendance_report import COUNTS, Group, attendance, no_show_rate
from common.rest.reports import (
    CLINIC_ID,
    CSV,
    FORMAT,
    FROM,
    TO,
    Period,
    ReportMixin,
    broken_down,
    csv_answer,
)
from common.rest.views import ApiView

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


class OfClinic(Counts):
    clinic_id = serializers.UUIDField()
    clinic_code = serializers.CharField()
    clinic_name = serializers.CharField()


class OfMonth(Counts):
    month = serializers.CharField(help_text="2026-12")


class OfWeekday(Counts):
    weekday = serializers.IntegerField(help_text="1 is Monday.")


class OfReminder(Counts):
    reminder = serializers.ChoiceField(["delivered", "sent", "not_reached"])


class AttendanceRow(OfClinic, OfMonth, OfWeekday, OfReminder):
    pass


class AttendanceSerializer(serializers.Serializer[Any]):
    totals = Counts()
    by_clinic = OfClinic(many=True)
    by_month = OfMonth(many=True)
    by_weekday = OfWeekday(many=True)
    by_reminder = OfReminder(many=True)
    results = AttendanceRow(many=True)

    def get_fields(self) -> dict[str, Any]:
        # Not declared: "from" is a word of Python's.
        bounds = {"from": serializers.DateTimeField(), "to": serializers.DateTimeField()}
        return {**bounds, **super().get_fields()}


class AttendanceReport(ReportMixin, ApiView):
    """How many came and how many did not, on each clinic's own calendar."""

    summaries = {"GET": "Report on attendance"}
    kind = "appointments.appointment"
    query_parameters: ClassVar[frozenset[str]] = frozenset({"format", "from", "to", "clinic_id"})
    serializer_class = AttendanceSerializer

    @extend_schema(
        parameters=[FORMAT, FROM, TO, CLINIC_ID],
        responses={(200, "application/json"): AttendanceSerializer, **CSV},
    )
    def get(self, request: Any) -> Any:
        now, given = timezone.now(), request.query_params
        as_csv = self.wants_csv()
        period = Period(given.get("from"), given.get("to"), now)
        begin, end = period.bounds(timezone.get_current_timezone())
        groups = attendance(clinics_asked_for(request), period.bounds, now=now)
        rows = [_row(group) for group in groups]
        if as_csv:
            return csv_answer("attendance", COLUMNS, rows)
        return Response(
            {
                "from": begin.isoformat(),
                "to": end.isoformat(),
                "totals": _summed(groups),
                **broken_down(groups, _BY, _row, _summed),
                "results": rows,
            }
        )


def _row(group: Group) -> dict[str, Any]:
    return {
        "clinic_id": str(group.clinic.pk),
        "clinic_code": group.clinic.code,
        "clinic_name": group.clinic.name,
        "month": f"{group.month:%Y-%m}",
        "weekday": group.weekday,
        "reminder": group.reminder,
        **_summed([group]),
    }


def _summed(groups: Iterable[Group]) -> dict[str, Any]:
    sums = dict.fromkeys(COUNTS, 0)
    for group in groups:
        for name in COUNTS:
            sums[name] += getattr(group, name)
    return {
        "appointments": sum(sums.values()),
        **sums,
        "no_show_rate": no_show_rate(sums["attended"], sums["missed"]),
    }
