from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.scoped_admin import AuditedAdmin, ClinicScopedAdmin, actor_of
from common.admin import Step
from common.errors import DomainError, ValidationFailed
from messaging.admin.template_preview import posted, previewed
from messaging.models import MessageTemplate
from messaging.rendering import check_body
from messaging.template_access import may_write, templates_visible_to
from messaging.template_saving import add_template, drop_template, save_template


class PreviewOnly(DomainError):
    """Nothing is saved: the form comes back with its preview."""


class TemplateForm(forms.ModelForm):
    def clean_body(self) -> str:
        body = self.cleaned_data["body"].replace("\r\n", "\n")
        try:
            check_body(body)
        except ValidationFailed as refusal:
            raise forms.ValidationError(refusal.details["body"]) from refusal
        return body


@admin.register(MessageTemplate)
class MessageTemplateAdmin(ClinicScopedAdmin):
    form = TemplateForm

    class Media:
        js = ("messaging/template_preview.js",)

    change_form_template = "admin/messaging/template_form.html"
    list_display = ("__str__", "whose", "body")
    list_filter = ("key", "language")
    list_select_related = ("clinic",)
    ordering = ("key", "language", "clinic__name")
    actions = None
    fields = ("key", "language", "clinic", "body", "keep_diacritics")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageTemplate]:
        # What is for all clinics is everybody's to read.
        return templates_visible_to(request.user, AuditedAdmin.get_queryset(self, request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or may_write(request.user, "change", obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("key", "language", "clinic")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        # The texts for all clinics are there from the start; what is added is a clinic's own.
        field.required = True
        field.help_text = _("Whose own text this is.")
        return field

    @admin.display(description=gettext_lazy("clinic"), ordering="clinic__name")
    def whose(self, template: MessageTemplate) -> str:
        return template.clinic.name if template.clinic else _("all clinics")

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> MessageTemplate:
        if "_preview" in request.POST:
            raise PreviewOnly("")
        actor, now = actor_of(request), timezone.now()
        if obj._state.adding:
            return add_template(**form.cleaned_data, actor=actor, now=now)
        return save_template(
            obj.pk, **form.cleaned_data, version=self.seen_version(request), actor=actor, now=now
        )

    def steps(self, request: HttpRequest, obj: Any) -> list[Step]:
        if obj.clinic_id is None or not may_write(request.user, "delete", obj):
            return []
        question = _("Patients of this clinic will get the text for all clinics again.")
        return [Step("drop", _("Remove this clinic's own text"), question, "danger")]

    def take_step(self, request: HttpRequest, obj: Any, name: str) -> str:
        drop_template(obj.pk, actor=actor_of(request), now=timezone.now())
        return _("Removed. The text for all clinics is used again.")

    def after_step(self, request: HttpRequest, obj: Any) -> str:
        if MessageTemplate.objects.filter(pk=obj.pk).exists():
            return super().after_step(request, obj)
        return reverse("admin:messaging_messagetemplate_changelist")

    def get_urls(self) -> list[URLPattern]:
        live = path(
            "preview/",
            self.admin_site.admin_view(require_POST(self.preview_view)),
            name="messaging_messagetemplate_preview",
        )
        return [live, *super().get_urls()]

    def preview_view(self, request: HttpRequest) -> HttpResponse:
        """The preview of what is in the form, as a piece of the page."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        return TemplateResponse(
            request, "admin/messaging/template_preview.html", previewed(posted(request, self.get_queryset))
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = context.get("original")
        if isinstance(getattr(request, "refusal", None), PreviewOnly):
            context["errors"] = None
        if request.method == "POST":
            context |= previewed(posted(request, self.get_queryset, obj))
        elif obj is not None:
            context |= previewed(obj)
        return super().render_change_form(request, context, *args, **kwargs)
