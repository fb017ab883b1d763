"""Texts about what happened to a visit: booked, moved, cancelled, missed. The rule for calls, forms, files.

Who was booked, cancelled or missed is told where the clinic has switched that on. Who was moved is told when
a text with another time has left, or when the clinic itself moved the visit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from appointments.models import Appointment, AppointmentStatus, Reminder, ReminderState
from appointments.reminding import (
    LANGUAGE_CHANGED,
    LATEST_NOTICE,
    PHONE_CHANGED,
    SUBJECT,
    context_of,
    plan_again,
)
from messaging.models import Message, MessageQuerySet, MessageStatus, TemplateKey
from messaging.nudging import nudge
from messaging.services import Draft, cancel_queued, enqueue
from messaging.template_book import TemplateBook

Key = TemplateKey
OF_THE_TIME = (Key.CONFIRMATION, Key.RESCHEDULED)
NOTICES = (*OF_THE_TIME, Key.CANCELLED, Key.MISSED)
# Besides the notices: reminders, and of them those that a person chose a time for.
SPEAKING = (*NOTICES, Key.REMINDER)
# A wrong click on "did not come" is undone within moments.
SECOND_THOUGHTS = timedelta(minutes=30)
MISSED_IS_NEWS_FOR = timedelta(hours=24)
# Attendance that is written up later is no news to the patient.
MISSED_LATELY = timedelta(days=7)
# What has left, or may have.
_LEFT = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.DELIVERED, MessageStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Event:
    """What one change did to a visit: [before, after] of its fields, [None, value] of a new one.

    The appointment comes with its clinic and patient. `by_clinic`: the clinic moved it, not the patient.
    """

    appointment: Appointment
    changes: Mapping[str, Sequence[Any]]
    by_clinic: bool = False

    @property
    def is_new(self) -> bool:
        return "status" in self.changes and self.changes["status"][0] is None

    @property
    def concerns_texts(self) -> bool:
        if self.is_new:
            return self.appointment.is_live and self.appointment.clinic.send_confirmations
        return "status" in self.changes or "starts_at" in self.changes


def announce(events: Iterable[Event], *, texts_wait: timedelta = timedelta(), now: datetime) -> None:
    """Takes back the notices that no longer hold, and queues those that the events call for.

    They leave after `texts_wait` at the earliest, so that what was done by a wrong click can be undone.
    In a bounded number of statements; part of the transaction that made the changes, after their reminders
    were planned.
    """
    told = [event for event in events if event.concerns_texts]
    known = [event.appointment.pk for event in told if not event.is_new]
    past = _Past.read(known)
    outdated = [pk for event in told for pk in past.waiting_in_vain(event.appointment)]
    if outdated:
        # Whoever claims one of them in this moment is waited for; then what has left is read again.
        waiting = MessageQuerySet(Message).filter(pk__in=outdated)
        cancel_queued(waiting, now=now, reason=_("The appointment was moved or ended."))
        had_to_wait = past
        past = _Past.read(known)
        past.unconfirmed = had_to_wait.unconfirmed_of(outdated)
    wanted = [(event.appointment, key) for event in told if (key := _purpose(event, past, now)) is not None]
    queue(wanted, texts_wait=texts_wait, now=now)


def queue(
    wanted: Sequence[tuple[Appointment, str]], *, texts_wait: timedelta = timedelta(), now: datetime
) -> None:
    """Queues one text of the given purpose for each of these visits, if it is still of use."""
    books = {
        key: TemplateBook(key, {a.clinic_id for a, k in wanted if k == key})
        for key in {k for _a, k in wanted}
    }
    drafts = [_draft(appointment, key, books[key], texts_wait, now) for appointment, key in wanted]
    useful = [draft for draft in drafts if draft.expires_at > draft.send_at]
    if useful:
        ids = enqueue(useful, now=now)
        moved = [
            (draft.subject_id, pk)
            for draft, pk in zip(useful, ids, strict=True)
            if draft.purpose == Key.RESCHEDULED and draft.subject_id is not None
        ]
        stand_in(dict(moved), now + texts_wait)
        if any(draft.send_at <= now for draft in useful):
            nudge()


def stand_in(told: Mapping[UUID, UUID], leaving_at: datetime) -> None:
    """The text that tells the new time is the reminder that would leave in the same moment.

    `told` maps visits to their messages.
    """
    due = Reminder.objects.due(leaving_at).filter(
        appointment__in=told, visit_at=F("appointment__starts_at"), message__isnull=True
    )
    reminders = list({reminder.appointment_id: reminder for reminder in due}.values())
    for reminder in reminders:
        reminder.state, reminder.message_id = ReminderState.QUEUED, told[reminder.appointment_id]
    Reminder.objects.bulk_update(reminders, ["state", "message_id"], batch_size=100)


def take_note_of_ended(messages: Sequence[Message], **_options: object) -> None:
    """A text that was stopped because its phone or language is no longer right must not be the last word."""
    wrong = [m for m in messages if m.error_code in (PHONE_CHANGED, LANGUAGE_CHANGED)]
    plan_again([m.pk for m in wrong])
    keys = {m.subject_id: m.purpose for m in wrong if m.purpose in NOTICES and m.subject_id}
    if keys:
        now = timezone.now()
        found = Appointment.objects.select_related("clinic", "patient").filter(pk__in=keys)
        queue([(appointment, keys[appointment.pk]) for appointment in found], now=now)


@dataclass
class _Past:
    """The texts about some visits, oldest first."""

    texts: dict[UUID, list[Message]]
    # Whose booking was to be confirmed by a text that was taken back.
    unconfirmed: set[UUID]

    @classmethod
    def read(cls, appointment_ids: Sequence[UUID]) -> "_Past":
        texts: dict[UUID, list[Message]] = {}
        if appointment_ids:
            found = Message.objects.filter(
                subject_type=SUBJECT, subject_id__in=appointment_ids, purpose__in=(*NOTICES, Key.REMINDER)
            )
            for message in found.defer("body").order_by("created_at", "pk"):
                texts.setdefault(message.subject_id, []).append(message)  # type: ignore[arg-type]
        return cls(texts, set())

    def of(self, appointment: Appointment) -> list[Message]:
        return self.texts.get(appointment.pk, [])

    def waiting_in_vain(self, appointment: Appointment) -> list[UUID]:
        waiting = (
            m for m in self.of(appointment) if m.status == MessageStatus.QUEUED and m.purpose in SPEAKING
        )
        return [m.pk for m in waiting if not still_holds(m, appointment)]

    def unconfirmed_of(self, taken_back: Sequence[UUID]) -> set[UUID]:
        gone = set(taken_back)
        return {
            pk
            for pk, texts in self.texts.items()
            if any(m.pk in gone and m.purpose == Key.CONFIRMATION for m in texts)
        }

    def has_left(self, appointment: Appointment, key: str) -> bool:
        return any(
            m.purpose == key and m.status in _LEFT and m.subject_at == appointment.starts_at
            for m in self.of(appointment)
        )

    def last_time_told(self, appointment: Appointment) -> datetime | None:
        """The time of the visit in the last text that the patient has, or may have."""
        speaking = (Key.REMINDER, *OF_THE_TIME)
        left = [m for m in self.of(appointment) if m.status in _LEFT and m.purpose in speaking]
        return left[-1].subject_at if left else None


def still_holds(message: Message, appointment: Appointment) -> bool:
    """Whether what the text says of the visit is true."""
    if message.purpose == Key.CANCELLED:
        fits = appointment.status == AppointmentStatus.CANCELLED
    elif message.purpose == Key.MISSED:
        fits = appointment.status == AppointmentStatus.MISSED
    else:
        fits = appointment.is_live
    return fits and message.subject_at in (None, appointment.starts_at)


def _purpose(event: Event, past: _Past, now: datetime) -> str | None:
    appointment, clinic = event.appointment, event.appointment.clinic
    if event.is_new:
        return Key.CONFIRMATION
    key: str | None = None
    if "status" in event.changes and appointment.status == AppointmentStatus.CANCELLED:
        key = Key.CANCELLED if clinic.send_cancellations else None
    elif "status" in event.changes and appointment.status == AppointmentStatus.MISSED:
        lately = appointment.starts_at > now - MISSED_LATELY
        key = Key.MISSED if clinic.send_missed and lately else None
    elif "starts_at" in event.changes and appointment.is_live:
        last = past.last_time_told(appointment)
        if event.by_clinic or last not in (None, appointment.starts_at):
            # Told again where the visit comes back to a time: the last text says another one.
            return Key.RESCHEDULED
        if appointment.pk in past.unconfirmed and clinic.send_confirmations:
            key = Key.CONFIRMATION
    return None if key is None or past.has_left(appointment, key) else key


def _draft(
    appointment: Appointment, key: str, book: TemplateBook, texts_wait: timedelta, now: datetime
) -> Draft:
    patient, clinic = appointment.patient, appointment.clinic
    expires_at = {
        Key.CANCELLED: appointment.starts_at,
        Key.MISSED: now + MISSED_IS_NEWS_FOR,
    }.get(Key(key), appointment.starts_at - LATEST_NOTICE)
    return Draft(
        clinic_id=appointment.clinic_id,
        purpose=key,
        to=patient.phone,
        text=book.text(clinic.pk, appointment.language, context_of(appointment, patient, clinic)),
        language=appointment.language,
        send_at=now + (SECOND_THOUGHTS if key == Key.MISSED else texts_wait),
        expires_at=expires_at,
        # A change of the visit, or of whom it is for, is told of once.
        dedupe_key=f"{key}:{appointment.pk}:{appointment.version}:{patient.version}",
        subject_type=SUBJECT,
        subject_id=appointment.pk,
        subject_at=appointment.starts_at,
        recipient_id=patient.pk,
    )
