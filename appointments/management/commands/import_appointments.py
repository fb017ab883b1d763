import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.audit import COMMAND
from accounts.clinic_codes import clinic_of_code
from accounts.models import Clinic
from appointments.file_import.importing import Report, import_file
from appointments.file_import.reading import MAX_BYTES, AppointmentFile, UnreadableFile, open_file
from appointments.file_import.rejected_file import RejectedFile, RejectedFileRefused
from appointments.file_import.rows import RejectedRecord
from common.database import usable_database
from common.errors import NotFound

SHOWN = 50


class Command(BaseCommand):
    help = (
        "Imports a file of appointments (CSV or Excel). Exit code 0: all rows taken; "
        "1: some rows were rejected; 2: the file can't be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--clinic", metavar="CODE", help="the clinic of rows that name none")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, change nothing")
        parser.add_argument(
            "--errors", type=Path, metavar="OUT.csv", help="write the rejected rows with their reasons here"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        with ExitStack() as stack:
            stack.enter_context(usable_database(returncode=2, afterwards="Then import the same file again."))
            try:
                file = self._open(options["file"])
                clinic = None if options["clinic"] is None else clinic_of_code(options["clinic"])
                errors = self._errors_file(options["errors"], options["file"])
            except (UnreadableFile, RejectedFileRefused, NotFound) as error:
                self.stderr.write(error.message)
                sys.exit(2)
            if errors is not None:
                stack.enter_context(errors)
            rejected = self._import(file, clinic, dry_run=options["dry_run"])
            if errors is not None:
                self._write_errors(errors, file, rejected)
        if rejected:
            sys.exit(1)

    def _import(self, file: AppointmentFile, clinic: Clinic | None, *, dry_run: bool) -> list[RejectedRecord]:
        rejected: list[RejectedRecord] = []
        report = import_file(
            file,
            clinics=Clinic.objects.all(),
            default_clinic=clinic,
            actor=COMMAND,
            now=timezone.now(),
            dry_run=dry_run,
            on_rejected=rejected.extend,
        )
        self._tell(report, rejected, dry_run=dry_run)
        return rejected

    def _errors_file(self, path: Path | None, source: Path) -> RejectedFile | None:
        return None if path is None else RejectedFile(path, source=source)

    def _open(self, path: Path) -> AppointmentFile:
        try:
            with path.open("rb") as stream:
                return open_file(stream.read(MAX_BYTES + 1))
        except OSError as error:
            raise UnreadableFile(f"{path} can't be read: {error.strerror}.") from error

    def _tell(self, report: Report, rejected: list[RejectedRecord], *, dry_run: bool) -> None:
        if report.ignored_columns:
            self.stdout.write(f"Ignored columns: {', '.join(report.ignored_columns)}")
        for item in rejected[:SHOWN]:
            where = f"row {item.record.row}, line {item.record.line}"
            column = f", {item.column}" if item.column else ""
            self.stdout.write(f"  rejected {where}{column}: {item.reason} [{item.code}]")
        if len(rejected) > SHOWN:
            self.stdout.write(f"  … and {len(rejected) - SHOWN} more; use --errors to see them all.")
        if dry_run:
            self.stdout.write("Dry run: nothing was changed. The import would give:")
        self.stdout.write(
            f"created {report.created}, updated {report.updated}, "
            f"unchanged {report.unchanged}, rejected {report.rejected}"
        )

    def _write_errors(
        self, errors: RejectedFile, file: AppointmentFile, rejected: list[RejectedRecord]
    ) -> None:
        rows = ((r.record.raw, r.reason) for r in rejected)
        try:
            errors.write(file.header, rows, delimiter=file.delimiter)
        except OSError as error:
            # The import itself stands; the same file again gives the same rejected rows.
            raise CommandError(
                f"The rows are imported, but {errors.path} could not be written: {error.strerror}."
            ) from None
        self.stdout.write(f"The rejected rows are in {errors.path}.")
