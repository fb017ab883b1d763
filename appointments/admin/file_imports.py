from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import clinics_visible_to, may
from accounts.scoped_admin import PresetClinic, actor_of
from accounts.uploads_admin import REJECTED_SHOWN, UploadsAdmin, file_field
from appointments.file_import import uploads
from appointments.file_import.columns import find_columns
from appointments.file_import.errors import UnreadableFile
from appointments.models import FileImport, RejectedRow
from common.admin import Step, Table

# A date and time may stand in two columns of the file.
PARTS = {"appointment_datetime": ("appointment_date", "appointment_time")}


class UploadForm(forms.ModelForm):
    file = file_field(
        gettext_lazy(
            "A table of appointments, as CSV or Excel (.xlsx), at most 20 MB. "
            "You see what it would do before anything changes."
        ),
        accept=".csv,.txt,.tsv,.xlsx",
    )


@admin.register(FileImport)
class FileImportAdmin(PresetClinic, UploadsAdmin):
    form = UploadForm
    change_form_template = "admin/appointments/file_import.html"
    list_display = (
        "filename",
        "state_in_words",
        "uploaded",
        "by",
        "created",
        "updated",
        "unchanged",
        "rejected",
    )
    list_filter = ("state",)
    list_select_related = ("uploaded_by", "uploaded_by_key")
    ordering = ("-uploaded_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FileImport]:
        """Whole patients stand in a file: only who brought it sees it, and administrators."""
        return uploads.seen_by(request.user, super().get_queryset(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return [(None, {"fields": ["file", "clinic"]})]
        return [(None, {"fields": ["state_in_words", "uploaded", "by", "clinic"]})]

    @admin.display(description=gettext_lazy("by"))
    def by(self, waiting: FileImport) -> str:
        return waiting.brought_by.get_username()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = clinics_visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> FileImport:
        file = form.cleaned_data["file"]
        return uploads.upload(
            filename=file.name,
            content=file,
            clinic=form.cleaned_data["clinic"],
            user=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        previewed = obj.state == FileImport.State.PREVIEWED
        if not may(request.user, "change", "appointments.fileimport") or not previewed:
            return []
        if not obj.created + obj.updated + obj.unchanged:
            return [self.discard_step()]
        return [self.confirm_step(obj.created + obj.updated), self.discard_step()]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        now = timezone.now()
        if name == "discard":
            uploads.discard(obj.pk, actor=actor_of(request), now=now)
            return self.discarded_in_words()
        return self.confirmed_in_words(uploads.confirm(obj.pk, user=request.user, now=now))  # type: ignore[arg-type]

    def get_urls(self) -> list[URLPattern]:
        rejected = path(
            "<path:object_id>/rejected/",
            self.admin_site.admin_view(self.rejected_view),
            name="appointments_fileimport_rejected",
        )
        return [rejected, *super().get_urls()]

    def rejected_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The rejected rows as a file that can be corrected and imported again."""
        obj = self.get_object(request, unquote(object_id))
        response = HttpResponse(uploads.rejected_rows_of(obj), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="rejected-rows.csv"'
        response["Cache-Control"] = "no-store, private"
        return response

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        if not obj.rejected or obj.state == FileImport.State.DISCARDED:
            return []
        found = _columns_of(obj)
        shown = obj.rejected_rows.all()[:REJECTED_SHOWN]
        rows = [
            (row.row, row.line, row.column or "–", _cell(row, found), row.reason, row.code) for row in shown
        ]
        title = _("Rejected rows")
        if obj.rejected > REJECTED_SHOWN:
            title = _("Rejected rows (the first %(n)d; the file has all)") % {"n": REJECTED_SHOWN}
        headings = [_("Row"), _("Line"), _("Column"), _("The cell"), _("Why"), _("Code")]
        return [Table(title, headings, rows)]


def _columns_of(obj: FileImport) -> dict[str, int]:
    try:
        return find_columns(obj.header).found
    except UnreadableFile:
        return {}


def _cell(row: RejectedRow, found: dict[str, int]) -> str:
    names = (row.column,) if row.column in found else PARTS.get(row.column, ())
    places = [found[name] for name in names if name in found]
    return " ".join(row.cells[place] for place in places if place < len(row.cells)) or "–"
