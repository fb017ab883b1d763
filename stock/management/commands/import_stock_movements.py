import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.audit import COMMAND
from accounts.models import Clinic
from common.database import usable_database
from stock.file_import.movements import import_movements
from stock.file_import.telling import read_or_exit, tell


class Command(BaseCommand):
    help = (
        "Imports a file of stock movements (CSV). Exit code 0: all rows taken; "
        "1: some rows were rejected; 2: the file can't be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with usable_database(returncode=2, afterwards="Then import the same file again."):
            dry_run = options["dry_run"]
            report = read_or_exit(
                options["file"],
                lambda content: import_movements(
                    content, clinics=Clinic.objects.all(), actor=COMMAND, now=timezone.now(), dry_run=dry_run
                ),
                self.stderr,
            )
        tell(report, self.stdout, dry_run=dry_run)
        if report.rejected:
            sys.exit(1)
