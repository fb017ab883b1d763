from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import api_keys
from accounts.models import ApiKey, Role
from accounts.scoped_admin import AuditedAdmin, actor_of
from common.admin import Step


class ApiKeyForm(forms.ModelForm):
    # Chosen by hand: a key for everything is not given by a default.
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=[("", "---------"), *Role.choices])
    expires_at = forms.DateField(
        label=gettext_lazy("Good until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("The last day. Empty: for one year."),
    )

    def clean_expires_at(self) -> Any:
        day = self.cleaned_data["expires_at"]
        if day is None:
            return None
        return timezone.make_aware(datetime.combine(day, time.max))


@admin.register(ApiKey)
class ApiKeyAdmin(AuditedAdmin):
    """Made here, shown once, revoked; never changed."""

    form = ApiKeyForm
    list_display = ("name", "prefix", "role", "where", "state", "expires_at", "last_used_at")
    list_filter = ("role",)
    search_fields = ("name",)
    autocomplete_fields = ("clinics",)
    fieldsets = ((None, {"fields": ("name", "role", "clinics", "expires_at")}),)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return super().get_fieldsets(request, obj)
        seen = ("name", "prefix", "role", "clinics", "state", "expires_at", "last_used_at")
        return ((None, {"fields": (*seen, "created_at", "created_by")}),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        return super().get_queryset(request).prefetch_related("clinics")

    @admin.display(description=gettext_lazy("clinics"))
    def where(self, key: ApiKey) -> str:
        return _("all") if key.is_admin else ", ".join(clinic.code for clinic in key.clinics.all()) or "–"

    @admin.display(description=gettext_lazy("state"))
    def state(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return _("revoked")
        return _("expired") if key.expires_at <= timezone.now() else _("works")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("state", "prefix", "last_used_at", "created_at", "created_by") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_by_service(self, request: HttpRequest, obj: Any, form: Any) -> ApiKey:
        given = form.cleaned_data
        key, secret = api_keys.issue(
            name=given["name"],
            role=given["role"],
            clinics=given["clinics"],
            expires_at=given["expires_at"],
            made_by=request.user,  # type: ignore[arg-type]
            actor=actor_of(request),
            now=timezone.now(),
        )
        request.secret = secret  # type: ignore[attr-defined]
        return key

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        # Whatever is pressed, the key is shown next, once.
        context["show_save_and_add_another"] = context["show_save_and_continue"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        """The one page that shows the key: kept in no message, no cookie and no session."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The new API key"),
            "opts": self.opts,
            "key": obj,
            "secret": request.secret,  # type: ignore[attr-defined]
        }
        response = TemplateResponse(request, "admin/api_key_made.html", context)
        response["Cache-Control"] = "no-store, private"
        return response

    def steps(self, request: HttpRequest, obj: ApiKey) -> list[Step]:
        if obj.revoked_at is not None or not self.has_add_permission(request):
            return []
        question = _("The system that uses this key is shut out at once, for good. Revoke it?")
        return [Step("revoke", _("Revoke"), question, "danger")]

    def take_step(self, request: HttpRequest, obj: ApiKey, name: str) -> str:
        api_keys.revoke(obj.pk, actor=actor_of(request), now=timezone.now())
        return _("The key is revoked.")
