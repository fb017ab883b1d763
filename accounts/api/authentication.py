from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts import api_keys, sign_in
from accounts.api import tokens
from accounts.models import ApiKey, SignIn, User
from common.rest.errors import CHALLENGE


class _ByHeader(BaseAuthentication):
    """`Authorization: <scheme> <credentials>`; of another scheme nothing is said."""

    scheme: str

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != self.scheme:
            return None
        found = self.found(credentials.strip())
        if found is None:
            raise AuthenticationFailed
        return found

    def found(self, credentials: str) -> tuple[Any, Any] | None:
        raise NotImplementedError

    def authenticate_header(self, request: Any) -> str:  # noqa: ARG002
        return CHALLENGE


class BearerToken(_ByHeader):
    """`Authorization: Bearer <access token>`, checked against its sign-in at each request."""

    scheme = "bearer"

    def found(self, credentials: str) -> tuple[User, SignIn] | None:
        try:
            living = sign_in.living(tokens.read_access(credentials), now=timezone.now())
        except sign_in.TokenInvalid:
            return None
        return None if living is None else (living.user, living)


class ApiKeyHeader(_ByHeader):
    """`Authorization: Api-Key <key>`: `request.user` is the key itself."""

    scheme = "api-key"

    def found(self, credentials: str) -> tuple[ApiKey, ApiKey] | None:
        key = api_keys.holder_of(credentials, now=timezone.now())
        return None if key is None else (key, key)


def signed_in(request: Any) -> User | ApiKey | None:
    """Who asks by the header Authorization, or None; for what is no view of the framework's.

    Raises AuthenticationFailed.
    """
    for kind in (BearerToken, ApiKeyHeader):
        found = kind().authenticate(request)
        if found is not None:
            return found[0]
    return None
