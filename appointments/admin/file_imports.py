from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access import clinics_visible_to, may
from accounts.scoped_admin import AuditedAdmin, actor_of, local
from appointments.file_import import uploads
from appointments.file_import.columns import find_columns
from appointments.file_import.errors import UnreadableFile
from appointments.models import FileImport, RejectedRow
from common.admin import Step, Table
from common.admin_forms import FileChoice

REJECTED_SHOWN = 100
# A date and time may stand in two columns of the file.
PARTS = {"appointment_datetime": ("appointment_date", "appointment_time")}


class UploadForm(forms.ModelForm):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "A table of appointments, as CSV or Excel (.xlsx), at most 20 MB. "
            "You see what it would do before anything changes."
        ),
        widget=FileChoice(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
        allow_empty_file=True,
    )


@admin.register(FileImport)
class FileImportAdmin(AuditedAdmin):
    form = UploadForm
    change_form_template = "admin/appointments/file_import.html"
    add_form_template = "admin/service_change_form.html"
    field_at_fault = "file"
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
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[FileImport]:
        """Whole patients stand in a file: only who brought it sees it, and administrators."""
        return uploads.seen_by(request.user, super().get_queryset(request)).defer("content")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return [(None, {"fields": ["file", "clinic"]})]
        return [(None, {"fields": ["state_in_words", "uploaded", "by", "clinic"]})]

    @admin.display(description=gettext_lazy("by"))
    def by(self, waiting: FileImport) -> str:
        return waiting.brought_by.get_username()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = clinics_visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        clinics = list(clinics_visible_to(request.user)[:2])
        return {"clinic": clinics[0].pk} if len(clinics) == 1 else {}

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_in_words(self, waiting: FileImport) -> str:
        return capfirst(waiting.get_state_display())

    @admin.display(description=gettext_lazy("uploaded"), ordering="uploaded_at")
    def uploaded(self, waiting: FileImport) -> str:
        return local(waiting.uploaded_at, timezone.get_current_timezone())

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> FileImport:
        file = form.cleaned_data["file"]
        return uploads.upload(
            filename=file.name,
            content=file,
            clinic=form.cleaned_data["clinic"],
            user=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(self.after_step(request, obj))

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        previewed = obj.state == FileImport.State.PREVIEWED
        if not may(request.user, "change", "appointments.fileimport") or not previewed:
            return []
        drop = Step("discard", _("Drop the file"))
        if not obj.created + obj.updated + obj.unchanged:
            return [drop]
        rows = obj.created + obj.updated
        label = ngettext("Import %(n)d row", "Import %(n)d rows", rows) % {"n": rows}
        return [Step("confirm", label if rows else _("Import"), tone="good"), drop]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        now = timezone.now()
        if name == "discard":
            uploads.discard(obj.pk, actor=actor_of(request), now=now)
            return _("The file is dropped. Nothing was imported.")
        done = uploads.confirm(obj.pk, user=request.user, now=now)  # type: ignore[arg-type]
        if done.state == FileImport.State.WAITING:
            return _("The import has begun. You can close this page; the import goes on.")
        said = ngettext("%(n)d row is imported.", "%(n)d rows are imported.", done.created + done.updated)
        return said % {"n": done.created + done.updated}

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

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = context.get("original")
        # What is uploaded leads to its preview, whatever is pressed.
        context["show_save_and_add_another"] = context["show_save_and_continue"] = False
        if obj is not None:
            context["title"] = _preview_title(obj)
            context["counts"] = [
                (_("new"), obj.created),
                (_("changed"), obj.updated),
                (_("already there, unchanged"), obj.unchanged),
                (_("rejected"), obj.rejected),
            ]
            context["dropped"] = obj.state == FileImport.State.DISCARDED
            context["working"] = obj.state in (FileImport.State.WAITING, FileImport.State.RUNNING)
            context["previewed"] = obj.state == FileImport.State.PREVIEWED
        return super().render_change_form(request, context, *args, **kwargs)

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


def _preview_title(obj: FileImport) -> str:
    return {
        FileImport.State.WAITING.value: _("The file waits for its turn"),
        FileImport.State.PREVIEWED.value: _("Preview: nothing is imported yet"),
        FileImport.State.RUNNING.value: _("The file is being read")
        if obj.dry_run
        else _("The file is being imported"),
        FileImport.State.FAILED.value: _("The import could not be finished"),
        FileImport.State.DONE.value: _("Imported"),
        FileImport.State.DISCARDED.value: _("Not imported"),
    }[obj.state]


def _columns_of(obj: FileImport) -> dict[str, int]:
    try:
        return find_columns(obj.header).found
    except UnreadableFile:
        return {}


def _cell(row: RejectedRow, found: dict[str, int]) -> str:
    names = (row.column,) if row.column in found else PARTS.get(row.column, ())
    places = [found[name] for name in names if name in found]
    return " ".join(row.cells[place] for place in places if place < len(row.cells)) or "–"
