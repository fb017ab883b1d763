from django.urls import path

from accounts.api import keys, schema, views  # noqa: F401  (tells the schema of the tokens)

urlpatterns = [
    path("auth/login", views.Login.as_view()),
    path("auth/refresh", views.RefreshTokens.as_view()),
    path("auth/logout", views.Logout.as_view()),
    path("api-keys", keys.ApiKeyList.as_view()),
    path("api-keys/<uuid:pk>", keys.ApiKeyDetail.as_view()),
    path("users/me", views.OwnUser.as_view()),
]
