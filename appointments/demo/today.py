"""What a clinic's day looks like when the site is first opened: visits of today, booked days ago."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.audit import COMMAND
from accounts.models import Clinic
from appointments.demo.sample import open_slots
from appointments.models import Appointment
from appointments.patients import add_patient
from appointments.reminding import queue_due_reminders
from appointments.services import book, mark_attendance
from common.clock import Clock
from messaging.dispatch import dispatch
from messaging.providers.base import InboundText
from messaging.replies import take
from messaging.services import opt_out

BOOKED_BEFORE = timedelta(days=10)
REMINDED_BEFORE = timedelta(hours=20)
PREFIX = "TODAY-"
PEOPLE = (
    *("Amantle Sample", "Kitso Trial", "Lorato Example", "Mothusi Sample", "Naledi Trial", "Ofentse Example"),
    *("Palesa Sample", "Sedi Trial", "Thato Example", "Tumelo Sample"),
)
_TYPES = ("Check-up", "Blood pressure", "Child welfare", "Dressing")
_UNCLEAR = "Can my sister come for me? I am at work until Friday."


def add_today(clinic: Clinic, *, now: datetime) -> None:
    """Visits over today's opening hours, reminded yesterday: who came is marked, one wants no texts, and
    one has answered with a question. Left alone where a start that was cut short has booked them."""
    if Appointment.objects.filter(clinic=clinic, reference__startswith=PREFIX).exists():
        return
    with transaction.atomic():
        visits = _booked(clinic, now)
    reminded = now - REMINDED_BEFORE
    queue_due_reminders(now=reminded)
    dispatch(clock=Clock(reminded))
    for visit in visits:
        if visit.ends_at < now:
            mark_attendance(visit.pk, attended=visit is not visits[1], actor=COMMAND, now=now)
    take(InboundText("demo-1", visits[2].patient.phone, _UNCLEAR), provider="console", now=now)


def _booked(clinic: Clinic, now: datetime) -> list[Appointment]:
    slots = open_slots(now.astimezone(clinic.zone).date(), clinic.zone)
    told: dict[str, Any] = {"actor": COMMAND, "now": now - BOOKED_BEFORE}
    visits = []
    for n, name in enumerate(PEOPLE):
        patient = add_patient(clinic=clinic, phone=f"+2677100020{n}", name=name, consent=True, **told)
        visit = book(
            clinic=clinic,
            patient=patient,
            starts_at=slots[n * len(slots) // len(PEOPLE)],
            visit_type=_TYPES[n % len(_TYPES)],
            reference=f"{PREFIX}{n + 1:02d}",
            **told,
        )
        visits.append(visit)
    opt_out(visits[-1].patient.phone, source="nurse", **told)
    return visits
