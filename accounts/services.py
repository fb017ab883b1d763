"""What changes clinics and the people who sign in. Each change is in the audit log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts import sign_in
from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic, User
from common.errors import DomainError, NotFound, ValidationFailed, VersionConflict

CLINIC = "accounts.clinic"
USER = "accounts.user"

CLINIC_FIELDS = (
    "code",
    "name",
    "phone",
    "time_zone",
    "default_language",
    "slot_minutes",
    "slot_capacity",
    "quiet_from",
    "quiet_to",
    "opening_hours",
    "reminder_hours_before",
    "consent_policy",
    "daily_message_budget",
    "send_confirmations",
    "send_cancellations",
    "send_missed",
)
USER_FIELDS = ("username", "first_name", "last_name", "email", "phone", "role", "is_active")
# What nobody changes of themselves.
NOT_ONES_OWN = ("role", "is_active")


def add_clinic(*, actor: Actor, now: datetime, **values: Any) -> Clinic:
    """A new clinic from CLINIC_FIELDS. django.core's ValidationError for a value that can't be."""
    clinic = Clinic(**values)
    with transaction.atomic():
        clinic.full_clean()
        with _taken("code", _("There is a clinic with this code already.")):
            clinic.save(force_insert=True)
        _record(actor, "added", CLINIC, clinic, {}, _values(clinic, CLINIC_FIELDS), now)
    return clinic


def change_clinic(
    clinic_id: UUID, *, version: int | None = None, actor: Actor, now: datetime, **changes: Any
) -> Clinic:
    """Changes any of CLINIC_FIELDS. What is planned already stays planned as it was.

    `version` is the one that was looked at; None overwrites whatever is there.
    """
    with transaction.atomic():
        clinic = Clinic.objects.select_for_update().filter(pk=clinic_id).first()
        if clinic is None:
            raise NotFound(_("There is no such clinic."))
        _refuse_stale(clinic, version)
        before = _values(clinic, CLINIC_FIELDS)
        for field in CLINIC_FIELDS:
            if field in changes:
                setattr(clinic, field, changes[field])
        clinic.full_clean()
        with _taken("code", _("There is a clinic with this code already.")):
            _save(clinic, CLINIC, before, _values(clinic, CLINIC_FIELDS), actor, now)
    return clinic


def add_user(
    *, password: str | None, clinics: Sequence[Clinic] = (), actor: Actor, now: datetime, **values: Any
) -> User:
    """A new person from USER_FIELDS. Without a password nobody signs in as them."""
    user = User(**values)
    user.set_password(password)
    with transaction.atomic():
        user.save(force_insert=True)
        user.clinics.set(clinics)
        _record(actor, "added", USER, user, {}, _user_values(user), now)
    return user


def change_user(
    user_id: UUID,
    *,
    version: int,
    clinics: Sequence[Clinic] | None = None,
    actor: Actor,
    now: datetime,
    **changes: Any,
) -> User:
    """Changes any of USER_FIELDS, and the clinics. Nobody changes their own role, clinics or activity."""
    with transaction.atomic():
        user = _locked_user(user_id)
        _refuse_stale(user, version)
        before = _user_values(user)
        for field in USER_FIELDS:
            if field in changes:
                setattr(user, field, changes[field])
        if clinics is not None:
            user.clinics.set(clinics)
        after = _user_values(user)
        if actor.id == user.pk and any(before[f] != after[f] for f in (*NOT_ONES_OWN, "clinics")):
            raise DomainError(
                _("You can't change your own role, clinics or activity. Ask another administrator."),
                code="PERMISSION_DENIED",
            )
        _save(user, USER, before, after, actor, now)
        if not sign_in.may_sign_in(user):
            sign_in.end_all_of(user.pk, now=now)
    return user


def set_password(user_id: UUID, password: str | None, *, actor: Actor, now: datetime) -> None:
    """A new password; None: nobody signs in with one. It ends all of the person's sessions."""
    with transaction.atomic():
        user = _locked_user(user_id)
        user.set_password(password)
        user.version += 1
        user.save()
        sign_in.end_all_of(user.pk, now=now)
        record(actor, [Change("password set", USER, user.pk, None)], now=now)


def _locked_user(user_id: UUID) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound(_("There is no such user."))
    return user


@contextmanager
def _taken(field: str, message: str) -> Iterator[None]:
    """Of two at once with the same name, the one who comes second is told so at the field."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise ValidationFailed.on(field, message) from None


def _refuse_stale(thing: Clinic | User, version: int | None) -> None:
    if version is not None and thing.version != version:
        raise VersionConflict(_("Someone has changed this meanwhile. Look at it again."))


def _values(thing: Clinic | User, fields: Sequence[str]) -> dict[str, Any]:
    return {field: plain(getattr(thing, field)) for field in fields}


def _user_values(user: User) -> dict[str, Any]:
    codes = list(user.clinics.order_by("code").values_list("code", flat=True))
    return {**_values(user, USER_FIELDS), "clinics": codes}


def _save(
    thing: Clinic | User,
    kind: str,
    before: dict[str, Any],
    after: dict[str, Any],
    actor: Actor,
    now: datetime,
) -> None:
    if before == after:
        return
    thing.version += 1
    thing.save()
    _record(actor, "changed", kind, thing, before, after, now)


def _record(
    actor: Actor,
    action: str,
    kind: str,
    thing: Clinic | User,
    before: dict[str, Any],
    after: dict[str, Any],
    now: datetime,
) -> None:
    changes = {
        field: [before.get(field), value] for field, value in after.items() if before.get(field) != value
    }
    clinic_id = thing.pk if isinstance(thing, Clinic) else None
    record(actor, [Change(action, kind, thing.pk, clinic_id, changes)], now=now)
