"""The page where a link for a new password leads; the choice of a language."""

from typing import Any

from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.utils import timezone
from django.views import View
from django.views.i18n import set_language

from accounts import services
from accounts.audit import Actor
from accounts.models import Language, User
from accounts.preferences import change_preferences

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


class ChooseLanguage(View):
    """Goes back to the page it came from, in another language; of who is signed in it is kept."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        user, chosen = request.user, request.POST.get("language")
        if isinstance(user, User) and chosen in Language.values:
            change_preferences(user.pk, language=chosen, actor=Actor.of(user), now=timezone.now())
        return set_language(request)
