from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access import may
from accounts.scoped_admin import AuditedAdmin, actor_of, local
from common.admin import Step, Table
from common.admin_forms import FileChoice
from stock.file_import import uploads
from stock.models import StockFile

SHOWN = 100
State = StockFile.State


class StockFileForm(forms.ModelForm):
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy(
            "CSV, at most 20 MB. Items: code, name, unit. Entries: date, clinic, item, kind, quantity. "
            "You see what it would do before anything changes."
        ),
        widget=FileChoice(attrs={"accept": ".csv,.txt,.tsv"}),
        allow_empty_file=True,
    )


@admin.register(StockFile)
class StockFileAdmin(AuditedAdmin):
    """Administrators bring items and histories: a preview first, then all of it."""

    form = StockFileForm
    change_form_template = "admin/stock/file.html"
    add_form_template = "admin/service_change_form.html"
    field_at_fault = "file"
    list_display = ("filename", "holds", "state_in_words", "uploaded", "uploaded_by", "created", "rejected")
    list_filter = ("state", "kind")
    list_select_related = ("uploaded_by",)
    ordering = ("-uploaded_at", "-id")
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockFile]:
        return super().get_queryset(request).defer("content")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return [(None, {"fields": ["kind", "file"]})]
        return [(None, {"fields": ["holds", "state_in_words", "uploaded", "uploaded_by"]})]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("what it holds"), ordering="kind")
    def holds(self, file: StockFile) -> str:
        return capfirst(file.get_kind_display())

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_in_words(self, file: StockFile) -> str:
        return capfirst(file.get_state_display())

    @admin.display(description=gettext_lazy("uploaded"), ordering="uploaded_at")
    def uploaded(self, file: StockFile) -> str:
        return local(file.uploaded_at, timezone.get_current_timezone())

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> StockFile:
        file = form.cleaned_data["file"]
        return uploads.upload(
            kind=form.cleaned_data["kind"],
            filename=file.name,
            content=file,
            user=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(self.after_step(request, obj))

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not may(request.user, "change", "stock.stockfile"):
            return []
        drop = Step("discard", _("Drop the file"))
        if obj.state == State.PREVIEWED and obj.created + obj.updated:
            rows = obj.created + obj.updated
            label = ngettext("Import %(n)d row", "Import %(n)d rows", rows) % {"n": rows}
            return [Step("confirm", label, tone="good"), drop]
        return [drop] if obj.state in (State.PREVIEWED, State.FAILED) else []

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        actor, now = actor_of(request), timezone.now()
        if name == "discard":
            uploads.discard(obj.pk, actor=actor, now=now)
            return _("The file is dropped. Nothing was imported.")
        done = uploads.confirm(obj.pk, actor=actor, now=now)
        if done.state != State.DONE:
            return _("The import has begun. You can close this page; the import goes on.")
        rows = done.created + done.updated
        return ngettext("%(n)d row is imported.", "%(n)d rows are imported.", rows) % {"n": rows}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = context.get("original")
        # What is uploaded leads to its preview, whatever is pressed.
        context["show_save_and_add_another"] = context["show_save_and_continue"] = False
        if obj is not None:
            previewed = obj.state == State.PREVIEWED
            context["title"] = (
                _("Preview: nothing is imported yet") if previewed else capfirst(obj.get_state_display())
            )
            context["working"] = obj.state in (State.WAITING, State.RUNNING)
            context["counts"] = [
                (_("new"), obj.created),
                (_("changed"), obj.updated),
                (_("already there, unchanged"), obj.unchanged),
                (_("rejected"), obj.rejected),
            ]
        return super().render_change_form(request, context, *args, **kwargs)

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        if not obj.rejected_rows:
            return []
        rows = [
            (row, line, column or "–", reason, code)
            for row, line, column, code, reason in obj.rejected_rows[:SHOWN]
        ]
        title = _("Rejected rows")
        if obj.rejected > SHOWN:
            title = _("Rejected rows (the first %(n)d)") % {"n": SHOWN}
        return [Table(title, [_("Row"), _("Line"), _("Column"), _("Why"), _("Code")], rows)]
