from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views import ChooseLanguage, NewPassword

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("clinic_reminders.api_urls")),
    path("password/new/", NewPassword.as_view(), name="new-password"),
    path("language/", ChooseLanguage.as_view(), name="set_language"),
    path("", include("clinic_reminders.health_urls")),
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
]

handler400 = "common.plain_requests.bad_request"
