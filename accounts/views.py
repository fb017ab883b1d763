"""The page where a link for a new password leads."""

from typing import Any

from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.utils import timezone

from accounts import services
from accounts.audit import Actor

_ASKS = "asks_for_a_new_password"


class NewPasswordForm(SetPasswordForm):
    def set_password_and_save(self, user: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        password = self.cleaned_data["new_password1"]
        services.set_password(user.pk, password, actor=Actor.of(user), now=timezone.now())
        user.refresh_from_db()
        return user


class NewPassword(PasswordResetConfirmView):
    """The token comes in the query string, which no log keeps, and then waits in the session."""

    form_class = NewPasswordForm
    success_url = reverse_lazy("admin:login")

    def dispatch(self, request: HttpRequest) -> HttpResponseBase:
        key, _dot, proof = request.GET.get("token", "").partition(".")
        if key:
            request.session[_ASKS] = key
        return super().dispatch(
            request, uidb64=key or request.session.get(_ASKS, ""), token=proof or self.reset_url_token
        )
