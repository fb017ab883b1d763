from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission

from accounts.access import may

ACTIONS = {
    "GET": "view",
    "HEAD": "view",
    "POST": "add",
    "PUT": "change",
    "PATCH": "change",
    "DELETE": "delete",
}


class RoleAllows(BasePermission):
    """What the role may do to things of `view.kind` ("appointments.patient"); a view without one is closed.

    `view.actions` says otherwise for a method: {"DELETE": "change"}.
    """

    def has_permission(self, request: Any, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if request.method not in view.allowed_methods:
            raise MethodNotAllowed(request.method)
        kind = getattr(view, "kind", None)
        action = {**ACTIONS, **getattr(view, "actions", {})}.get(request.method)
        return bool(kind and action) and may(request.user, action, kind)


class SignedIn(BasePermission):
    """Whoever is signed in, for what is their own."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if request.method not in view.allowed_methods:
            raise MethodNotAllowed(request.method)
        return True
