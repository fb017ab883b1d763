"""What the commands print of an import."""

import sys
from collections.abc import Callable
from pathlib import Path

from django.core.management.base import OutputWrapper

from appointments.file_import.errors import UnreadableFile
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
