from typing import Any

from csp.decorators import csp_update
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.http import HttpRequest
from django.urls import URLPattern
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite


class LabelledChoices(AutocompleteJsonView):
    """Choices read as their admin says, who may mask a phone."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        choice = super().serialize_result(obj, to_field_name)
        label_for = getattr(self.model_admin, "label_for", None)
        return choice | {"text": label_for(self.request, obj)} if label_for else choice


# The nurse's day first, what runs behind it last.
APPS = ["appointments", "stock", "messaging", "accounts", "axes", "django_q"]
MODELS = [
    *("Appointment", "Patient", "FileImport", "PatientToPhone", "Reminder"),
    *("StockLevel", "Item", "VisitTypeItem", "StockFile"),
    *("Alarm", "Message", "MessageTemplate"),
]
ALARMS_SHOWN = 20
NAMES = {"axes": _("Sign-in")}


def _place(order: list[str], name: str) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


# The theme's Alpine.js makes functions of the words in its attributes. Nothing else is let in.
POLICY = csp_update({"script-src": ["'self'", "'unsafe-eval'"]})


class ClinicRemindersSite(UnfoldAdminSite):
    site_header = _("Clinic Reminders")
    site_title = _("Clinic Reminders")
    index_title = _("What would you like to do?")
    site_url = None
    enable_nav_sidebar = True
    empty_value_display = "–"

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        from messaging.dispatch import sending_is_on

        signed_in = request.user.is_authenticated
        # The theme would write its colours into each page, as a style that the policy forbids.
        mine = {"sending_is_off": signed_in and not sending_is_on(), "colors": None}
        return super().each_context(request) | mine

    def get_urls(self) -> list[URLPattern]:
        """Without the theme's search: it keeps what it finds in the cache, names of patients too."""
        return [address for address in super().get_urls() if getattr(address, "name", None) != "search"]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return POLICY(super().admin_view(view, cacheable))

    @method_decorator(POLICY)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().login(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        from clinic_reminders import health
        from clinic_reminders.first_page import home_context
        from clinic_reminders.navigation import ways
        from messaging.alarm_words import in_words
        from messaging.alarms import open_alarms

        alarms = [(alarm, in_words(alarm)) for alarm in open_alarms(request.user)[:ALARMS_SHOWN]]
        # The worker that looks for trouble can't tell that it is dead.
        silent = health.worker_is_missed(timezone.now())
        mine = {"alarms": alarms, "worker_is_silent": silent, "ways": ways(request)}
        return super().index(request, home_context(request) | mine | (extra_context or {}))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        apps = super().get_app_list(request, app_label)
        for app in apps:
            app["name"] = NAMES.get(app["app_label"], app["name"])
            app["models"].sort(key=lambda model: _place(MODELS, model["object_name"]))
        return sorted(apps, key=lambda app: _place(APPS, app["app_label"]))

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return LabelledChoices.as_view(admin_site=self)(request)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        from django.contrib.auth.views import PasswordChangeView
        from django.urls import reverse

        from accounts.admin import OwnPasswordForm

        request.current_app = self.name
        return PasswordChangeView.as_view(
            form_class=OwnPasswordForm,
            success_url=reverse("admin:password_change_done", current_app=self.name),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )(request)
