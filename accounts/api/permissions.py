from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission

from accounts.access import may
from accounts.models import ApiKey, Role, User

ACTIONS = {
    "GET": "view",
    "HEAD": "view",
    "POST": "add",
    "PUT": "change",
    "PATCH": "change",
    "DELETE": "delete",
}


ROLES = tuple(Role.values)


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a call is for, as its description says it."""

    roles: tuple[str, ...] = ROLES
    keys: bool = True
    oneself: bool = False

    @property
    def leaves_out_somebody(self) -> bool:
        return set(self.roles) != set(ROLES) or not self.keys

    def __str__(self) -> str:
        said = ", ".join(self.roles) or "nobody"
        also = ", and oneself" if self.oneself and self.leaves_out_somebody else ""
        return f"**For**: {said}{also}{'' if self.keys else '; not for API keys'}."


class SignedIn(BasePermission):
    """Whoever is signed in, for what is their own."""

    def audience(self, view: Any, method: str) -> Audience:  # noqa: ARG002
        return Audience()

    def has_permission(self, request: Any, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        # Before the role is asked: nobody has a right to what is not there.
        if request.method not in view.allowed_methods:
            raise MethodNotAllowed(request.method)
        return True


class PeopleOnly(SignedIn):
    """Whoever is signed in as a person: another system's key has no user of its own."""

    def audience(self, view: Any, method: str) -> Audience:  # noqa: ARG002
        return Audience(keys=False)

    def has_permission(self, request: Any, view: Any) -> bool:
        return super().has_permission(request, view) and isinstance(request.user, User)


class RoleAllows(SignedIn):
    """What the role may do to things of `view.kind` ("appointments.patient"); a view without one is closed.

    `view.actions` says otherwise for a method: {"DELETE": "change"}.
    """

    def audience(self, view: Any, method: str) -> Audience:
        roles = tuple(role for role in ROLES if self._allows(User(role=role), view, method))
        return Audience(roles, keys=any(self._allows(ApiKey(role=role), view, method) for role in ROLES))

    def has_permission(self, request: Any, view: Any) -> bool:
        return super().has_permission(request, view) and self._allows(request.user, view, request.method)

    def _allows(self, user: Any, view: Any, method: str) -> bool:
        kind = getattr(view, "kind", None)
        action = {**ACTIONS, **getattr(view, "actions", {})}.get(method)
        return kind is not None and action is not None and may(user, action, kind)


class OwnOrRoleAllows(RoleAllows):
    """Of oneself, who has the address's `pk`, what `view.own_methods` names; else as the role allows."""

    def audience(self, view: Any, method: str) -> Audience:
        others = super().audience(view, method)
        return Audience(others.roles, others.keys, oneself=method in view.own_methods)

    def has_permission(self, request: Any, view: Any) -> bool:
        if not SignedIn.has_permission(self, request, view):
            return False
        own = isinstance(request.user, User) and view.kwargs.get("pk") == request.user.pk
        return (own and request.method in view.own_methods) or super().has_permission(request, view)
