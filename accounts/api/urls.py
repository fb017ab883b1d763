from django.urls import path

from accounts.api import audit, clinics, keys, passwords, registration, schema, users, views  # noqa: F401  (tells the schema of the tokens)

urlpatterns = [
    path("auth/login", views.Login.as_view()),
    path("auth/refresh", views.RefreshTokens.as_view()),
    path("auth/logout", views.Logout.as_view()),
    path("auth/register", registration.Register.as_view()),
    path("auth/password", passwords.ChangePassword.as_view()),
    path("auth/password/reset", passwords.ResetPassword.as_view()),
    path("auth/password/reset/confirm", passwords.ConfirmReset.as_view()),
    path("audit", audit.AuditLog.as_view()),
    path("clinics", clinics.ClinicList.as_view()),
    path("clinics/<uuid:pk>", clinics.ClinicDetail.as_view()),
    path("users", users.UserList.as_view()),
    path("users/me", users.OwnUser.as_view()),
    path("users/me/preferences", users.OwnPreferences.as_view()),
    path("users/<uuid:pk>", users.UserDetail.as_view()),
    path("users/<uuid:pk>/preferences", users.PreferencesDetail.as_view()),
    path("api-keys", keys.ApiKeyList.as_view()),
    path("api-keys/<uuid:pk>", keys.ApiKeyDetail.as_view()),
]
