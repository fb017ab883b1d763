"""Sign-ins to the API: begun with a password, kept up by exchanging the refresh token, ended for good."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.utils.translation import gettext as _

from accounts.models import SignIn, User
from common.errors import DomainError
from common.ids import new_id

# Each exchange begins it anew.
LASTS = timedelta(days=7)


class TokenInvalid(DomainError):
    code = "TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__(_("This token is not valid, or not any more. Sign in again."))


def may_sign_in(user: User) -> bool:
    """Active and with a role."""
    return user.is_active and (user.is_admin or bool(user.role))


def begin(user: User, *, now: datetime) -> SignIn:
    return SignIn.objects.create(
        id=new_id(),
        user=user,
        refresh_id=uuid4(),
        password_stamp=user.get_session_auth_hash(),
        started_at=now,
        expires_at=now + LASTS,
    )


def exchange(sign_in_id: UUID, refresh_id: UUID, *, now: datetime) -> SignIn:
    """Makes the refresh token a new one. Of two at once with the same token one wins.

    TokenInvalid otherwise, and then the sign-in ends: somebody has a copy of the token, and nobody can
    tell whether it was the copy or the original that came first.
    """
    sign_in = living(sign_in_id, now=now)
    if sign_in is not None:
        following = uuid4()
        won = SignIn.objects.filter(pk=sign_in_id, refresh_id=refresh_id, ended_at=None).update(
            refresh_id=following, expires_at=now + LASTS
        )
        if won:
            sign_in.refresh_id = following
            return sign_in
        end(sign_in_id, now=now)
    raise TokenInvalid


def living(sign_in_id: UUID, *, now: datetime) -> SignIn | None:
    """The sign-in with its user, unless it ended or the user is closed out or has a new password."""
    sign_in = (
        SignIn.objects.select_related("user").filter(pk=sign_in_id, ended_at=None, expires_at__gt=now).first()
    )
    if sign_in is None or not may_sign_in(sign_in.user):
        return None
    return sign_in if sign_in.password_stamp == sign_in.user.get_session_auth_hash() else None


def end(sign_in_id: UUID, *, now: datetime) -> None:
    """All its tokens are dead from now on. A second time changes nothing."""
    SignIn.objects.filter(pk=sign_in_id, ended_at=None).update(ended_at=now)


def end_all_of(user_id: UUID, *, now: datetime) -> None:
    """For who is deactivated: coming back does not bring old tokens back."""
    SignIn.objects.filter(user=user_id, ended_at=None).update(ended_at=now)


def forget_expired(*, now: datetime) -> int:
    """Removes sign-ins whose last token has expired; gives their number."""
    return SignIn.objects.filter(expires_at__lte=now).delete()[0]
