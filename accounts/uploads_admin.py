"""Files that are brought, looked at and then taken in or dropped: what the admin of any such kind shares."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.scoped_admin import AuditedAdmin, local
from common.admin import Step
from common.admin_forms import FileChoice

REJECTED_SHOWN = 100


def file_field(help_text: Any, accept: str) -> forms.FileField:
    """`accept` as a browser takes it: ".csv,.txt"."""
    return forms.FileField(
        label=gettext_lazy("File"),
        help_text=help_text,
        widget=FileChoice(attrs={"accept": accept}),
        allow_empty_file=True,
    )


class UploadsAdmin(AuditedAdmin):
    """Of a model with a file's `content`, its `state` and the counts of its preview or import."""

    add_form_template = "admin/service_change_form.html"
    field_at_fault: ClassVar[str] = "file"
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("content")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def state_in_words(self, brought: Any) -> str:
        return capfirst(brought.get_state_display())

    @admin.display(description=gettext_lazy("uploaded"), ordering="uploaded_at")
    def uploaded(self, brought: Any) -> str:
        return local(brought.uploaded_at, timezone.get_current_timezone())

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(self.after_step(request, obj))

    def confirm_step(self, rows: int) -> Step:
        label = ngettext("Import %(n)d row", "Import %(n)d rows", rows) % {"n": rows}
        return Step("confirm", label if rows else _("Import"), tone="good")

    def discard_step(self) -> Step:
        return Step("discard", _("Drop the file"))

    def discarded_in_words(self) -> str:
        return _("The file is dropped. Nothing was imported.")

    def confirmed_in_words(self, brought: Any) -> str:
        """After a confirmation, of a file that is in or is being taken in."""
        if brought.state != brought.State.DONE:
            return _("The import has begun. You can close this page; the import goes on.")
        rows = brought.created + brought.updated
        return ngettext("%(n)d row is imported.", "%(n)d rows are imported.", rows) % {"n": rows}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        brought = context.get("original")
        # What is uploaded leads to its preview, whatever is pressed.
        context["show_save_and_add_another"] = context["show_save_and_continue"] = False
        if brought is not None:
            state = brought.State
            context["title"] = _title(brought)
            context["working"] = brought.state in (state.WAITING, state.RUNNING)
            context["previewed"] = brought.state == state.PREVIEWED
            context["dropped"] = brought.state == state.DISCARDED
            context["counts"] = [
                (_("new"), brought.created),
                (_("changed"), brought.updated),
                (_("already there, unchanged"), brought.unchanged),
                (_("rejected"), brought.rejected),
            ]
        return super().render_change_form(request, context, *args, **kwargs)


def _title(brought: Any) -> str:
    state = brought.State
    return {
        state.WAITING.value: _("The file waits for its turn"),
        state.PREVIEWED.value: _("Preview: nothing is imported yet"),
        state.RUNNING.value: _("The file is being read")
        if brought.dry_run
        else _("The file is being imported"),
        state.FAILED.value: _("The import could not be finished"),
        state.DONE.value: _("Imported"),
        state.DISCARDED.value: _("Not imported"),
    }[brought.state]
