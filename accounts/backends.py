from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied

from accounts.access import may
from accounts.models import User


class RoleBackend(ModelBackend):
    """Signs in by password; what a person may do follows from their role alone."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is None or request is None or not settings.AXES_ENABLED:
            return user
        # Of many guesses at once all began while the door was open: the right one comes too late too.
        if not AxesProxyHandler.is_allowed(request, {"username": username}):
            request.axes_locked_out = True
            raise PermissionDenied
        return user

    def get_user(self, user_id: Any) -> Any:
        """With their preferences, which every page asks for the language."""
        people = User._default_manager.select_related("stored_preferences")
        user = people.filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:  # noqa: ARG002
        app, _, codename = perm.partition(".")
        action, _, model = codename.partition("_")
        return may(user_obj, action, f"{app}.{model}")

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:  # noqa: ARG002
        return user_obj.is_active and bool(user_obj.is_staff)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:  # noqa: ARG002
        return set()
