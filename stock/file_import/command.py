"""What the commands do that import a file, and what they print of it."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, OutputWrapper
from django.utils import timezone

from appointments.file_import.errors import UnreadableFile
from common.database import usable_database
from stock.file_import.reading import MAX_BYTES
from stock.file_import.report import Report

SHOWN = 50


def read_or_exit(path: Path, run: Callable[[bytes], Report], errors: OutputWrapper) -> Report:
    """What `run` makes of the file's content. Exit code 2, with the reason, where it can't be read."""
    try:
        with path.open("rb") as stream:
            return run(stream.read(MAX_BYTES + 1))
    except OSError as error:
        errors.write(f"{path} can't be read: {error.strerror}.")
    except UnreadableFile as error:
        errors.write(error.message)
    sys.exit(2)


def tell(report: Report, out: OutputWrapper, *, dry_run: bool) -> None:
    if report.ignored_columns:
        out.write(f"Ignored columns: {', '.join(report.ignored_columns)}")
    for item in report.rejected[:SHOWN]:
        column = f", {item.column}" if item.column else ""
        out.write(f"  rejected row {item.row}, line {item.line}{column}: {item.reason} [{item.code}]")
    if len(report.rejected) > SHOWN:
        out.write(f"  … and {len(report.rejected) - SHOWN} more.")
    if dry_run:
        out.write("Dry run: nothing was changed. The import would give:")
    out.write(
        f"created {report.created}, updated {report.updated}, "
        f"unchanged {report.unchanged}, rejected {len(report.rejected)}"
    )


class ImportCommand(BaseCommand):
    """A file of stock from a terminal. Its commands say what they read, and what is made of it."""

    help = (
        "Imports a file of stock %s (CSV). Exit code 0: all rows taken; "
        "1: some rows were rejected; 2: the file can't be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")

    def import_content(self, content: bytes, *, now: datetime, dry_run: bool) -> Report:
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        dry_run = options["dry_run"]
        with usable_database(returncode=2, afterwards="Then import the same file again."):
            report = read_or_exit(
                options["file"],
                lambda content: self.import_content(content, now=timezone.now(), dry_run=dry_run),
                self.stderr,
            )
        tell(report, self.stdout, dry_run=dry_run)
        if report.rejected:
            sys.exit(1)
