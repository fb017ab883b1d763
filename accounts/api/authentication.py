from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts import sign_in
from accounts.api import tokens
from accounts.models import SignIn, User
from common.rest.errors import CHALLENGE

SCHEME = "bearer"


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer <access token>`, checked against its sign-in at each request."""

    def authenticate(self, request: Any) -> tuple[User, SignIn] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        try:
            found = sign_in.living(tokens.read_access(token.strip()), now=timezone.now())
        except sign_in.TokenInvalid:
            found = None
        if found is None:
            raise AuthenticationFailed
        return found.user, found

    def authenticate_header(self, request: Any) -> str:  # noqa: ARG002
        return CHALLENGE


def signed_in(request: Any) -> Any:
    """Who asks by the header Authorization, or None; for what is no view of the framework's.

    Raises AuthenticationFailed.
    """
    found = BearerToken().authenticate(request)
    return None if found is None else found[0]
