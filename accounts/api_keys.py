"""Keys by which other systems call the API: made by administrators, shown once, revoked for good."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.audit import Actor, Change, plain, record
from accounts.models import ApiKey, Clinic, Role, User
from common.errors import NotFound, ValidationFailed

# So that it is known for what it is where it should not be.
MARK = "crk_"
SHOWN = 8
LASTS = timedelta(days=365)
LONGEST = timedelta(days=3 * 365)
USE_NOTED_EVERY = timedelta(minutes=5)


def issue(
    *,
    name: str,
    role: str,
    clinics: Sequence[Clinic] = (),
    expires_at: datetime | None = None,
    made_by: User | None,
    actor: Actor,
    now: datetime,
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can ever read again. Without `expires_at` it lasts a year."""
    expires_at = expires_at or now + LASTS
    if not now < expires_at <= now + LONGEST:
        raise ValidationFailed.on("expires_at", _("Choose a time within the next three years."))
    if role not in Role.values:
        raise ValidationFailed.on("role", _("Choose one of: %s.") % ", ".join(Role.values))
    secret = MARK + secrets.token_urlsafe(32)
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name,
            prefix=secret[:SHOWN],
            digest=_digest(secret),
            role=role,
            expires_at=expires_at,
            created_by=made_by,
            created_at=now,
        )
        key.clinics.set(clinics)
        made = {
            "name": [None, name],
            "role": [None, plain(role)],
            "clinics": [None, sorted(clinic.code for clinic in clinics)],
            "expires_at": [None, plain(expires_at)],
        }
        record(actor, [Change.of(key, "added", made)], now=now)
    return key, secret


def revoke(key_id: UUID, *, actor: Actor, now: datetime) -> None:
    """From now on nobody gets in with it. A second time changes nothing."""
    with transaction.atomic():
        if ApiKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=now):
            key = ApiKey.objects.get(pk=key_id)
            record(actor, [Change.of(key, "revoked", {"revoked_at": [None, plain(now)]})], now=now)
        elif not ApiKey.objects.filter(pk=key_id).exists():
            raise NotFound(_("There is no such key."))


def holder_of(secret: str, *, now: datetime) -> ApiKey | None:
    """The key, if it is known, not revoked and not expired."""
    key = ApiKey.objects.filter(digest=_digest(secret), revoked_at=None, expires_at__gt=now).first()
    if key is not None and (key.last_used_at is None or key.last_used_at <= now - USE_NOTED_EVERY):
        # Of many calls at once one writes; and few do.
        seldom = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
        ApiKey.objects.filter(seldom, pk=key.pk).update(last_used_at=now)
    return key


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
