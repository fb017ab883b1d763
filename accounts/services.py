"""What changes clinics and the people who sign in. Each change is in the audit log."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import passwords, sign_in
from accounts.audit import Actor, Change, plain, record
from accounts.models import Clinic, Role, User
from accounts.signals import clinic_changed
from common.errors import NotFound, NotPermitted, StateConflict, ValidationFailed, VersionConflict
from common.locks import one_at_a_time
from common.phones import PhoneError, parse_mobile

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
NOT_ONES_OWN = ("role", "is_active", "clinics")
USERNAME_TAKEN = gettext_lazy("This user name is taken. Choose another.")


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
    """Changes any of CLINIC_FIELDS. New `reminder_hours_before` hold for visits booked already, too.

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
        after = _values(clinic, CLINIC_FIELDS)
        with _taken("code", _("There is a clinic with this code already.")):
            _save(clinic, CLINIC, before, after, actor, now)
        changed = {field for field in CLINIC_FIELDS if before[field] != after[field]}
        if changed:
            clinic_changed.send(Clinic, clinic=clinic, fields=changed)
    return clinic


def add_user(
    *,
    password: str | None,
    clinics: Sequence[Clinic] = (),
    stock_manager_of: Sequence[Clinic] = (),
    actor: Actor,
    now: datetime,
    **values: Any,
) -> User:
    """A new person from USER_FIELDS. Without a password nobody signs in as them."""
    user = User(**{**values, "phone": _phone(values.get("phone", ""))})
    if password is not None:
        passwords.refuse_weak(password, user)
    user.set_password(password)
    with transaction.atomic():
        _refuse_invalid(user)
        with _taken("username", USERNAME_TAKEN):
            user.save(force_insert=True)
        user.clinics.set(clinics)
        user.stock_manager_of.set(stock_manager_of)
        _record(actor, "added", USER, user, {}, _user_values(user), now)
    return user


def change_user(
    user_id: UUID,
    *,
    version: int | None = None,
    password: str | None = None,
    clinics: Sequence[Clinic] | None = None,
    stock_manager_of: Sequence[Clinic] | None = None,
    actor: Actor,
    now: datetime,
    **changes: Any,
) -> User:
    """Changes any of USER_FIELDS, the clinics, the password, and whether somebody waits for approval.

    Nobody changes their own role, clinics, activity or, without the old one, password
    (PERMISSION_DENIED); one active administrator stays (STATE_CONFLICT). Who has a new password, or may
    not sign in any more, is signed out everywhere.
    """
    with transaction.atomic():
        if {"role", "is_active"} & changes.keys():
            # Before the person's row: two administrators may be closing each other out.
            one_at_a_time("accounts.last_admin")
        user = _locked_user(user_id)
        _refuse_stale(user, version)
        was_admin, before = user.is_active and user.is_admin, _user_values(user)
        _set(user, changes)
        _refuse_invalid(user)
        for relation, chosen in ((user.clinics, clinics), (user.stock_manager_of, stock_manager_of)):
            if chosen is not None:
                relation.set(chosen)
        after = _user_values(user)
        if actor.id == user.pk:
            _refuse_of_oneself(before, after, password, is_admin=was_admin)
        if was_admin and not (user.is_active and user.is_admin):
            _refuse_if_last_admin(user)
        with _taken("username", USERNAME_TAKEN):
            _save(user, USER, before, after, actor, now)
        if not sign_in.may_sign_in(user):
            sign_in.end_all_of(user.pk, now=now)
        if password is not None:
            set_password(user.pk, password, actor=actor, now=now)
            user.refresh_from_db(fields=["password", "version"])
    return user


def deactivate_user(user_id: UUID, *, actor: Actor, now: datetime) -> User:
    """Closes an account, or declines a registration. A second time changes nothing."""
    return change_user(user_id, is_active=False, is_waiting=False, actor=actor, now=now)


def set_password(
    user_id: UUID, password: str | None, *, actor: Actor, now: datetime, field: str = "password"
) -> None:
    """A new password; None: nobody signs in with one. It ends all of the person's sign-ins.

    A weak one is refused at `field`.
    """
    with transaction.atomic():
        user = _locked_user(user_id)
        if password is not None:
            passwords.refuse_weak(password, user, field=field)
        user.set_password(password)
        user.version += 1
        user.save()
        sign_in.end_all_of(user.pk, now=now)
        record(actor, [Change("password set", USER, user.pk, None)], now=now)


def _set(user: User, changes: dict[str, Any]) -> None:
    for field in (*USER_FIELDS, "is_waiting"):
        if field in changes and field not in ("role", "phone"):
            setattr(user, field, changes[field])
    # One kept from before numbers were checked is in nobody's way.
    if changes.get("phone", user.phone) != user.phone:
        user.phone = _phone(changes["phone"])
    role = changes.get("role", user.role_in_effect)
    if role != user.role_in_effect:
        user.role = role
        # Or whoever is no administrator any more would stay one.
        user.is_superuser = user.is_superuser and role == Role.ADMIN
    if user.is_active:
        user.is_waiting = False


def _phone(given: str) -> str:
    try:
        return parse_mobile(given) if given else ""
    except PhoneError as error:
        raise ValidationFailed.on("phone", str(error)) from None


def _refuse_invalid(user: User) -> None:
    user.full_clean(exclude=["password"])
    # "Neo" beside "neo" would be taken for each other.
    if User.objects.filter(username__iexact=user.username).exclude(pk=user.pk).exists():
        raise ValidationFailed.on("username", str(USERNAME_TAKEN))


def _refuse_of_oneself(
    before: dict[str, Any], after: dict[str, Any], password: str | None, *, is_admin: bool
) -> None:
    if password is not None:
        raise NotPermitted(_("Your own password is changed with the old one."))
    closed = NOT_ONES_OWN if is_admin else (*NOT_ONES_OWN, "username", "stock_manager_of")
    if any(before[field] != after[field] for field in closed):
        raise NotPermitted(_("You can't change your own role, clinics or activity. Ask an administrator."))


def _refuse_if_last_admin(user: User) -> None:
    if not User.objects.active_admins().exclude(pk=user.pk).exists():
        raise StateConflict(
            _("This is the last active administrator. Make somebody else an administrator first.")
        )


def _locked_user(user_id: UUID) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound(_("There is no such user."))
    return user


@contextmanager
def _taken(field: str, message: str | Promise) -> Iterator[None]:
    """Of two at once with the same name, the one who comes second is told so at the field."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        raise ValidationFailed.on(field, str(message)) from None


def _refuse_stale(thing: Clinic | User, version: int | None) -> None:
    if version is not None and thing.version != version:
        raise VersionConflict(_("Someone has changed this meanwhile. Look at it again."))


def _values(thing: Clinic | User, fields: Sequence[str]) -> dict[str, Any]:
    return {field: plain(getattr(thing, field)) for field in fields}


def _user_values(user: User) -> dict[str, Any]:
    return {
        **_values(user, (*USER_FIELDS, "is_waiting")),
        "clinics": list(user.clinics.order_by("code").values_list("code", flat=True)),
        "stock_manager_of": list(user.stock_manager_of.order_by("code").values_list("code", flat=True)),
    }


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
