"""Who sees which clinic, and who may do what there. Admin, API, import and commands all ask here."""

from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, QuerySet

from accounts.models import ApiKey, Clinic, Role, User

if TYPE_CHECKING:
    M = TypeVar("M", bound=Model)
else:
    M = TypeVar("M")

# Who may be known: a person, or another system by its key.
Known = User | ApiKey
AnyUser = Known | AnonymousUser

# What each role may do to each kind of object; a superuser and an admin may do all.
# Nothing of a patient is ever deleted by hand: appointments are cancelled, erasure is its own service.
STAFF_MAY: dict[str, set[str]] = {
    "accounts.clinic": {"view"},
    "appointments.appointment": {"view", "add", "change"},
    "appointments.closure": {"view", "add", "delete"},
    "appointments.patient": {"view", "add", "change"},
    "appointments.patienttophone": {"view", "change"},
    "appointments.reminder": {"view"},
    "appointments.fileimport": {"view", "add", "change"},
    "messaging.alarm": {"view"},
    # To add one is to send it, to change it is to take it back.
    "messaging.message": {"view", "add", "change"},
    "messaging.messageevent": {"view"},
    # Their clinics' own; those for all clinics are the administrators'.
    "messaging.messagetemplate": {"view", "add", "change", "delete"},
    "messaging.optout": {"view", "add", "change"},
    "messaging.reply": {"view", "change"},
    "stock.lot": {"view"},
    "stock.transfer": {"view"},
    # What may be kept is the same for all clinics; administrators say what.
    "stock.item": {"view"},
    "stock.stocklevel": {"view", "add", "change"},
    # To add one is to write an entry; taking one back is an entry too.
    "stock.movement": {"view", "add"},
    "stock.order": {"view", "add", "change"},
    # Their clinics' own; those for all clinics are the administrators'.
    "stock.visittypeitem": {"view", "add", "change", "delete"},
    # To add one is to tell the managers by hand, to change it is to say that one acts.
    "stock.stockalert": {"view", "add", "change"},
}
# A key that leaked must not make others.
PEOPLE_ONLY = {"accounts.apikey"}
# Nor people, who would outlive it.
WRITTEN_BY_PEOPLE_ONLY = {"accounts.user"}
VIEWER_MAY: dict[str, set[str]] = {kind: {"view"} for kind in STAFF_MAY if kind != "messaging.optout"}
ADMIN_MAY_NOT: dict[str, set[str]] = {
    "accounts.apikey": {"change"},
    "accounts.auditentry": {"add", "change", "delete"},
    "accounts.clinic": {"delete"},
    "accounts.user": {"delete"},
    "appointments.appointment": {"delete"},
    "appointments.patient": {"delete"},
    "appointments.patienttophone": {"add", "delete"},
    "appointments.reminder": {"add", "change", "delete"},
    "appointments.fileimport": {"delete"},
    # Found by the site; administrators take them on or close them by a step.
    "messaging.alarm": {"add", "change", "delete"},
    "messaging.message": {"delete"},
    "messaging.messageevent": {"add", "change", "delete"},
    # Whether one is used is set by a step.
    "messaging.providerstate": {"add", "change", "delete"},
    "messaging.reply": {"add", "delete"},
    "messaging.sendingswitch": {"add", "delete"},
    "stock.lot": {"add", "change", "delete"},
    # What happened is never written anew: an entry is taken back by another.
    "stock.transfer": {"add", "change", "delete"},
    "stock.item": {"delete"},
    "stock.movement": {"change", "delete"},
    "stock.order": {"delete"},
    "stock.stockfile": {"delete"},
    "stock.stocklevel": {"delete"},
    "stock.stockalert": {"delete"},
    # Schedules are declared in code; one with bad arguments would stop them all.
    "django_q.schedule": {"add", "change", "delete"},
    "django_q.ormq": {"add", "change", "delete"},
    "django_q.success": {"add", "change", "delete"},
    "django_q.failure": {"add", "change", "delete"},
}


def clinics_visible_to(user: AnyUser) -> QuerySet[Clinic]:
    """All clinics for an admin, their own for staff and viewers, none for anyone else."""
    if not user.is_active or isinstance(user, AnonymousUser):
        return Clinic.objects.none()
    if user.is_admin:
        return Clinic.objects.all()
    if user.role:
        return user.clinics.all()
    return Clinic.objects.none()


def visible_to(user: AnyUser, queryset: "QuerySet[M]", clinic: str = "clinic") -> "QuerySet[M]":
    """`queryset` cut to the clinics that `user` sees; `clinic` is the path to the clinic's key."""
    if isinstance(user, Known) and user.is_active and user.is_admin:
        return queryset
    lookup: dict[str, Any] = {f"{clinic}__in": clinics_visible_to(user)}
    return queryset.filter(**lookup)


def sees_phones(user: AnyUser) -> bool:
    """A viewer reads numbers masked."""
    return isinstance(user, Known) and (user.is_admin or user.role == Role.STAFF)


def may(user: AnyUser, action: str, kind: str) -> bool:
    """Whether the role allows "view", "add", "change" or "delete" of a kind: "appointments.patient".

    "export" is what "view" is; "erase" is an administrator's.
    """
    if isinstance(user, AnonymousUser) or not user.is_active:
        return False
    if isinstance(user, ApiKey) and _is_for_people(action, kind):
        return False
    if action == "export":
        # What may be read in a list may be taken along as a file.
        action = "view"
    if user.is_admin:
        return action not in ADMIN_MAY_NOT.get(kind, set())
    table = {Role.STAFF.value: STAFF_MAY, Role.VIEWER.value: VIEWER_MAY}.get(user.role, {})
    return action in table.get(kind, set())


def _is_for_people(action: str, kind: str) -> bool:
    return kind in PEOPLE_ONLY or (kind in WRITTEN_BY_PEOPLE_ONLY and action != "view")
