"""Stock: what runs out, when, and what to order by when. For reading, for paper, for a spreadsheet."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from math import ceil
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.access import clinics_visible_to, visible_to
from common.dates import moment_in_words
from stock.admin.chart import PAST_DAYS, chart
from stock.admin.exports import CHUNK, LEVEL_COLUMNS, level_row, streamed
from stock.admin.level_page import today_at
from stock.admin.wording import (
    day,
    days_in_words,
    months_of_stock,
    packed,
    runs_out_in_words,
    status_in_words,
    units,
)
from stock.balances import balances_by_day
from stock.figures import lead_time
from stock.models import LOW_STATUSES, Order, OrderState, StockLevel, StockStatus
from stock.words import suggestion_basis

ON_A_PAGE = 25
# A whole order list on paper; more than this is a matter for the spreadsheet.
ON_PAPER = 200


@dataclass(frozen=True, slots=True)
class Line:
    level: StockLevel
    state: SafeString
    usable: str
    on_order: str
    lasts: str
    runs_out: str
    order: str
    order_by: str
    basis: str
    chart: SafeString


def report_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Two queries a page for the levels, one each for balances, orders, clinics and sums."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    levels = asked_for(request)
    on_paper = "print" in request.GET
    page = Paginator(levels, ON_PAPER if on_paper else ON_A_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Stock: what runs out"),
        "opts": model_admin.opts,
        "groups": [
            (capfirst(StockStatus(status).label), list(lines))
            for status, lines in groupby(lines_of(shown), key=lambda line: line.level.status)
        ],
        "page": page,
        "on_paper": on_paper,
        "clinics": clinics_visible_to(request.user),
        "sums": sums(request),
        "asked": {name: request.GET.get(name, "") for name in ("clinic", "status", "vital")},
        "statuses": [(value, capfirst(StockStatus(value).label)) for value in LOW_STATUSES],
        "query": _query(request),
        "now": moment_in_words(timezone.now(), timezone.get_current_timezone()),
    }
    return TemplateResponse(request, "admin/stock/report.html", context)


def report_csv(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """The whole report, as it is filtered; most urgent first."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    levels = asked_for(request).iterator(chunk_size=CHUNK)
    rows = ([*level_row(level), order_by(level, today_at(level))] for level in levels)
    return streamed("stock-report.csv", (*LEVEL_COLUMNS, "order_by"), rows)


def asked_for(request: HttpRequest) -> QuerySet[StockLevel]:
    """What is out, critical or low in the person's clinics, filtered as the address says."""
    levels = visible_to(request.user, StockLevel.objects.low())
    if clinic := request.GET.get("clinic"):
        theirs = {str(pk) for pk in clinics_visible_to(request.user).values_list("pk", flat=True)}
        levels = levels.filter(clinic__in=[clinic]) if clinic in theirs else levels.none()
    if status := request.GET.get("status"):
        levels = levels.filter(status=status)
    if request.GET.get("vital"):
        levels = levels.filter(item__vital=True)
    return levels.select_related("clinic", "item")


def sums(request: HttpRequest) -> list[Any]:
    """How many levels of each clinic are out, critical and low; only clinics that have any."""
    counts = {str(status): Count("pk", filter=Q(status=status)) for status in (*LOW_STATUSES,)}
    found = visible_to(request.user, StockLevel.objects.filter(urgency__isnull=False))
    return list(
        found.order_by("clinic__name").values("clinic", "clinic__name").annotate(all=Count("pk"), **counts)
    )


def lines_of(levels: list[StockLevel]) -> list[Line]:
    now = timezone.now()
    # One query for all: a day's difference between time zones is none in this picture.
    balances = balances_by_day(levels, today=max(map(today_at, levels), default=now.date()), days=PAST_DAYS)
    expected = _expected(levels)
    return [_line(level, balances[level.pk], expected.get(level.pk, [])) for level in levels]


def _line(level: StockLevel, balances: list[tuple[date, int]], expected: list[Order]) -> Line:
    today, item = today_at(level), level.item
    lasts = _("%(days)s clinic days") % {"days": days_in_words(level)} if level.days_of_stock else "–"
    if months := months_of_stock(level):
        lasts = _("%(days)s (%(months)s months)") % {"days": lasts, "months": f"{months:.1f}"}
    return Line(
        level=level,
        state=status_in_words(level),
        usable=units(level.usable, item),
        on_order=_on_order(level, expected, today),
        lasts=lasts,
        runs_out=runs_out_in_words(level, today),
        order=packed(level.suggested_order, item) if level.suggested_order else _("nothing"),
        order_by=_order_by_in_words(level, today),
        basis=suggestion_basis(level),
        chart=chart(level, balances, today=balances[-1][0]),
    )


def order_by(level: StockLevel, today: date) -> date | None:
    """The last day on which an order still comes before the stock runs out; today where that is past. None
    where there is nothing to order."""
    if not level.suggested_order:
        return None
    if level.runs_out_on is None:
        return today
    return max(today, level.runs_out_on - timedelta(days=ceil(lead_time(level))))


def _order_by_in_words(level: StockLevel, today: date) -> str:
    last = order_by(level, today)
    if last is None:
        return "–"
    return _("today") if last == today else day(last)


def _expected(levels: list[StockLevel]) -> dict[Any, list[Order]]:
    found: dict[Any, list[Order]] = {}
    for order in Order.objects.filter(level__in=levels, state=OrderState.OPEN).order_by("expected_on"):
        found.setdefault(order.level_id, []).append(order)
    return found


def _on_order(level: StockLevel, expected: list[Order], today: date) -> str:
    if not level.on_order:
        return _("nothing")
    words = units(level.on_order, level.item)
    dates = [order.expected_on for order in expected if order.expected_on]
    if not dates:
        return words
    if min(dates) < today:
        return _("%(many)s, expected %(day)s: late") % {"many": words, "day": day(min(dates))}
    return _("%(many)s, expected %(day)s") % {"many": words, "day": day(min(dates))}


def _query(request: HttpRequest) -> str:
    kept = [(name, request.GET[name]) for name in ("clinic", "status", "vital") if request.GET.get(name)]
    return urlencode(kept)
