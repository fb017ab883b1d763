from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CommonConfig(AppConfig):
    name = "common"

    def ready(self) -> None:
        from common import checks  # noqa: F401  (registers the system checks)

        post_migrate.connect(_declare_schedules, dispatch_uid="common.sync_schedules")


def _declare_schedules(sender: Any, **_: Any) -> None:
    # Once a migrate, after the task queue's own tables are there.
    if sender.name == "clinic_reminders":
        from common.schedules import sync_schedules

        sync_schedules()
