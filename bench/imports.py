"""`import`: a file of appointments into the database, beside the same rows by other ways, in one run.

Run by `python -m bench.run import`; itself it works on the database in DATABASE_URL, in a process of its own.
"""

import io
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any

import django

django.setup()

import tablib
from django.conf import settings
from django.core.management import call_command
from django.db import connection, models, transaction
from django.utils import timezone
from import_export import resources

from accounts.audit import SYSTEM
from accounts.models import AuditEntry, Clinic
from appointments.file_import.importing import import_file
from appointments.file_import.reading import open_file
from appointments.models import Appointment, Patient, Reminder

TABLES: tuple[type[models.Model], ...] = (Patient, Appointment, Reminder, AuditEntry)
HEADER = "phone,datetime,clinic,name,reference,file no,language,visit type,duration minutes,consent"


def sample(rows: int) -> bytes:
    """Each row another patient, over half a year, in two clinics and languages."""
    first = datetime(2030, 1, 7, 7)  # noqa: DTZ001  a clinic's own time, as files give it
    lines = [HEADER]
    for n in range(rows):
        when = first + timedelta(days=n // 200 % 180, minutes=15 * (n % 36))
        clinic, language = ("GAB01", "tn") if n % 2 else ("FRW02", "en")
        lines.append(
            f"71{n % 1_000_000:06d},{when:%Y-%m-%d %H:%M},{clinic},Patient Number {n},"
            f"R{n:06d},F{n:06d},{language},review,15,yes"
        )
    return "\n".join(lines).encode()


class DefaultPatients(resources.ModelResource):
    """What django-import-export does by default, with nothing of ours switched off or on."""

    class Meta:
        model = Patient
        fields = ("id", "clinic", "name", "name_key", "phone", "patient_number", "created_at", "updated_at")
        import_id_fields = ("patient_number",)


Stored = dict[type[models.Model], list[models.Model]]


def seconds(work: Callable[[], Any]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def empty() -> None:
    for table in reversed(TABLES):
        table.objects.all()._raw_delete("default")  # type: ignore[attr-defined]


def imported(content: bytes, **options: Any) -> None:
    report = import_file(
        open_file(content), clinics=Clinic.objects.all(), actor=SYSTEM, now=timezone.now(), **options
    )
    if report.rejected:
        raise RuntimeError(f"{report.rejected} rows were rejected")


def by_bulk_create(rows: Stored) -> None:
    """The limit of the ORM: the same rows of the same tables, known beforehand, in equal chunks."""
    for table in TABLES:
        for start in range(0, len(rows[table]), 500):
            with transaction.atomic():
                table.objects.bulk_create(rows[table][start : start + 500])


def by_copy(rows: Stored) -> None:
    """The limit of PostgreSQL: the same values through COPY."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in TABLES:
            fields = table._meta.concrete_fields
            columns = ", ".join(f'"{field.column}"' for field in fields)
            with cursor.copy(f'COPY "{table._meta.db_table}" ({columns}) FROM STDIN') as copy:
                for row in rows[table]:
                    copy.write_row([_plain(getattr(row, field.attname)) for field in fields])


def _plain(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict) else value


def by_default_resource(rows: int) -> None:
    clinic = str(Clinic.objects.values_list("pk", flat=True).first())
    now = f"{timezone.now():%Y-%m-%d %H:%M:%S}"
    data = tablib.Dataset(headers=DefaultPatients.Meta.fields)
    for n in range(rows):
        data.append(("", clinic, f"Patient {n}", f"patient {n}", f"+26771{n:06d}", f"F{n}", now, now))
    result = DefaultPatients().import_data(data, raise_errors=True)
    if result.totals["new"] != rows:
        raise RuntimeError("the default resource did not import all rows")


def main(rows: int, default_rows: int) -> dict[str, float]:
    """Rows of the file a second, each way."""
    settings.LOGGING_CONFIG = None
    call_command("migrate", verbosity=0, stdout=io.StringIO())
    for code in ("GAB01", "FRW02"):
        Clinic.objects.create(code=code, name=code, phone="+2673900000", quiet_from=None, quiet_to=None)
    content = sample(rows)
    figures = {
        "preview": rows / seconds(lambda: imported(content, dry_run=True)),
        "import": rows / seconds(lambda: imported(content)),
        "the same again": rows / seconds(lambda: imported(content)),
    }
    stored: Stored = {table: list(table.objects.all()) for table in TABLES}
    empty()
    figures["bulk_create of the same rows"] = rows / seconds(lambda: by_bulk_create(stored))
    empty()
    if connection.vendor == "postgresql":
        figures["COPY of the same rows"] = rows / seconds(lambda: by_copy(stored))
        empty()
    figures["default resource, patients only"] = default_rows / seconds(
        lambda: by_default_resource(default_rows)
    )
    return figures


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
