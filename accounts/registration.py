"""Who registers by themselves: an account that can do nothing until an administrator has decided."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import SYSTEM, Actor, Change, record
from accounts.models import User
from accounts.services import USER, add_user
from common.errors import RateLimited

VISITOR = Actor("visitor", None, "registration")
# So that nobody fills the table: there are not that many people to approve.
MOST_WAITING = 500
FORGOTTEN_AFTER = timedelta(days=90)


def register(*, password: str, now: datetime, **details: Any) -> User:
    """An inactive account without role and clinics, from the person's own fields of USER_FIELDS.

    RateLimited while too many wait.
    """
    if User.objects.filter(is_waiting=True).count() >= MOST_WAITING:
        raise RateLimited(
            _("Too many people wait for approval. Ask your clinic's administrator."), retry_after=3600
        )
    return add_user(
        password=password,
        is_active=False,
        is_waiting=True,
        date_joined=now,
        actor=VISITOR,
        now=now,
        **details,
    )


def forget_old_registrations(*, now: datetime) -> int:
    """Removes those that nobody has decided on in 90 days; gives their number."""
    with transaction.atomic():
        old = User.objects.filter(is_waiting=True, date_joined__lt=now - FORGOTTEN_AFTER)
        keys = list(old.select_for_update().values_list("pk", flat=True))
        record(SYSTEM, [Change("registration forgotten", USER, key, None) for key in keys], now=now)
        User.objects.filter(pk__in=keys).delete()
    return len(keys)
