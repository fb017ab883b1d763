from django.urls import path

from accounts.api import clinics, schema, views  # noqa: F401  (tells the schema of the tokens)

urlpatterns = [
    path("auth/login", views.Login.as_view()),
    path("auth/refresh", views.RefreshTokens.as_view()),
    path("auth/logout", views.Logout.as_view()),
    path("clinics", clinics.ClinicList.as_view()),
    path("clinics/<uuid:pk>", clinics.ClinicDetail.as_view()),
    path("users/me", views.OwnUser.as_view()),
]
