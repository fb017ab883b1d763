"""The whole API. Declared once: /api and slashes at the end lead here too (common.rest.door)."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

from clinic_reminders.api_page import Docs
from common.rest.limits import LimitedMixin


class Schema(LimitedMixin, SpectacularJSONAPIView):
    """Costly to make, and open to all."""


urlpatterns = [
    path("schema", Schema.as_view()),
    path("docs", Docs.as_view(), name="api-docs"),
    path("", include("clinic_reminders.health_urls")),
    path("", include("accounts.api.urls")),
    path("", include("messaging.api.urls")),
    path("", include("messaging.webhook_urls")),
    path("", include("appointments.api.urls")),
    path("", include("stock.api.alert_urls")),
    path("", include("stock.api.urls")),
]
