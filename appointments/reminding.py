"""Reminders: planned when a visit is booked or moved, queued when due, gone when it is cancelled."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from appointments.models import LIVE, Appointment, Reminder, ReminderQuerySet, ReminderState
from common.batches import batched
from common.locks import one_at_a_time
from messaging.models import Message, MessageQuerySet, MessageStatus, TemplateKey
from messaging.rendering import visit_words
from messaging.services import Draft, cancel_queued, enqueue
from messaging.template_book import TemplateBook

SUBJECT = "appointments.appointment"
BATCH = 500
# A reminder that is late helps nobody when the visit is nearer than this.
LATEST_NOTICE = timedelta(hours=2)
_NEVER_LEFT = [MessageStatus.CANCELLED, MessageStatus.EXPIRED, MessageStatus.SUPPRESSED]


def rules_to_plan(starts_at: datetime, hours_before: Iterable[int], now: datetime) -> list[int]:
    """Which rules of a clinic apply to a visit booked or moved now.

    A rule already past is skipped while a later one is still to come. If none is, the last is kept,
    to be sent at once, provided the visit is more than two hours away.
    """
    rules = sorted(hours_before, reverse=True)
    to_come = [hours for hours in rules if starts_at - timedelta(hours=hours) >= now]
    if to_come:
        return to_come
    return rules[-1:] if starts_at - now > LATEST_NOTICE else []


def useless_after(visit_at: datetime, hours_before: int) -> datetime:
    """When a reminder comes too late: two hours before the visit, or half of a shorter rule."""
    return visit_at - min(LATEST_NOTICE, timedelta(hours=hours_before) / 2)


def reminders_for(appointment: Appointment, hours_before: Iterable[int], now: datetime) -> list[Reminder]:
    """The rows to insert for a live visit."""
    return [
        Reminder(
            appointment_id=appointment.pk,
            hours_before=hours,
            visit_at=appointment.starts_at,
            due_at=appointment.starts_at - timedelta(hours=hours),
        )
        for hours in rules_to_plan(appointment.starts_at, hours_before, now)
    ]


def plan_reminders(appointments: Sequence[Appointment], *, now: datetime) -> None:
    """Makes the reminders of these appointments fit their present state, in a bounded number of statements.

    The appointments come with their clinic. Call it in the transaction that booked, moved or ended them.
    """
    drop_outdated([a.pk for a in appointments], now=now)
    live = [appointment for appointment in appointments if appointment.is_live]
    # A reminder that has left for this very time stays the only one: the conflict is the guarantee.
    Reminder.objects.bulk_create(
        (r for a in live for r in reminders_for(a, a.clinic.reminder_hours_before, now)),
        ignore_conflicts=True,
        batch_size=1000,
    )


def drop_outdated(appointment_ids: Sequence[UUID], *, now: datetime) -> None:
    """Cancels what still waits for a time that no longer holds, and forgets the plans that never left."""
    outdated = Reminder.objects.filter(appointment__in=appointment_ids).exclude(
        appointment__status__in=LIVE, visit_at=F("appointment__starts_at")
    )
    waiting = MessageQuerySet(Message).filter(pk__in=outdated.values("message_id"))
    cancel_queued(waiting, now=now, reason=_("The appointment was moved or ended."))
    keys = list(
        outdated.filter(Q(message__isnull=True) | Q(message__status__in=_NEVER_LEFT)).values_list(
            "pk", flat=True
        )
    )
    Reminder.objects.filter(pk__in=keys).delete()


def resend_waiting(patient_ids: Sequence[UUID], *, now: datetime) -> None:
    """Takes back texts that wait for these patients and plans them again, as after a new phone number."""
    waiting = Reminder.objects.filter(
        appointment__patient__in=patient_ids, message__status=MessageStatus.QUEUED
    )
    reminder_ids = list(waiting.values_list("pk", flat=True))
    messages = MessageQuerySet(Message).filter(reminder__in=reminder_ids)
    cancel_queued(messages, now=now, reason=_("The phone has changed."))
    taken_back = list(Reminder.objects.filter(pk__in=reminder_ids, message__status=MessageStatus.CANCELLED))
    Reminder.objects.filter(pk__in=[r.pk for r in taken_back]).delete()
    Reminder.objects.bulk_create(
        (
            Reminder(
                appointment_id=r.appointment_id,
                hours_before=r.hours_before,
                visit_at=r.visit_at,
                due_at=r.due_at,
            )
            for r in taken_back
        ),
        batch_size=1000,
    )


def queue_due_reminders(*, now: datetime) -> int:
    """Hands what is due to sending and gives the number of texts queued.

    In batches with a transaction each; what one batch did stays done if the next one fails.
    """
    queued = 0
    while True:
        with transaction.atomic():
            # One pass at a time: of two rules due together only the one nearest the visit may go.
            one_at_a_time("appointments.queue_due_reminders")
            found = list(Reminder.objects.due(now).values_list("appointment_id", flat=True)[:BATCH])
            if not found:
                return queued
            queued += _queue(set(found), now)


def _queue(appointment_ids: set[UUID], now: datetime) -> int:
    due = list(_load_due(appointment_ids, now).select_for_update(of=("self",)))
    choice = choose(due, now)
    ids = enqueue(drafts_for(choice.nearest, now), now=now)
    for reminder, message_id in zip(choice.nearest, ids, strict=True):
        reminder.state, reminder.message_id = ReminderState.QUEUED, message_id
    for reminder in choice.skipped:
        reminder.state = ReminderState.SKIPPED
    for reminder in choice.expired:
        reminder.state = ReminderState.EXPIRED
    Reminder.objects.bulk_update(due, ["state", "message_id"], batch_size=100)
    return len(ids)


def _load_due(appointment_ids: set[UUID], now: datetime) -> ReminderQuerySet:
    return (
        Reminder.objects.due(now)
        .filter(appointment__in=appointment_ids)
        .select_related("appointment__clinic", "appointment__patient")
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of the due reminders: the one nearest the visit goes, the others don't."""

    nearest: list[Reminder]
    skipped: list[Reminder]
    expired: list[Reminder]


def choose(due: Iterable[Reminder], now: datetime) -> Choice:
    choice = Choice([], [], [])
    last: UUID | None = None
    for reminder in sorted(due, key=lambda r: (r.appointment_id, r.hours_before)):
        if reminder.appointment_id == last:
            choice.skipped.append(reminder)
        elif useless_after(reminder.visit_at, reminder.hours_before) <= now:
            choice.expired.append(reminder)
        else:
            choice.nearest.append(reminder)
        last = reminder.appointment_id
    return choice


def drafts_for(reminders: Sequence[Reminder], now: datetime) -> list[Draft]:
    """The texts of these reminders, in order."""
    book = TemplateBook(TemplateKey.REMINDER, {r.appointment.clinic_id for r in reminders})
    return [
        Draft(
            clinic_id=reminder.appointment.clinic_id,
            purpose=TemplateKey.REMINDER,
            to=reminder.appointment.patient.phone,
            text=book.text(
                reminder.appointment.clinic_id,
                reminder.appointment.language,
                context_of(reminder.appointment),
            ),
            language=reminder.appointment.language,
            send_at=now,
            expires_at=useless_after(reminder.visit_at, reminder.hours_before),
            dedupe_key=f"reminder:{reminder.pk}",
            subject_type=SUBJECT,
            subject_id=reminder.appointment_id,
            recipient_id=reminder.appointment.patient_id,
        )
        for reminder in reminders
    ]


def context_of(appointment: Appointment) -> dict[str, str]:
    """What a template's placeholders stand for."""
    return {
        "name": appointment.patient.name,
        "clinic": appointment.clinic.name,
        "clinic_phone": appointment.clinic.phone,
        **visit_words(appointment.starts_at, appointment.clinic.zone, appointment.language),
    }


def drafts_due(now: datetime) -> Iterator[Draft]:
    """What the next pass would queue; changes nothing."""
    keys = (
        Reminder.objects.due(now)
        .order_by("appointment_id")
        .values_list("appointment_id", flat=True)
        .distinct()
    )
    for ids in batched(keys.iterator(), BATCH):
        yield from drafts_for(choose(_load_due(set(ids), now), now).nearest, now)
