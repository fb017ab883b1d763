"""A whole district, to see the site with much in it: made in sets, without the import."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from django.db import transaction

from accounts.models import Clinic, Language
from appointments.consent import on_file_consent
from appointments.demo.clinics import OPENING_HOURS, DemoClinic, add_clinics
from appointments.demo.seeding import refuse_real_providers
from appointments.models import Appointment, AppointmentStatus, Patient, Reminder
from appointments.names import name_key
from appointments.reminding import reminders_for
from common.ids import new_id

_PLACES = (
    *("Boteti", "Chobe", "Gantsi", "Gumare", "Hukuntsi", "Kanye", "Kasane", "Letlhakane", "Lobatse"),
    *("Mahalapye", "Mochudi", "Molepolole", "Moshupa", "Nata", "Palapye", "Ramotswa", "Serowe"),
    *("Shakawe", "Tonota", "Tutume"),
)
CLINICS = tuple(
    DemoClinic(
        f"DEM{n:02d}",
        f"{place} Demo Clinic",
        f"+26739001{n:02d}",
        Language.SETSWANA if n % 2 else Language.ENGLISH,
    )
    for n, place in enumerate(_PLACES, start=1)
)
PATIENTS_A_CLINIC = 1000
VISITS_A_PATIENT = 2
DAYS_EACH_WAY = 60
SLOT = timedelta(minutes=30)
_BATCH = 500


def add(*, now: datetime, patients: int = PATIENTS_A_CLINIC) -> int:
    """Fills the district's clinics that have no patients yet; gives the number of appointments made."""
    refuse_real_providers()
    made = 0
    for position, clinic in enumerate(add_clinics(CLINICS, now=now).values(), start=1):
        with transaction.atomic():
            if not Patient.objects.filter(clinic=clinic).exists():
                made += _fill(clinic, position, patients, now)
    return made


def _fill(clinic: Clinic, position: int, count: int, now: datetime) -> int:
    chance = random.Random(clinic.code)  # noqa: S311  the same district each time
    patients = [_patient(clinic, f"+26775{position:02d}{n:04d}", n, now) for n in range(count)]
    Patient.objects.bulk_create(patients, batch_size=_BATCH)
    visits = [visit for patient in patients for visit in _visits(patient, clinic, chance, now)]
    Appointment.objects.bulk_create(visits, batch_size=_BATCH)
    Reminder.objects.bulk_create(
        (
            reminder
            for visit in visits
            if visit.is_live and visit.starts_at > now
            for reminder in reminders_for(visit, clinic.reminder_hours_before, now)
        ),
        batch_size=_BATCH,
    )
    return len(visits)


def _patient(clinic: Clinic, phone: str, n: int, now: datetime) -> Patient:
    name = f"Demo Patient {n + 1}"
    consent, source, at = on_file_consent(clinic, now)
    return Patient(
        id=new_id(),
        clinic=clinic,
        name=name,
        name_key=name_key(name),
        phone=phone,
        consent=consent,
        consent_source=source,
        consent_at=at,
        created_at=now,
        updated_at=now,
    )


def _visits(patient: Patient, clinic: Clinic, chance: random.Random, now: datetime) -> Iterator[Appointment]:
    """One visit in the past weeks and one to come, on different days."""
    today = now.astimezone(clinic.zone).date()
    for way in (-1, 1)[:VISITS_A_PATIENT]:
        day = today + way * timedelta(days=chance.randint(1, DAYS_EACH_WAY))
        starts_at = _slot(day, clinic, chance)
        yield Appointment(
            id=new_id(),
            clinic=clinic,
            patient=patient,
            starts_at=starts_at,
            ends_at=starts_at + SLOT,
            duration_minutes=SLOT // timedelta(minutes=1),
            language=clinic.default_language,
            status=_status(way, chance),
            created_at=now,
            updated_at=now,
        )


def _slot(day: date, clinic: Clinic, chance: random.Random) -> datetime:
    opens, closes = (
        datetime.combine(day, time.fromisoformat(text), clinic.zone)
        for text in OPENING_HOURS[str(day.weekday())]
    )
    return opens + SLOT * chance.randrange((closes - opens) // SLOT)


def _status(way: int, chance: random.Random) -> str:
    past = (AppointmentStatus.ATTENDED, AppointmentStatus.MISSED, AppointmentStatus.CANCELLED)
    future = (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED, AppointmentStatus.CANCELLED)
    return chance.choices(past if way < 0 else future, weights=[80, 14, 6])[0]
