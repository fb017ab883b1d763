from typing import Any, ClassVar

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from accounts import sign_in
from accounts.api import tokens
from accounts.api.serializers import Credentials, Refresh, SignedIn, Tokens
from accounts.api.user_serializers import UserSerializer
from accounts.models import User
from accounts.sign_in_limit import seconds_to_wait
from common.errors import DomainError, RateLimited
from common.rest.views import ApiView


class OpenView(ApiView):
    """For who is not signed in. A token that is sent along is not looked at."""

    authentication_classes: ClassVar[list[Any]] = []
    permission_classes: ClassVar[list[Any]] = []


class Login(OpenView):
    """`access` lives 15 minutes, `refresh` 7 days. Wrong passwords count; after five it waits."""

    summaries = {"POST": "Sign in"}
    refusals = {"POST": ("INVALID_CREDENTIALS",)}
    serializer_class = Credentials
    # Guessing over many names is held by the limit for each address alone.
    closed_without_limit = True
    takes_idempotency_key = False

    @extend_schema(request=Credentials, responses={200: SignedIn})
    def post(self, request: Any) -> Response:
        given = self.body(request)
        user = user_by_password(request._request, given["username"], given["password"])
        begun = sign_in.begin(user, now=timezone.now())
        return Response({**tokens.pair(begun), "user": UserSerializer(user).data})


def user_by_password(request: Any, username: str, password: str) -> User:
    """Whose name and password these are. Wrong ones count, and too many have to wait (RateLimited).

    The same answer, in the same time, for an unknown name, a wrong password and a closed account.
    """
    user = authenticate(request, username=username, password=password)
    if getattr(request, "axes_locked_out", False):
        # Its middleware would put the admin's page in place of our answer.
        request.axes_locked_out = False
        raise RateLimited(
            _("The password was wrong too many times. Wait, then sign in again."),
            retry_after=seconds_to_wait(request, username),
        )
    if not isinstance(user, User) or not sign_in.may_sign_in(user):
        raise DomainError(_("The user name or the password is wrong."), code="INVALID_CREDENTIALS")
    # What Django's own signal would do, but for a session in the database.
    AxesProxyHandler.update_request(request)
    AxesProxyHandler.reset_attempts(username=username, ip_address=request.axes_ip_address)
    update_last_login(User, user)
    return user


class RefreshTokens(OpenView):
    """Good once: a refresh token that is used again ends the whole sign-in."""

    summaries = {"POST": "Exchange a refresh token for a new pair"}
    refusals = {"POST": ("TOKEN_INVALID",)}
    serializer_class = Refresh
    takes_idempotency_key = False

    @extend_schema(request=Refresh, responses={200: Tokens})
    def post(self, request: Any) -> Response:
        family, token = tokens.read_refresh(self.body(request)["refresh"])
        return Response(tokens.pair(sign_in.exchange(family, token, now=timezone.now())))


class Logout(OpenView):
    """The refresh token itself shows whose sign-in it is; the access token may have expired."""

    summaries = {"POST": "Sign out", "DELETE": "Sign out"}
    refusals = dict.fromkeys(("POST", "DELETE"), ("TOKEN_INVALID",))
    without_body = frozenset()
    serializer_class = Refresh
    takes_idempotency_key = False

    @extend_schema(request=Refresh, responses={204: None})
    def post(self, request: Any) -> Response:
        family, _token = tokens.read_refresh(self.body(request)["refresh"])
        sign_in.end(family, now=timezone.now())
        return Response(status=204)

    @extend_schema(request=Refresh, responses={204: None})
    def delete(self, request: Any) -> Response:
        return self.post(request)
