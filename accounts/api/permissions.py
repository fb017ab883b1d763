from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission

from accounts.access import may
from accounts.models import User

ACTIONS = {
    "GET": "view",
    "HEAD": "view",
    "POST": "add",
    "PUT": "change",
    "PATCH": "change",
    "DELETE": "delete",
}


class SignedIn(BasePermission):
    """Whoever is signed in, for what is their own."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        # Before the role is asked: nobody has a right to what is not there.
        if request.method not in view.allowed_methods:
            raise MethodNotAllowed(request.method)
        return True


class PeopleOnly(SignedIn):
    """Whoever is signed in as a person: another system's key has no user of its own."""

    def has_permission(self, request: Any, view: Any) -> bool:
        return super().has_permission(request, view) and isinstance(request.user, User)


class RoleAllows(SignedIn):
    """What the role may do to things of `view.kind` ("appointments.patient"); a view without one is closed.

    `view.actions` says otherwise for a method: {"DELETE": "change"}.
    """

    def has_permission(self, request: Any, view: Any) -> bool:
        if not super().has_permission(request, view):
            return False
        kind = getattr(view, "kind", None)
        action = {**ACTIONS, **getattr(view, "actions", {})}.get(request.method)
        return kind is not None and action is not None and may(request.user, action, kind)


class OwnOrRoleAllows(RoleAllows):
    """Of oneself, who has the address's `pk`, what `view.own_methods` names; else as the role allows."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not SignedIn.has_permission(self, request, view):
            return False
        own = isinstance(request.user, User) and view.kwargs.get("pk") == request.user.pk
        return (own and request.method in view.own_methods) or super().has_permission(request, view)
