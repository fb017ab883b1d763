"""JSON web tokens of a sign-in. They say whose they are; whether the sign-in lives, the database says."""

from typing import Any
from uuid import UUID

from accounts.models import SignIn
from accounts.sign_in import TokenInvalid

# simplejwt reads SECRET_KEY when it is imported. Where there is none, the check that names the mend
# must still run: so it is imported late.


def pair(sign_in: SignIn) -> dict[str, str]:
    """{"access", "refresh"}: 15 minutes and 7 days."""
    from rest_framework_simplejwt.tokens import RefreshToken

    refresh = RefreshToken()
    refresh["sub"] = str(sign_in.user_id)
    refresh["sid"] = str(sign_in.pk)
    refresh["jti"] = sign_in.refresh_id.hex
    return {"access": str(refresh.access_token), "refresh": str(refresh)}


def read_access(token: str) -> UUID:
    """The sign-in of an access token. TokenInvalid when it is expired, forged or no access token."""
    from rest_framework_simplejwt.tokens import AccessToken

    return _id(_read(AccessToken, token), "sid")


def read_refresh(token: str) -> tuple[UUID, UUID]:
    """The sign-in and the refresh token's own id. TokenInvalid as above."""
    from rest_framework_simplejwt.tokens import RefreshToken

    read = _read(RefreshToken, token)
    return _id(read, "sid"), _id(read, "jti")


def _read(kind: Any, token: str) -> Any:
    from rest_framework_simplejwt.exceptions import TokenError

    try:
        return kind(token)
    except (TokenError, ValueError, OverflowError):
        raise TokenInvalid from None


def _id(token: Any, claim: str) -> UUID:
    try:
        return UUID(token[claim])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise TokenInvalid from None
