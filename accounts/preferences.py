"""How a person likes to be told: language, clock, and by which way alerts come."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import Preferences, User
from common.errors import NotFound, VersionConflict

FIELDS = ("language", "time_zone", "alert_by", "digest_time")


def change_preferences(
    user_id: UUID, *, version: int | None = None, actor: Actor, now: datetime, **changes: Any
) -> Preferences:
    """Changes any of FIELDS. django.core's ValidationError for a value that can't be."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id).first()
        if user is None:
            raise NotFound(_("There is no such user."))
        preferences = Preferences.of(user)
        if version is not None and preferences.version != version:
            raise VersionConflict(_("Someone has changed this meanwhile. Look at it again."))
        before = {field: plain(getattr(preferences, field)) for field in FIELDS}
        for field in FIELDS:
            if field in changes:
                setattr(preferences, field, changes[field])
        preferences.full_clean()
        after = {field: plain(getattr(preferences, field)) for field in FIELDS}
        if before != after:
            preferences.version += 1
            preferences.save()
            changed = {
                field: [before[field], after[field]] for field in FIELDS if before[field] != after[field]
            }
            record(actor, [Change("changed", "accounts.preferences", user.pk, None, changed)], now=now)
        elif preferences._state.adding:
            # Who chooses what is the default has chosen: no browser's wish comes before that.
            preferences.save()
    return preferences
