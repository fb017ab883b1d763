"""Patients, their visits and reminders, the texts and what became of them, calls, replies, the log."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Model

from accounts.audit import Actor
from accounts.models import AuditEntry, Clinic
from appointments.models import Appointment, Patient, PhoneCall, Reminder
from common.batches import batched
from messaging.models import BadNumber, Message, MessageEvent, OptOut, Reply
from tests.factories.district.plan import Plan, store

PATIENTS_AT_ONCE = 250
TYPES = ("Antenatal", "Child health", "Family planning", "Blood pressure", "Diabetes", "")
FIRST = [
    "Kabo",
    "Neo",
    "Lesego",
    "Thabo",
    "Mpho",
    "Boitumelo",
    "Kagiso",
    "Lorato",
    "Tebogo",
    "Amantle",
    "Tumelo",
    "Onalenna",
    "Pako",
    "Refilwe",
]
LAST = [
    "Molefe",
    "Kgosi",
    "Seretse",
    "Modise",
    "Tau",
    "Phiri",
    "Moyo",
    "Dube",
    "Sebina",
    "Ntsima",
    "Mogapi",
    "Letsholo",
    "Pule",
    "Motse",
    "Gare",
]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Of the texts whose time has come; the rest was delivered.
ENDS = {
    1: "undelivered",
    2: "failed",
    3: "unknown",
    4: "expired",
    5: "suppressed",
    6: "sent",
    7: "cancelled",
    17: "sent",
    21: "undelivered",
    27: "sent",
}
SENT_BY = {"sent", "delivered", "undelivered", "failed", "unknown"}
ORDER = (
    Patient,
    Appointment,
    Message,
    MessageEvent,
    Reminder,
    PhoneCall,
    Reply,
    AuditEntry,
    OptOut,
    BadNumber,
)
Made = dict[type[Model], list[Model]]


def fill(plan: Plan) -> None:
    for numbers in batched(range(plan.patients), PATIENTS_AT_ONCE):
        made: Made = defaultdict(list)
        for number in numbers:
            _add_patient(plan, number, made)
        for model in ORDER:
            store(model, made[model])


def _add_patient(plan: Plan, number: int, made: Made) -> None:
    clinic = plan.clinic_of(number)
    name = _name(number, plan.shares)
    # Families share a phone.
    phone = f"+26771{number - (number % 10 == 9):06d}"
    told = plan.now - timedelta(days=300)
    patient = Patient(
        clinic=clinic,
        patient_number=f"P{number:06d}" if number % 5 else "",
        name=name,
        name_key=name.casefold(),
        phone=phone,
        consent=(True, True, True, None, False)[number % 5] if number % 3 else True,
        consent_source="nurse",
        consent_at=told,
        created_at=told,
        updated_at=told,
    )
    made[Patient].append(patient)
    if number % 21 == 3:
        made[OptOut].append(OptOut(phone=phone, source="reply", opted_out_at=told))
    if number % 42 == 4:
        made[BadNumber].append(BadNumber(phone=phone, provider="twilio", code="21614", since=told))
    for visit_number, starts_at in plan.visits_of(number):
        _add_visit(plan, patient, visit_number, starts_at, made)


def _name(number: int, shares: int) -> str:
    """Now and then that of another patient of the same clinic."""
    if number % 30 == shares:
        number -= shares
    first, rest = FIRST[number % len(FIRST)], number // len(FIRST)
    last, rest = LAST[rest % len(LAST)], rest // len(LAST)
    return f"{first} {LETTERS[rest % 26]}{LETTERS[rest // 26 % 26]}. {last}"


def _status(number: int, starts_at: datetime, now: datetime) -> str:
    if number % 19 == 18:
        return "cancelled"
    if starts_at > now:
        return "confirmed" if number % 5 == 4 else "booked"
    if number % 33 == 32:
        return "booked"
    return "missed" if number % 7 == 3 else "attended"


def _add_visit(plan: Plan, patient: Patient, number: int, starts_at: datetime, made: Made) -> None:
    booked_at = min(starts_at - timedelta(days=30), plan.now - timedelta(days=1))
    clinic = plan.clinics[[clinic.pk for clinic in plan.clinics].index(patient.clinic_id)]
    visit = Appointment(
        clinic=clinic,
        patient=patient,
        reference=f"R{number:07d}" if number % 2 else "",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=30),
        duration_minutes=30,
        visit_type=TYPES[number % len(TYPES)],
        language="en",
        status=_status(number, starts_at, plan.now),
        created_at=booked_at,
        updated_at=booked_at,
    )
    made[Appointment].append(visit)
    made[AuditEntry].append(_entry(plan, visit, "booked", booked_at, [None, "booked"]))
    if visit.status in ("attended", "missed"):
        # Long enough ago that nothing can be undone any more.
        at = min(starts_at, plan.now - timedelta(minutes=10))
        made[AuditEntry].append(_entry(plan, visit, f"marked {visit.status}", at, ["booked", visit.status]))
    _add_reminders(plan, visit, number, made)
    if number % 25 == 0:
        made[PhoneCall].append(
            PhoneCall(appointment=visit, visit_at=starts_at, outcome="no_answer", at=plan.now, by="nurse")
        )
    if number % 10 == 0:
        made[Reply].append(_reply(plan, visit, number))


def _entry(plan: Plan, visit: Appointment, action: str, at: datetime, change: list[Any]) -> AuditEntry:
    actor = Actor.of(plan.nurse)
    return AuditEntry(
        at=at,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_name=actor.name,
        action=action,
        object_type="appointments.appointment",
        object_id=visit.pk,
        clinic_id=visit.clinic_id,
        changes={"status": change},
    )


def _add_reminders(plan: Plan, visit: Appointment, number: int, made: Made) -> None:
    """One a week and one a day before; of every other visit the first was too late."""
    for hours in (168, 24):
        due_at = visit.starts_at - timedelta(hours=hours)
        reminder = Reminder(appointment=visit, hours_before=hours, visit_at=visit.starts_at, due_at=due_at)
        if hours == 168 and number % 2:
            reminder.state = "skipped"
        elif due_at <= plan.now:
            reminder.state = "queued"
            reminder.message = _text(plan, visit, number + (hours == 168) * 11, reminder, made)
        made[Reminder].append(reminder)


def _text(plan: Plan, visit: Appointment, number: int, reminder: Reminder, made: Made) -> Message:
    status = ENDS.get(number % 40, "delivered")
    # What was due today may still wait or be on its way.
    if number % 13 == 8 and plan.now - reminder.due_at < timedelta(hours=9):
        status = "sending" if number % 2 else "queued"
    at = reminder.due_at + timedelta(seconds=30)
    message = Message(
        clinic_id=visit.clinic_id,
        purpose="reminder",
        to=visit.patient.phone,
        body="Dumela. Please come to the clinic tomorrow at 09:00. Questions: 390 0000",
        language="en",
        segments=1,
        encoding="GSM-7",
        subject_type="appointments.appointment",
        subject_id=visit.pk,
        subject_at=visit.starts_at,
        recipient_id=visit.patient_id,
        dedupe_key=f"reminder:{reminder.pk}",
        status=status,
        send_at=reminder.due_at,
        expires_at=visit.starts_at,
        attempts=1,
        created_at=reminder.due_at,
    )
    if status in SENT_BY:
        message.provider, message.provider_message_id = "twilio", f"SM{message.pk.hex}"
        message.sent_at = at if status != "failed" else None
    if status == "delivered":
        message.delivered_at = at
    if status in ("undelivered", "failed", "unknown"):
        message.error_code = ("30003", "21614", "READ_TIMEOUT")[number % 3]
    if status == "sending":
        message.claim, message.claimed_at = message.pk, plan.now
        message.lease_expires_at = plan.now + timedelta(minutes=1)
    made[Message].append(message)
    for kind in dict.fromkeys(("queued", "sent" if message.sent_at else status, status)):
        made[MessageEvent].append(
            MessageEvent(message=message, status=kind, at=at, provider=message.provider)
        )
    return message


def _reply(plan: Plan, visit: Appointment, number: int) -> Reply:
    """Of the last days it still waits for a person."""
    at = visit.starts_at - timedelta(hours=5)
    is_new = abs((visit.starts_at - plan.now).days) < 3
    clinic: Clinic = visit.clinic
    return Reply(
        provider="twilio",
        provider_message_id=f"IN{number:032d}",
        phone=visit.patient.phone,
        body="Can I come later?",
        meaning="unclear" if is_new else "confirm",
        state="waiting" if is_new else "answered",
        clinic=clinic,
        subject_type="appointments.appointment",
        subject_id=visit.pk,
        received_at=min(at, plan.now),
    )
