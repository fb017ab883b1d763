"""Demo data, in the order in which it is needed. What exists is left as it is."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.audit import COMMAND
from accounts.models import Clinic
from appointments.demo.clinics import CLINICS, add_clinics
from appointments.demo.sample import sample_file
from appointments.demo.sign_ins import SignIn, ensure_sign_ins
from appointments.demo.today import add_today
from appointments.file_import.importing import Report, import_file
from appointments.file_import.reading import open_file
from appointments.file_import.rows import RejectedRecord
from appointments.models import Appointment
from common.errors import StateConflict
from messaging.providers import configured_providers

SAMPLE_PREFIX = "SAMPLE-"


@dataclass(frozen=True, slots=True)
class SampleImport:
    path: Path
    report: Report
    rejected: list[RejectedRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seeded:
    """`sample` is None when the sample file had been imported before."""

    sign_ins: list[SignIn]
    sample: SampleImport | None


def seed(var_dir: Path, *, public: bool, now: datetime) -> Seeded:
    """Demo clinics, people who can sign in, visits of today, and the sample file through the real import.

    `public` as in ensure_sign_ins. StateConflict while texts would leave this machine: the sample's
    phones may be real people's.
    """
    refuse_real_providers()
    clinics = add_clinics(CLINICS, now=now)
    sign_ins = ensure_sign_ins(var_dir / "demo-sign-ins.json", public=public, now=now)
    if Appointment.objects.filter(clinic__in=clinics.values(), reference__startswith=SAMPLE_PREFIX).exists():
        return Seeded(sign_ins, None)
    add_today(clinics["GAB01"], now=now)
    path = var_dir / "sample-appointments.csv"
    return Seeded(sign_ins, _import_sample(path, clinics["GAB01"].zone, now))


def refuse_real_providers() -> None:
    real = [provider.name for provider in configured_providers() if not provider.is_local()]
    if real:
        raise StateConflict(
            _(
                "SMS_PROVIDERS names %(names)s, which would text the demo patients, and their phones may be "
                "real people's. Set SMS_PROVIDERS=console to try the site out."
            )
            % {"names": ", ".join(real)}
        )


def _import_sample(path: Path, zone: ZoneInfo, now: datetime) -> SampleImport:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file without its appointments is left over from a start that was cut short, or another database.
    path.write_text(sample_file(now, zone), encoding="utf-8")
    rejected: list[RejectedRecord] = []
    report = import_file(
        open_file(path.read_bytes()),
        clinics=Clinic.objects.filter(code__in=[clinic.code for clinic in CLINICS]),
        actor=COMMAND,
        now=now,
        in_one_transaction=True,
        on_rejected=rejected.extend,
    )
    return SampleImport(path, report, rejected)
