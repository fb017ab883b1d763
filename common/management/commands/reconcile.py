import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from common.database import usable_database
from common.differences import checks


class Command(BaseCommand):
    help = (
        "Asks the providers what became of texts whose end is not known, compares what can be compared, and "
        "prints each difference. Exit 1 when there was one."
    )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        total = 0
        with usable_database(afterwards="Run it again: what was found is kept."):
            for name, check in checks().items():
                found = 0
                for line in check(timezone.now()):
                    self.stdout.write(f"{name}: {line}")
                    found += 1
                self.stdout.write(f"{name}: {found} differences")
                total += found
        if total:
            sys.exit(1)
