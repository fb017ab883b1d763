from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import Clinic, Role, User
from appointments.models import Appointment
from tests.factories.district import offices, shelves, visits
from tests.factories.district.plan import Plan

MOST_CLINICS = 8


@dataclass(frozen=True, slots=True)
class District:
    """`nurse` works in the first of the clinics; `visit` is one of hers, of a patient with several."""

    clinics: list[Clinic]
    admin: User
    nurse: User
    visit: Appointment


def make_district(appointments: int, *, now: datetime | None = None) -> District:
    """So many appointments over two to eight clinics; 20 at least. Holds a bounded part of it in memory."""
    count = min(MOST_CLINICS, 2 + appointments // 100)
    clinics = [
        Clinic(code=f"DIS{n:02d}", name=f"District clinic {n}", phone=f"+2673{n:06d}") for n in range(count)
    ]
    Clinic.objects.bulk_create(clinics)
    password = make_password(None)
    admin = User.objects.create(username="district-admin", password=password, role=Role.ADMIN)
    nurse = User.objects.create(username="district-nurse", password=password, role=Role.STAFF)
    nurse.clinics.set(clinics[:1])
    nurse.stock_manager_of.set(clinics[:1])
    plan = Plan(appointments, clinics, nurse, admin, now or timezone.now())
    offices.fill(plan)
    shelves.fill(plan)
    visits.fill(plan)
    hers = Appointment.objects.filter(clinic=clinics[0], status="booked", starts_at__gt=plan.now)
    visit = next(islice(hers.order_by("starts_at", "pk"), 1))
    return District(clinics, admin, nurse, visit)
