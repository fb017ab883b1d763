from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.access import may


class RoleBackend(ModelBackend):
    """Signs in by password; what a person may do follows from their role alone."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:  # noqa: ARG002
        app, _, codename = perm.partition(".")
        action, _, model = codename.partition("_")
        return may(user_obj, action, f"{app}.{model}")

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:  # noqa: ARG002
        return user_obj.is_active and bool(user_obj.is_staff)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:  # noqa: ARG002
        return set()
