from datetime import datetime

from accounts.audit import COMMAND
from stock.file_import.command import ImportCommand
from stock.file_import.items import import_items
from stock.file_import.report import Report


class Command(ImportCommand):
    help = ImportCommand.help % "items"

    def import_content(self, content: bytes, *, now: datetime, dry_run: bool) -> Report:
        return import_items(content, actor=COMMAND, now=now, dry_run=dry_run)
