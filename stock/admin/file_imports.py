from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import may
from accounts.scoped_admin import actor_of
from accounts.uploads_admin import REJECTED_SHOWN, UploadsAdmin, file_field
from common.admin import Step, Table
from stock.file_import import uploads
from stock.models import StockFile

State = StockFile.State


class StockFileForm(forms.ModelForm):
    file = file_field(
        gettext_lazy(
            "CSV, at most 20 MB. Items: code, name, unit. Entries: date, clinic, item, kind, quantity. "
            "You see what it would do before anything changes."
        ),
        accept=".csv,.txt,.tsv",
    )


@admin.register(StockFile)
class StockFileAdmin(UploadsAdmin):
    """Administrators bring items and histories: a preview first, then all of it."""

    form = StockFileForm
    change_form_template = "admin/stock/file.html"
    list_display = ("filename", "holds", "state_in_words", "uploaded", "uploaded_by", "created", "rejected")
    list_filter = ("state", "kind")
    list_select_related = ("uploaded_by",)
    ordering = ("-uploaded_at", "-id")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return [(None, {"fields": ["kind", "file"]})]
        return [(None, {"fields": ["holds", "state_in_words", "uploaded", "uploaded_by"]})]

    @admin.display(description=gettext_lazy("what it holds"), ordering="kind")
    def holds(self, file: StockFile) -> str:
        return capfirst(file.get_kind_display())

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> StockFile:
        file = form.cleaned_data["file"]
        return uploads.upload(
            kind=form.cleaned_data["kind"],
            filename=file.name,
            content=file,
            user=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if not may(request.user, "change", "stock.stockfile"):
            return []
        if obj.state == State.PREVIEWED and obj.created + obj.updated:
            return [self.confirm_step(obj.created + obj.updated), self.discard_step()]
        return [self.discard_step()] if obj.state in (State.PREVIEWED, State.FAILED) else []

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        actor, now = actor_of(request), timezone.now()
        if name == "discard":
            uploads.discard(obj.pk, actor=actor, now=now)
            return self.discarded_in_words()
        return self.confirmed_in_words(uploads.confirm(obj.pk, actor=actor, now=now))

    def tables(self, request: HttpRequest, obj: Any) -> list[Table]:
        if not obj.rejected_rows:
            return []
        rows = [
            (row, line, column or "–", reason, code)
            for row, line, column, code, reason in obj.rejected_rows[:REJECTED_SHOWN]
        ]
        title = _("Rejected rows")
        if obj.rejected > REJECTED_SHOWN:
            title = _("Rejected rows (the first %(n)d)") % {"n": REJECTED_SHOWN}
        return [Table(title, [_("Row"), _("Line"), _("Column"), _("Why"), _("Code")], rows)]
