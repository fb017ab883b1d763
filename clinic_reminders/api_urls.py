"""The whole API. Declared once: /api and slashes at the end lead here too (common.rest.door)."""

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

urlpatterns = [
    path("schema", SpectacularJSONAPIView.as_view()),
    path("", include("accounts.api.urls")),
    path("", include("messaging.api.urls")),
    path("", include("messaging.webhook_urls")),
    path("", include("appointments.api.urls")),
]
