from django.urls import re_path

from clinic_reminders import health_views

# With a slash at the end or without, at the root and in the API.
urlpatterns = [
    re_path(r"^healthz/?$", health_views.healthz),
    re_path(r"^readyz/?$", health_views.readyz),
    re_path(r"^metrics/?$", health_views.metrics_page),
]
