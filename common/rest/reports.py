"""Reports: a period, the caller's rows, JSON or a CSV for a spreadsheet."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, ClassVar, TypeVar

from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from common.csv_files import csv_file
from common.errors import ValidationFailed
from common.rest.times import read_moment, start_of

G = TypeVar("G")
USUAL_DAYS = 365
MOST_DAYS = 5 * 366
FORMATS = ("json", "csv")

FORMAT = OpenApiParameter("format", str, enum=FORMATS, description="json, if left out.")
FROM = OpenApiParameter("from", str, description="A date or a time, inclusive; a year ago, if left out.")
TO = OpenApiParameter("to", str, description="Exclusive; a date includes that day. Today, if left out.")
CLINIC_ID = OpenApiParameter("clinic_id", OpenApiTypes.UUID)
CSV: dict[tuple[int, str], Any] = {(200, "text/csv"): OpenApiTypes.STR}


@dataclass(frozen=True, slots=True)
class Period:
    """`from` and `to` as they were given; on each clinic's clock where they have no offset."""

    since: str | None
    until: str | None
    now: datetime

    def bounds(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """Inclusive and exclusive. ValidationFailed on "from" or "to"."""
        today = self.now.astimezone(zone).date()
        end = start_of(today + timedelta(days=1), zone)
        if self.until:
            end = _read("to", self.until, zone, whole_day=True)
        begin = start_of((end - timedelta(seconds=1)).astimezone(zone).date(), zone) - timedelta(USUAL_DAYS)
        if self.since:
            begin = _read("from", self.since, zone)
        if begin >= end:
            raise ValidationFailed.on("to", _("This must be after `from`."))
        if end - begin > timedelta(days=MOST_DAYS):
            raise ValidationFailed.on("from", _("At most five years in one report."))
        return begin, end


def _read(name: str, text: str, zone: tzinfo, *, whole_day: bool = False) -> datetime:
    try:
        return read_moment(text, zone, whole_day=whole_day)
    except ValueError as error:
        raise ValidationFailed.on(name, str(error)) from None


class ReportMixin:
    """`format` and its answer."""

    query_parameters: ClassVar[frozenset[str]] = frozenset({"format"})
    request: Any

    def wants_csv(self) -> bool:
        given = self.request.query_params.get("format", "json")
        if given not in FORMATS:
            raise ValidationFailed.on("format", _("Choose one of: %s.") % ", ".join(FORMATS))
        return bool(given == "csv")


def broken_down(
    groups: Sequence[G],
    by: Mapping[str, Sequence[str]],
    row: Callable[[G], Mapping[str, Any]],
    summed: Callable[[Sequence[G]], Mapping[str, Any]],
) -> dict[str, list[dict[str, Any]]]:
    """For each name of `by` the sums of the groups that are alike in its columns, in their order."""
    told = [(row(group), group) for group in groups]
    answer = {}
    for name, columns in by.items():
        alike: dict[tuple[Any, ...], list[G]] = defaultdict(list)
        for shown, group in told:
            alike[tuple(shown[column] for column in columns)].append(group)
        answer[name] = [
            {**dict(zip(columns, values, strict=True)), **summed(some)}
            for values, some in sorted(alike.items())
        ]
    return answer


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> StreamingHttpResponse:
    """A file of this name, written as the rows come. No cell is run as a formula."""
    return csv_file(f"{name}.csv", columns, ([row[column] for column in columns] for row in rows))
