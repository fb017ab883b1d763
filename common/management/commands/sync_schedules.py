from typing import Any

from django.core.management.base import BaseCommand

from common.schedules import sync_schedules


class Command(BaseCommand):
    help = "Declares the scheduled work to the worker. Run by migrate as well; a second run changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        for name in sync_schedules():
            self.stdout.write(name)
