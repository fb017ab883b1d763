"""Reports of sums by clinic: the caller's clinics, a period on each clinic's own calendar, JSON or CSV."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.scoping import clinics_asked_for
from accounts.models import Clinic
from common.rest.reports import CLINIC_ID, CSV, FORMAT, FROM, TO, Period, ReportMixin, broken_down, csv_answer
from common.rest.views import ApiView


def described(answer: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """What `extend_schema` is told of such a report."""
    return {
        "parameters": [FORMAT, FROM, TO, CLINIC_ID],
        "responses": {(200, "application/json"): answer, **CSV},
    }


class OfPeriod(serializers.Serializer[Any]):
    """The answer of such a report: `from` and `to` come before what a subclass declares."""

    def get_fields(self) -> dict[str, Any]:
        # Not declared: "from" is a word of Python's.
        bounds = {"from": serializers.DateTimeField(), "to": serializers.DateTimeField()}
        return {**bounds, **super().get_fields()}


class OneClinic(serializers.Serializer[Any]):
    clinic_id = serializers.UUIDField()
    clinic_code = serializers.CharField()
    clinic_name = serializers.CharField()


def clinic_columns(clinic: Clinic) -> dict[str, str]:
    return {"clinic_id": str(clinic.pk), "clinic_code": clinic.code, "clinic_name": clinic.name}


class GroupsReport(ReportMixin, ApiView):
    """Subclasses read the groups; each is a row, and the rows are summed by some of their columns."""

    query_parameters: ClassVar[frozenset[str]] = frozenset({"format", "from", "to", "clinic_id"})
    # The file's name and columns, and by which columns the rows are summed under which name.
    filename: ClassVar[str]
    columns: ClassVar[Sequence[str]]
    summed_by: ClassVar[Mapping[str, Sequence[str]]]

    def groups(self, clinics: QuerySet[Clinic], bounds: Callable[..., Any]) -> Sequence[Any]:
        raise NotImplementedError

    def row(self, group: Any) -> dict[str, Any]:
        raise NotImplementedError

    def summed(self, groups: Sequence[Any]) -> dict[str, Any]:
        raise NotImplementedError

    def report(self) -> Any:
        given, as_csv = self.request.query_params, self.wants_csv()
        period = Period(given.get("from"), given.get("to"), timezone.now())
        begin, end = period.bounds(timezone.get_current_timezone())
        groups = self.groups(clinics_asked_for(self.request), period.bounds)
        rows = [self.row(group) for group in groups]
        if as_csv:
            return csv_answer(self.filename, self.columns, rows)
        return Response(
            {
                "from": begin.isoformat(),
                "to": end.isoformat(),
                "totals": self.summed(groups),
                **broken_down(groups, self.summed_by, self.row, self.summed),
                "results": rows,
            }
        )
