from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CommonConfig(AppConfig):
    name = "common"

    def ready(self) -> None:
        from django.conf import settings

        from common import checks, error_reports  # noqa: F401  (registers the system checks)

        error_reports.begin(settings.SENTRY_DSN)

        post_migrate.connect(_declare_schedules, dispatch_uid="common.sync_schedules")


def _declare_schedules(sender: Any, using: str, **_: Any) -> None:
    # Once a migrate; all tables are made before the first of these signals.
    if sender.name != "django_q":
        return
    from django.db import connections
    from django_q.models import Schedule

    from common.schedules import sync_schedules

    if Schedule._meta.db_table in connections[using].introspection.table_names():
        sync_schedules()
