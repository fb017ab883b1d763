"""The manager's page of delivery: do texts arrive, by whom, why not, and what they cost."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.report_request import ReportRequest
from common.charts import Column, bar, columns
from common.csv_files import csv_file
from messaging.admin.text_filters import NO_PROVIDER
from messaging.delivery_report import ARRIVED, IN_VAIN, SENT, STOPPED, Group, deliveries
from messaging.models import Channel
from messaging.reason_words import in_words

CSV_COLUMNS = (
    *("clinic_code", "clinic_name", "month", "provider", "status", "error_code"),
    *("messages", "parts", "parts_sent", "price", "currency"),
)
TRIED = (ARRIVED, SENT, IN_VAIN)


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


def delivery_view(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """As a page, or with `format=csv` as a file. One query a time zone for all figures."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    asked = ReportRequest.of(request)
    groups = deliveries(asked.clinics, asked.bounds)
    if request.GET.get("format") == "csv":
        return csv_file("delivery.csv", CSV_COLUMNS, map(_csv_row, groups))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Delivery of texts"),
        "opts": model_admin.opts,
        "asked": asked,
        "figures": _figures(groups, asked),
        "headings": [
            _("Texts"),
            _("Delivered"),
            _("No word yet"),
            _("Did not arrive"),
            _("Parts"),
            _("Cost"),
        ],
        "picture": _months(groups, asked),
        "parts": _parts(groups, asked),
        "reasons": _reasons(groups, asked),
        "empty": not groups,
        "priced": any(group.price is not None for group in groups),
        "now": timezone.localtime(),
    }
    return TemplateResponse(request, "admin/messaging/delivery.html", context)


def _csv_row(group: Group) -> list[Any]:
    price = None if group.price is None else str(group.price)
    return [
        *(group.clinic.code, group.clinic.name, f"{group.month:%Y-%m}"),
        *(group.provider, group.status, group.error_code, group.messages),
        *(group.parts, group.parts_sent, price, group.currency),
    ]


def _counts(groups: Iterable[Group]) -> dict[str, int]:
    """Texts by what became of them."""
    counts: dict[str, int] = defaultdict(int)
    for group in groups:
        counts[group.outcome] += group.messages
    return counts


def _tried(counts: dict[str, int]) -> int:
    return sum(counts.get(name, 0) for name in TRIED)


def _share(counts: dict[str, int], name: str) -> float | None:
    """Of the texts that were given to a provider."""
    tried = _tried(counts)
    return counts.get(name, 0) / tried if tried else None


def _cost(groups: Iterable[Group]) -> str:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for group in groups:
        if group.price is not None and group.currency:
            sums[group.currency] += group.price
    return " + ".join(f"{number_format(sums[c], 2, force_grouping=True)} {c}" for c in sorted(sums)) or "–"


def _whole(count: int) -> str:
    return number_format(count, use_l10n=True, force_grouping=True)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{number_format(round(share * 100, 1), 1)} %"


def _list(asked: ReportRequest, *, days: str = "", **filters: Any) -> str:
    """The list of texts that a figure counts."""
    wanted = {"channel__exact": Channel.SMS.value, "asked": days or asked.days}
    if asked.clinic:
        wanted["clinic"] = asked.clinic
    wanted |= {name: str(value) for name, value in filters.items()}
    return f"{reverse('admin:messaging_message_changelist')}?{urlencode(wanted)}"


def _figures(groups: list[Group], asked: ReportRequest) -> list[tuple[str, str, str]]:
    """Label, figure, address."""
    counts = _counts(groups)
    return [
        (_("of the texts sent were delivered"), _percent(_share(counts, ARRIVED)), ""),
        (_("texts did not arrive"), _whole(counts.get(IN_VAIN, 0)), _list(asked, outcome=IN_VAIN)),
        (
            _("parts were sent, each of which costs"),
            _whole(sum(group.parts_sent for group in groups)),
            "",
        ),
        (_("by today's prices"), _cost(groups), ""),
    ]


def _by(groups: Iterable[Group], key: Callable[[Group], Any]) -> dict[Any, list[Group]]:
    found: dict[Any, list[Group]] = defaultdict(list)
    for group in groups:
        found[key(group)].append(group)
    return found


def _months(groups: list[Group], asked: ReportRequest) -> SafeString:
    by_month = _by(groups, lambda group: group.month)
    points = []
    for month in asked.months:
        counts = _counts(by_month.get(month, []))
        share = _share(counts, IN_VAIN)
        points.append(
            Column(
                date_format(month, "M"),
                share,
                "" if share is None else f"{round(share * 100)} %",
                _("%(month)s: %(failed)s of %(all)s did not arrive")
                % {
                    "month": _month_in_words(month),
                    "failed": _whole(counts.get(IN_VAIN, 0)),
                    "all": _whole(_tried(counts)),
                },
                _list(asked, days=asked.days_of(month), outcome=IN_VAIN),
            )
        )
    return columns(points, title=_("Share of texts that did not arrive, by month"))


def _month_in_words(month: date) -> str:
    return date_format(month, "F Y")


def _parts(groups: list[Group], asked: ReportRequest) -> list[tuple[str, list[Line]]]:
    """Titles with their lines: by provider, clinic, month."""
    given = [group for group in groups if group.outcome in TRIED or group.provider]
    providers = [
        _line(name or _("none was tried"), some, asked, provider=name or NO_PROVIDER)
        for name, some in sorted(_by(given, lambda group: group.provider).items())
    ]
    clinics = [
        _line(some[0].clinic.name, some, asked, clinic=some[0].clinic.pk)
        for some in _by(groups, lambda group: group.clinic.pk).values()
    ]
    months = [
        _line(_month_in_words(month), some, asked, days=asked.days_of(month))
        for month, some in sorted(_by(groups, lambda group: group.month).items())
    ]
    return [(_("Providers"), providers), (_("Clinics"), clinics), (_("Months"), months)]


def _line(title: str, groups: list[Group], asked: ReportRequest, **filters: Any) -> Line:
    counts = _counts(groups)
    shares = [
        (name, _share(counts, outcome) or 0)
        for name, outcome in (("good", ARRIVED), ("main", SENT), ("bad", IN_VAIN))
    ]
    cells = [
        Cell(_whole(sum(counts.values())), _list(asked, **filters)),
        *(Cell(_whole(counts.get(name, 0)), _list(asked, outcome=name, **filters)) for name in TRIED),
        Cell(_whole(sum(group.parts_sent for group in groups))),
        Cell(_cost(groups)),
    ]
    return Line(title, _list(asked, **filters), _percent(_share(counts, ARRIVED)), bar(*shares), cells)


def _reasons(groups: list[Group], asked: ReportRequest) -> list[Line]:
    """Why texts did not arrive or were not sent, the commonest first."""
    lost = [group for group in groups if group.outcome in (IN_VAIN, STOPPED)]
    every = sum(group.messages for group in lost) or 1
    lines = []
    by_code = _by(lost, lambda group: group.error_code)
    for code, some in sorted(by_code.items(), key=lambda pair: -sum(group.messages for group in pair[1])):
        count = sum(group.messages for group in some)
        href = _list(asked, reason=code) if code else ""
        cells = [Cell(_whole(count), href)]
        lines.append(Line(in_words(code), href, _percent(count / every), bar(("bad", count / every)), cells))
    return lines
