"""Levels and ledgers as files: streamed, cut to the person's clinics, safe to open in a spreadsheet."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import clinics_visible_to, visible_to
from accounts.list_exports import plain, record_export
from common.csv_files import csv_file
from common.xlsx_files import MOST_ROWS, xlsx_file
from stock.models import Movement, StockLevel
from stock.words import suggestion_basis

CHUNK = 500
LEVEL_COLUMNS = (
    "clinic", "item", "name", "unit", "pack_size", "vital", "on_hand", "usable", "on_order", "status",
    "daily_usage", "days_of_stock", "runs_out_on", "suggested_order", "suggested_packs", "next_expiry",
    "reorder_level", "reorder_point", "max_level", "lead_time_days", "review_days",
    "average_monthly_consumption", "suggestion_basis",
)  # fmt: skip
# The first eight are those of a file of movements.
ENTRY_COLUMNS = (
    "date", "clinic", "item", "kind", "quantity", "lot", "expires_on", "reason",
    "number", "change", "balance", "recorded_at", "who", "takes_back",
)  # fmt: skip


def streamed(filename: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponseBase:
    """A CSV answer. Text that a spreadsheet would run is guarded; numbers are left as they are."""
    return csv_file(filename, columns, ([plain(value) for value in row] for row in rows))


def level_row(level: StockLevel) -> list[Any]:
    """In the order of LEVEL_COLUMNS."""
    item = level.item
    return [
        level.clinic.code, item.code, item.name, item.unit, item.pack_size, item.vital,
        level.on_hand, level.usable, level.on_order, level.status,
        level.daily_usage, level.days_of_stock, level.runs_out_on,
        level.suggested_order, level.suggested_order // item.pack_size, level.next_expiry,
        level.reorder_level, level.reorder_point, level.max_level, level.lead_time_days, level.review_days,
        level.average_monthly, suggestion_basis(level),
    ]  # fmt: skip


def ledger_file(model_admin: Any, request: HttpRequest) -> HttpResponseBase:
    """CSV, or XLSX with `format=xlsx`: entries of the person's clinics, of one level where `level` is given;
    from the day `from` on, until the day `until`."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    if not request.GET:
        return _ask(model_admin, request)
    wanted = Q()
    if level := request.GET.get("level"):
        wanted &= Q(level=model_admin.get_object(request, level).pk)
    if clinic := request.GET.get("clinic"):
        wanted &= Q(level__clinic=_key(clinic))
    if first := _day(request, "from"):
        wanted &= Q(occurred_on__gte=first)
    if last := _day(request, "until"):
        wanted &= Q(occurred_on__lte=last)
    entries = visible_to(request.user, Movement.objects.filter(wanted), "level__clinic")
    found = entries.select_related("level__clinic", "level__item", "reverses").prefetch_related("lots__lot")
    count, as_xlsx = entries.count(), request.GET.get("format") == "xlsx"
    if as_xlsx and count > MOST_ROWS:
        messages.error(request, _("An Excel sheet has no room for so many rows. Choose fewer days, or CSV."))
        return _ask(model_admin, request)
    record_export(request, "stock.movement", count, "xlsx" if as_xlsx else "csv")
    rows = map(entry_row, found.order_by("level_id", "sequence").iterator(chunk_size=CHUNK))
    if as_xlsx:
        cells = ([plain(value) for value in row] for row in rows)
        return xlsx_file("stock-entries.xlsx", ENTRY_COLUMNS, cells)
    return streamed("stock-entries.csv", ENTRY_COLUMNS, rows)


def _ask(model_admin: Any, request: HttpRequest) -> HttpResponse:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Entries as a file"),
        "opts": model_admin.opts,
        "clinics": clinics_visible_to(request.user),
    }
    return TemplateResponse(request, "admin/stock/entries_csv.html", context)


def entry_row(entry: Movement) -> list[Any]:
    """In the order of ENTRY_COLUMNS, with all lots that it took from or put to."""
    lots = [row.lot for row in entry.lots.all()]
    dates = [lot.expires_on for lot in lots if lot.expires_on]
    return [
        entry.occurred_on, entry.level.clinic.code, entry.level.item.code, entry.kind, entry.quantity,
        " / ".join(lot.code for lot in lots if lot.code), " / ".join(map(str, dates)), entry.reason,
        entry.sequence, entry.change, entry.balance_after,
        timezone.localtime(entry.recorded_at, entry.level.clinic.zone), entry.actor_name,
        entry.reverses.sequence if entry.reverses else None,
    ]  # fmt: skip


def _day(request: HttpRequest, name: str) -> date | None:
    given = request.GET.get(name, "")
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise Http404(_("This is no date.")) from None


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404(_("There is no such clinic.")) from None
