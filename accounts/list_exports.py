"""Any list of the admin as a file: what is on the screen, of the person's clinics, as they filtered it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, tzinfo
from html import unescape
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import FieldDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.admin import ExportMixin
from import_export.fields import Field
from import_export.formats.base_formats import CSV, XLSX
from import_export.resources import Resource
from import_export.widgets import Widget
from unfold.contrib.import_export.forms import ExportForm

from accounts.access import clinics_visible_to
from accounts.audit import Actor, Change, record
from common.batches import batched
from common.csv_files import csv_file
from common.ids import new_id
from common.spreadsheets import cell
from common.xlsx_files import MOST_ROWS, xlsx_file

CHUNK = 1000


class AsCsv(CSV):
    def get_title(self) -> Any:
        return gettext_lazy("CSV, for any program")


class AsXlsx(XLSX):
    def get_title(self) -> Any:
        return gettext_lazy("XLSX, for Excel")


class FormatForm(ExportForm):
    """Asks for the format alone."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("format", "0")


class PlainCell(Widget):
    """As a spreadsheet takes it: no formula, no markup; numbers are left as they are."""

    def render(self, value: Any, obj: Any = None, **_kwargs: Any) -> str | int | float:
        return cell(plain(value))


def plain(value: Any) -> Any:
    """Words, or a number; a time without its zone is one of the clinic's clock."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, SafeString):
        return unescape(strip_tags(value.replace("<br>", " · ")))
    return value if value is None or isinstance(value, int | float) else str(value)


class Column(Field):
    """`read` gives the value of one row."""

    def __init__(self, heading: str, read: Callable[[Any], Any]) -> None:
        super().__init__(column_name=heading, widget=PlainCell(), readonly=True)
        self._read = read

    def get_value(self, instance: Any) -> Any:
        return self._read(instance)


class ListResource(Resource):
    """The columns of a list, for the library's pages and for the file."""

    def __init__(self, columns: Mapping[str, Field] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = dict(columns or {})

    @classmethod
    def get_display_name(cls) -> str:
        return _("The list's columns")

    def get_user_visible_fields(self) -> list[Field]:
        return list(self.fields.values())

    def get_export_headers(self, selected_fields: Any = None) -> list[str]:
        return [str(field.column_name) for field in self.fields.values()]

    def export_resource(self, instance: Any, selected_fields: Any = None, **kwargs: Any) -> list[Any]:
        return [field.export(instance) for field in self.fields.values()]


class ExportedList(ExportMixin):
    """To an admin: its list as CSV or XLSX, in chunks, said in the audit log.

    `export_columns` are methods of the admin or the model's fields; without them the columns of the list.
    With them nothing is fetched beforehand but `list_select_related`.
    """

    export_form_class = FormatForm
    export_formats: ClassVar[Sequence[type]] = [AsCsv, AsXlsx]
    export_columns: ClassVar[Sequence[str] | None] = None

    def has_export_permission(self, request: HttpRequest) -> bool:
        return super().has_export_permission(request) and self.has_view_permission(request)

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[ListResource]]:
        return [ListResource]

    def get_export_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        names = self.export_names(request)
        return {"columns": {name: self._column(request, name) for name in names}}

    def export_names(self, request: HttpRequest) -> list[str]:
        return list(self.export_columns or self.get_list_display(request))

    def prepare_export(self, rows: Sequence[Any]) -> None:
        """What a list's columns need of a chunk of rows, in a bounded number of queries."""

    def get_valid_export_item_pks(self, request: HttpRequest) -> list[Any]:
        # Lists are filtered; nothing is ticked.
        return []

    def _column(self, request: HttpRequest, name: str) -> Column:
        heading = capfirst(str(label_for_field(name, self.model, self)))
        method = str if name == "__str__" else getattr(self, name, None)
        return Column(heading, method if callable(method) else self._reader(name))

    def _reader(self, name: str) -> Callable[[Any], Any]:
        parts = name.split("__")
        labels = self._labels(name)

        def read(row: Any) -> Any:
            value = row
            for part in parts:
                value = getattr(value, part, None)
            if labels:
                return labels.get(value, value)
            if callable(value):
                value = value()
            return timezone.localtime(value, self.zone_of(row)) if isinstance(value, datetime) else value

        return read

    def _labels(self, name: str) -> dict[Any, str]:
        """A choice's words, looked up once for all rows."""
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return {}
        return {value: capfirst(str(label)) for value, label in getattr(field, "flatchoices", None) or ()}

    def zone_of(self, row: Any) -> tzinfo:
        """The clock of the row's clinic, or the site's."""
        found = row
        for part in getattr(self, "clinic_path", "clinic").split("__"):
            found = found if part == "pk" else getattr(found, part, None)
        return getattr(found, "zone", None) or timezone.get_default_timezone()

    def export_action(self, request: HttpRequest) -> HttpResponse:
        try:
            return super().export_action(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(f"{self._list_address()}?e=1")

    def _list_address(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def _do_file_export(
        self, file_format: Any, request: HttpRequest, queryset: QuerySet[Any], export_form: Any = None
    ) -> HttpResponseBase:
        count = queryset.count()
        as_xlsx = isinstance(file_format, AsXlsx)
        if as_xlsx and count > MOST_ROWS:
            messages.error(
                request, _("An Excel sheet has no room for so many rows. Filter the list, or take CSV.")
            )
            return HttpResponseRedirect(self._list_address())
        resource = ListResource(**self.get_export_resource_kwargs(request))
        record_export(request, self.opts.label_lower, count, "xlsx" if as_xlsx else "csv")
        name = f"{slugify(str(self.opts.verbose_name_plural))}-{timezone.localdate()}"
        headings, rows = resource.get_export_headers(), self._export_rows(resource, queryset)
        if as_xlsx:
            return xlsx_file(f"{name}.xlsx", headings, rows)
        return csv_file(f"{name}.csv", headings, rows)

    def _export_rows(self, resource: ListResource, queryset: QuerySet[Any]) -> Iterator[list[Any]]:
        if self.export_columns is not None:
            queryset = queryset.prefetch_related(None)
        for rows in batched(queryset.iterator(chunk_size=CHUNK), CHUNK):
            self.prepare_export(rows)
            for row in rows:
                yield self.export_row(resource, row)

    def export_row(self, resource: ListResource, row: Any) -> list[Any]:
        """Its cells, in the order of the columns."""
        return resource.export_resource(row)


def record_export(request: HttpRequest, kind: str, count: int, written_as: str) -> None:
    """Says who took how many rows of what. What was searched for may be a name: only that it was."""
    own = list(clinics_visible_to(request.user)[:2])
    filters = ", ".join(sorted(set(request.GET) - {"p", "o", "e", "format"}))[:200]
    told: dict[str, list[Any]] = {
        "rows": [None, count],
        "format": [None, written_as],
        "filters": [None, filters],
    }
    change = Change("exported", kind, new_id(), own[0].pk if len(own) == 1 else None, told)
    record(Actor.of(request.user), [change], now=timezone.now())  # type: ignore[arg-type]
