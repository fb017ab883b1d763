"""Reminders: planned when a visit is booked or moved, queued when due, gone when it is cancelled."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_noop as _
from django_q.tasks import async_task

from accounts.models import Clinic
from appointments.models import LIVE, Appointment, Patient, Reminder, ReminderQuerySet, ReminderState
from common.after_commit import once
from common.among import among
from common.batches import batched
from common.locks import one_at_a_time
from common.set_updates import update_each
from messaging.models import Message, MessageQuerySet, MessageStatus, TemplateKey
from messaging.rendering import visit_words
from messaging.services import Draft, cancel_queued, enqueue
from messaging.template_book import TemplateBook, Text

SUBJECT = "appointments.appointment"
BATCH = 500
# A reminder that is late helps nobody when the visit is nearer than this.
LATEST_NOTICE = timedelta(hours=2)
# Why a text was stopped that is to be written again.
PHONE_CHANGED, LANGUAGE_CHANGED = "PHONE_CHANGED", "LANGUAGE_CHANGED"
_NEVER_LEFT = [MessageStatus.CANCELLED, MessageStatus.EXPIRED, MessageStatus.SUPPRESSED]


def rules_to_plan(starts_at: datetime, hours_before: Iterable[int], now: datetime) -> list[int]:
    """Which rules of a clinic apply to a visit booked or moved now.

    A rule already past is skipped while a later one is still to come. If none is, the last is kept,
    to be sent at once, provided the visit is more than two hours away.
    """
    # Hours that pass, not hours on the clock of a zone that may change it in between.
    starts_at, now = starts_at.astimezone(UTC), now.astimezone(UTC)
    rules = sorted(hours_before, reverse=True)
    to_come = [hours for hours in rules if starts_at - timedelta(hours=hours) >= now]
    if to_come:
        return to_come
    return rules[-1:] if starts_at - now > LATEST_NOTICE else []


def useless_after(visit_at: datetime, hours_before: int) -> datetime:
    """When a reminder comes too late: two hours before the visit, or half of a shorter rule."""
    return visit_at - min(LATEST_NOTICE, timedelta(hours=hours_before) / 2)


def reminders_for(
    appointment: Appointment,
    hours_before: Iterable[int],
    now: datetime,
    not_before: datetime | None = None,
) -> list[Reminder]:
    """The rows to insert for a live visit; none is due before `not_before`."""
    earliest = not_before or datetime.min.replace(tzinfo=UTC)
    return [
        Reminder(
            appointment_id=appointment.pk,
            hours_before=hours,
            visit_at=appointment.starts_at,
            due_at=max(appointment.starts_at.astimezone(UTC) - timedelta(hours=hours), earliest),
        )
        for hours in rules_to_plan(appointment.starts_at, hours_before, now)
    ]


def plan_reminders(
    appointments: Sequence[Appointment], *, not_before: datetime | None = None, now: datetime
) -> None:
    """Makes the reminders of these appointments fit their present state, in a bounded number of statements.

    The appointments come with their clinic. Call it in the transaction that booked, moved or ended them.
    """
    drop_outdated([a.pk for a in appointments], now=now)
    plan_new(appointments, not_before=not_before, now=now)


def plan_new(
    appointments: Sequence[Appointment], *, not_before: datetime | None = None, now: datetime
) -> None:
    """The same for appointments that have nothing outdated."""
    live = [appointment for appointment in appointments if appointment.is_live]
    reminders = [r for a in live for r in reminders_for(a, a.clinic.reminder_hours_before, now, not_before)]
    # A reminder that has left for this very time stays the only one: the conflict is the guarantee.
    Reminder.objects.bulk_create(reminders, ignore_conflicts=True, batch_size=1000)
    nudge_if_due(reminders, now)


def nudge_if_due(reminders: Iterable[Reminder], now: datetime) -> None:
    """Has the worker look at once, when this transaction is committed, if one of them is due already."""
    if any(reminder.due_at <= now for reminder in reminders):
        once(_nudge)


def _nudge() -> None:
    async_task("appointments.tasks.remind")


def drop_outdated(appointment_ids: Sequence[UUID], *, now: datetime) -> None:
    """Cancels what still waits for a time that no longer holds, and forgets the plans that never left."""
    # A text that was stopped while the visit was elsewhere is no reason not to remind when it is back.
    stopped = Q(message__status=MessageStatus.CANCELLED)
    outdated = Reminder.objects.filter(appointment__in=appointment_ids).exclude(
        ~stopped | Q(message__isnull=True),
        appointment__status__in=LIVE,
        visit_at=F("appointment__starts_at"),
    )
    waiting = MessageQuerySet(Message).filter(pk__in=outdated.values("message_id"))
    cancel_queued(waiting, now=now, reason=_("The appointment was moved or ended."))
    keys = list(
        outdated.filter(Q(message__isnull=True) | Q(message__status__in=_NEVER_LEFT)).values_list(
            "pk", flat=True
        )
    )
    Reminder.objects.filter(pk__in=keys).delete()


def resend_waiting(reminders: ReminderQuerySet, *, now: datetime) -> None:
    """Takes back the texts that wait for these reminders and plans them again with what is true now.

    After a new phone, name or language; what is being sent in this moment is caught by the guard.
    """
    waiting = reminders.filter(message__status=MessageStatus.QUEUED)
    message_ids = list(waiting.values_list("message_id", flat=True))
    reason = _("The phone, the name or the language has changed.")
    cancel_queued(MessageQuerySet(Message).filter(pk__in=message_ids), now=now, reason=reason)
    plan_again(message_ids)


def plan_again(message_ids: Iterable[UUID]) -> None:
    """Plans anew the reminders of those of these messages that ended without leaving."""
    ended = Reminder.objects.filter(message__in=message_ids, message__status=MessageStatus.CANCELLED)
    again = [
        Reminder(
            appointment_id=reminder.appointment_id,
            hours_before=reminder.hours_before,
            visit_at=reminder.visit_at,
            due_at=reminder.due_at,
        )
        for reminder in ended
    ]
    ended.delete()
    Reminder.objects.bulk_create(again, batch_size=1000)


def take_note_of_followed(pairs: Sequence[tuple[Message, Message]], **_: object) -> None:
    """A reminder's text is the one that tries it last."""
    followers = {followed.pk: follower for followed, follower in pairs}
    reminders = list(Reminder.objects.filter(message__in=followers))
    for reminder in reminders:
        if reminder.message_id is not None:
            reminder.message = followers[reminder.message_id]
    Reminder.objects.bulk_update(reminders, ["message"], batch_size=100)


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
    texts = {reminder.pk: key for reminder, key in zip(choice.nearest, ids, strict=True)}
    update_each(Reminder, "message", texts, state=ReminderState.QUEUED)
    for state, ended in (
        (ReminderState.SKIPPED, choice.skipped),
        (ReminderState.EXPIRED, choice.expired),
    ):
        if ended:
            Reminder.objects.filter(among("pk", (reminder.pk for reminder in ended))).update(state=state)
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
                context_of(reminder.appointment, reminder.appointment.patient, reminder.appointment.clinic),
            ),
            language=reminder.appointment.language,
            send_at=now,
            expires_at=useless_after(reminder.visit_at, reminder.hours_before),
            dedupe_key=f"reminder:{reminder.pk}",
            subject_type=SUBJECT,
            subject_id=reminder.appointment_id,
            subject_at=reminder.visit_at,
            recipient_id=reminder.appointment.patient_id,
        )
        for reminder in reminders
    ]


def context_of(appointment: Appointment, patient: Patient, clinic: Clinic) -> dict[str, str]:
    """What a template's placeholders stand for."""
    return {
        "name": patient.name,
        "clinic": clinic.name,
        "clinic_phone": clinic.phone,
        **visit_words(appointment.starts_at, clinic.zone, appointment.language),
    }


def preview_text(
    appointment: Appointment, patient: Patient, clinic: Clinic, *, key: str = TemplateKey.REMINDER
) -> Text:
    """The reminder, or other text, that this visit would get, as the patient would read it."""
    book = TemplateBook(key, [clinic.pk])
    return book.text(clinic.pk, appointment.language, context_of(appointment, patient, clinic))


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
