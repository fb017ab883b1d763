"""The clinics and people that a trial starts with. Whoever has their code or user name is left alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.audit import COMMAND, Change, record
from accounts.models import Clinic, Language, Role, User

_DAYS = {str(day): ["07:30", "16:30"] for day in range(5)}
# Open at weekends too: at any hour, somebody has a visit within the next day.
OPENING_HOURS = {**_DAYS, "5": ["08:00", "13:00"], "6": ["08:00", "13:00"]}


@dataclass(frozen=True, slots=True)
class DemoClinic:
    code: str
    name: str
    phone: str
    default_language: str = Language.ENGLISH


@dataclass(frozen=True, slots=True)
class DemoPerson:
    username: str
    first_name: str
    last_name: str
    role: str
    clinics: tuple[str, ...] = ()
    # With one, told of that clinic's stock too.
    phone: str = ""


CLINICS = (
    DemoClinic("GAB01", "Extension Twelve Clinic", "+2673900001", Language.SETSWANA),
    DemoClinic("FRW02", "Tati River Clinic", "+2672400002"),
    DemoClinic("MAU03", "Thamalakane Clinic", "+2676800003"),
)
PEOPLE = (
    DemoPerson("admin", "Lorato", "Demo", Role.ADMIN),
    DemoPerson("nurse.gab", "Naledi", "Demo", Role.STAFF, ("GAB01",), "+26771000001"),
    DemoPerson("nurse.frw", "Thabo", "Demo", Role.STAFF, ("FRW02",), "+26771000002"),
    DemoPerson("viewer", "Mpho", "Demo", Role.VIEWER, ("GAB01", "FRW02", "MAU03")),
)


def add_clinics(clinics: Sequence[DemoClinic], *, now: datetime) -> dict[str, Clinic]:
    """Adds those that are not there, without quiet hours, and gives them all by code."""
    there = set(Clinic.objects.filter(code__in=[c.code for c in clinics]).values_list("code", flat=True))
    missing = [
        Clinic(
            code=clinic.code,
            name=clinic.name,
            phone=clinic.phone,
            default_language=clinic.default_language,
            opening_hours=OPENING_HOURS,
            quiet_from=None,
            quiet_to=None,
        )
        for clinic in clinics
        if clinic.code not in there
    ]
    Clinic.objects.bulk_create(missing)
    record(COMMAND, [Change("created", "accounts.clinic", c.pk, c.pk) for c in missing], now=now)
    return {clinic.code: clinic for clinic in Clinic.objects.filter(code__in=[c.code for c in clinics])}


def add_person(person: DemoPerson, password: str, *, now: datetime) -> User:
    user = User.objects.create_user(
        person.username,
        password=password,
        first_name=person.first_name,
        last_name=person.last_name,
        role=person.role,
        phone=person.phone,
    )
    user.clinics.set(Clinic.objects.filter(code__in=person.clinics))
    if person.phone:
        user.stock_manager_of.set(user.clinics.all())
    record(COMMAND, [Change("created", "accounts.user", user.pk, None)], now=now)
    return user
