"""A manager's page of sums by clinic: a picture of the months, then lines; figures lead into their lists."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from accounts.models import Clinic
from accounts.report_request import ReportRequest
from common.charts import Column, columns
from common.csv_files import csv_file
from common.dates import date_in_words, moment_in_words


class Counted(Protocol):
    """What is alike in more than its clinic and month, counted. `month` is its first day."""

    @property
    def clinic(self) -> Clinic: ...
    @property
    def month(self) -> date: ...


G = TypeVar("G", bound=Counted)


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and the list of what it counts, if there is one."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    href: str
    rate: str
    bar: SafeString
    cells: list[Cell]


class ReportPage(Generic[G]):
    """Subclasses read the groups and say what they tell. Any permission has been asked for before."""

    title: ClassVar[str | Promise]
    template: ClassVar[str]
    filename: ClassVar[str]
    csv_columns: ClassVar[Sequence[str]]
    picture_title: ClassVar[str | Promise]
    # What is counted: its list is behind the figures, filtered by day, and by what it always is.
    counted: ClassVar[type[Model]]
    day_filter: ClassVar[str]
    always: ClassVar[dict[str, str]] = {}

    def __init__(self, model_admin: Any, request: HttpRequest) -> None:
        self._admin, self._request = model_admin, request
        self.asked = ReportRequest.of(request)
        self.groups: list[G] = self.read(self.asked)

    def read(self, asked: ReportRequest) -> list[G]:
        """One query a time zone."""
        raise NotImplementedError

    def csv_row(self, group: G) -> list[Any]:
        raise NotImplementedError

    def figures(self) -> list[tuple[str, str, str]]:
        """Label, figure, address."""
        raise NotImplementedError

    def headings(self) -> list[str]:
        """Of a line's cells."""
        raise NotImplementedError

    def month(self, groups: list[G]) -> tuple[float | None, str, dict[str, Any]]:
        """The share in the picture, the figures in words, and what its list is filtered by."""
        raise NotImplementedError

    def line(self, title: str, groups: list[G], **filters: Any) -> Line:
        raise NotImplementedError

    def parts(self) -> list[tuple[str, list[Line]]]:
        """Titles with their lines."""
        raise NotImplementedError

    def more(self) -> dict[str, Any]:
        """For the template."""
        return {}

    def answer(self) -> HttpResponseBase:
        """As a page, or with `format=csv` as a file."""
        if self._request.GET.get("format") == "csv":
            return csv_file(self.filename, self.csv_columns, map(self.csv_row, self.groups))
        context = {
            **self._admin.admin_site.each_context(self._request),
            "title": self.title,
            "opts": self.counted._meta,
            "asked": self.asked,
            "figures": self.figures(),
            "headings": self.headings(),
            "picture": self._picture(),
            "parts": self.parts(),
            "empty": not self.groups,
            "first": date_in_words(self.asked.first),
            "last": date_in_words(self.asked.last),
            "now": moment_in_words(timezone.now(), timezone.get_current_timezone()),
            **self.more(),
        }
        return TemplateResponse(self._request, self.template, context)

    def list_of(self, *, days: str = "", **filters: Any) -> str:
        """The address of what a figure counts."""
        wanted = {**self.always, self.day_filter: days or self.asked.days}
        if self.asked.clinic:
            wanted["clinic"] = self.asked.clinic
        wanted |= {name: str(value) for name, value in filters.items()}
        name = f"{self.counted._meta.app_label}_{self.counted._meta.model_name}"
        return f"{reverse(f'admin:{name}_changelist')}?{urlencode(wanted)}"

    def by_clinic(self) -> list[Line]:
        some = alike(self.groups, lambda group: group.clinic.pk).values()
        return [self.line(each[0].clinic.name, each, clinic=each[0].clinic.pk) for each in some]

    def by_month(self) -> list[Line]:
        months = sorted(alike(self.groups, lambda group: group.month).items())
        return [
            self.line(date_format(month, "F Y"), some, days=self.asked.days_of(month))
            for month, some in months
        ]

    def _picture(self) -> SafeString:
        by_month = alike(self.groups, lambda group: group.month)
        points = []
        for month in self.asked.months:
            share, words, filters = self.month(by_month.get(month, []))
            figure = "" if share is None else f"{round(share * 100)} %"
            href = self.list_of(days=self.asked.days_of(month), **filters)
            words = f"{date_format(month, 'F Y')}: {words}"
            points.append(Column(date_format(month, "M"), share, figure, words, href))
        return columns(points, title=str(self.picture_title))


def alike(groups: Iterable[G], key: Callable[[G], Any]) -> dict[Any, list[G]]:
    """Those of one key together, in the order in which they came."""
    found: dict[Any, list[G]] = defaultdict(list)
    for group in groups:
        found[key(group)].append(group)
    return found


def whole(count: int) -> str:
    """ "1,234" """
    return number_format(count, use_l10n=True, force_grouping=True)


def percent(share: float | None) -> str:
    """ "12.3 %"; a dash where there is nothing to divide by."""
    return "–" if share is None else f"{number_format(round(share * 100, 1), 1)} %"
