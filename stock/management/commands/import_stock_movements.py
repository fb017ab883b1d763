from datetime import datetime

from accounts.audit import COMMAND
from accounts.models import Clinic
from stock.file_import.command import ImportCommand
from stock.file_import.movements import import_movements
from stock.file_import.report import Report


class Command(ImportCommand):
    help = ImportCommand.help % "movements"

    def import_content(self, content: bytes, *, now: datetime, dry_run: bool) -> Report:
        return import_movements(
            content, clinics=Clinic.objects.all(), actor=COMMAND, now=now, dry_run=dry_run
        )
