"""A minute for second thoughts: what one click did to a visit is put back as if it had not been.

A cancellation is final otherwise. Who may be undone is told of nothing in that minute: `UNDO_FOR` is how long
the texts of such a click wait.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import Actor
from accounts.models import AuditEntry
from appointments import services
from appointments.models import Appointment
from appointments.notices import OF_THE_TIME, stand_in
from appointments.reminding import SUBJECT
from common.errors import NotFound, StateConflict
from messaging.models import Message, MessageQuerySet, MessageStatus, TemplateKey
from messaging.nudging import nudge
from messaging.services import Draft, cancel_queued, enqueue
from messaging.template_book import Text

UNDO_FOR = timedelta(minutes=1)
KIND = "appointments.appointment"
# What is done by one click, as the audit log names it.
UNDOABLE = ("marked attended", "marked missed", "cancelled", "moved")
# No change of the visit: what happens meanwhile is no reason against.
_BESIDE = ("phoned",)
_MOST_SHOWN = 3
_AGAIN = ":again:"
_MAY_HAVE_LEFT = (
    *(MessageStatus.SENDING, MessageStatus.SENT),
    *(MessageStatus.DELIVERED, MessageStatus.UNKNOWN),
)


@dataclass(frozen=True, slots=True)
class Undoable:
    """Something that this person did a moment ago."""

    entry_id: UUID
    action: str
    appointment: Appointment
    until: datetime


def last_done(actor: Actor, appointments: Any, *, now: datetime) -> list[Undoable]:
    """What the person did to any of `appointments` within the minute and nobody changed since; newest first.

    Two queries. The appointments come with their clinic and patient.
    """
    entries = list(
        AuditEntry.objects.filter(
            actor_id=actor.id, at__gt=now - UNDO_FOR, object_type=KIND, action__in=(*UNDOABLE, "undone")
        ).order_by("-at", "-id")[:_MOST_SHOWN]
    )
    newest: dict[UUID, AuditEntry] = {}
    for entry in entries:
        newest.setdefault(entry.object_id, entry)
    found = {visit.pk: visit for visit in _of_the_known(appointments, newest)} if newest else {}
    return [
        Undoable(entry.pk, entry.action, found[pk], entry.at + UNDO_FOR)
        for pk, entry in newest.items()
        if entry.action in UNDOABLE and pk in found and _still_stands(found[pk], entry)
    ]


def _of_the_known(appointments: Any, keys: Iterable[UUID]) -> Any:
    """Nothing of a patient whose data was erased comes back."""
    return appointments.filter(pk__in=keys, patient__erased_at__isnull=True)


def _still_stands(appointment: Appointment, entry: AuditEntry) -> bool:
    return appointment.updated_at == entry.at


def undo(entry_id: UUID, *, of: UUID | None = None, actor: Actor, now: datetime) -> Appointment:
    """Puts a visit back as it was before that entry of the audit log; `of` is the visit it must be about.

    StateConflict after the minute, where somebody has changed the visit since, or where the patient has been
    told of the cancellation; AppointmentConflict where its time was taken meanwhile.
    """
    with transaction.atomic():
        entry = AuditEntry.objects.filter(pk=entry_id, object_type=KIND, action__in=UNDOABLE).first()
        if entry is None or of not in (None, entry.object_id):
            raise NotFound(_("There is nothing to undo."))
        appointment = services.held(entry.object_id, None)
        _refuse_what_has_moved_on(appointment, entry, now)
        before = _before(entry)
        taken_back = _texts_stopped_by(entry, appointment, before)
        if entry.action == "cancelled":
            _stop_the_news(appointment, now)
        appointment = services.put_back(appointment, before, since=entry.at, actor=actor, now=now)
        _queue_again(_still_needed(taken_back, appointment), appointment, now)
    return appointment


def _refuse_what_has_moved_on(appointment: Appointment, entry: AuditEntry, now: datetime) -> None:
    newest = (
        AuditEntry.objects.filter(object_id=entry.object_id)
        .exclude(action__in=_BESIDE)
        .order_by("-at", "-id")
        .first()
    )
    if newest is None or newest.pk != entry.pk or not _still_stands(appointment, entry):
        raise StateConflict(_("This was undone or changed since. Look at how it stands now."))
    if entry.at <= now - UNDO_FOR:
        raise StateConflict(_("This can be undone for one minute only. Open the visit to change it."))


def _before(entry: AuditEntry) -> dict[str, Any]:
    before = {field: values[0] for field, values in entry.changes.items()}
    if "starts_at" in before:
        before["starts_at"] = datetime.fromisoformat(before["starts_at"])
    return before


def _stop_the_news(appointment: Appointment, now: datetime) -> None:
    """Takes the text about the cancellation back, or refuses when it may have left."""
    news = Message.objects.filter(
        subject_type=SUBJECT,
        subject_id=appointment.pk,
        subject_at=appointment.starts_at,
        purpose=TemplateKey.CANCELLED,
    )
    reason = gettext_noop("The cancellation was undone.")
    # Whoever claims it in this moment is waited for; then what has left is seen.
    cancel_queued(MessageQuerySet(Message).filter(pk__in=news.values("pk")), now=now, reason=reason)
    if news.filter(status__in=_MAY_HAVE_LEFT).exists():
        raise StateConflict(_("The patient has been told of the cancellation already. Book the visit anew."))


def _texts_stopped_by(entry: AuditEntry, appointment: Appointment, before: dict[str, Any]) -> list[Message]:
    """The texts that this change took back and nothing else brings again.

    Reminders by the clinic's rules are planned anew, and a move back confirms a booking by itself.
    """
    of_the_time = (TemplateKey.RESCHEDULED,) if "starts_at" in before else OF_THE_TIME
    chosen_times = Q(purpose=TemplateKey.REMINDER, dedupe_key__isnull=True)
    wanted = chosen_times | Q(purpose__in=of_the_time)
    visit_at = before.get("starts_at", appointment.starts_at)
    return list(
        Message.objects.filter(
            wanted,
            subject_type=SUBJECT,
            subject_id=appointment.pk,
            subject_at=visit_at,
            status=MessageStatus.CANCELLED,
            events__status=MessageStatus.CANCELLED,
            events__at=entry.at,
        ).distinct()
    )


def _still_needed(messages: Sequence[Message], appointment: Appointment) -> list[Message]:
    """Without those that tell the time, where a text that the undoing itself has queued tells it."""
    told = Message.objects.filter(
        subject_type=SUBJECT,
        subject_id=appointment.pk,
        subject_at=appointment.starts_at,
        status=MessageStatus.QUEUED,
        purpose__in=OF_THE_TIME,
    ).exists()
    return [message for message in messages if not (told and message.purpose in OF_THE_TIME)]


def _key_of(earlier: str, appointment: Appointment) -> str:
    """As long as the first time, however often a text is queued again."""
    return f"{earlier.partition(_AGAIN)[0]}{_AGAIN}{appointment.version}"


def _queue_again(messages: Sequence[Message], appointment: Appointment, now: datetime) -> None:
    """A chosen time keeps no key: only texts of rules and notices have one."""
    drafts = [
        Draft(
            clinic_id=appointment.clinic_id,
            purpose=message.purpose,
            to=message.to,
            text=Text(message.body, message.segments, message.encoding),
            language=message.language,
            send_at=max(message.send_at, now),
            expires_at=message.expires_at,
            dedupe_key=message.dedupe_key and _key_of(message.dedupe_key, appointment),
            subject_type=SUBJECT,
            subject_id=appointment.pk,
            subject_at=message.subject_at,
            recipient_id=message.recipient_id,
        )
        for message in messages
        if message.expires_at > now
    ]
    for draft, pk in zip(drafts, enqueue(drafts, now=now), strict=True):
        if draft.purpose == TemplateKey.RESCHEDULED:
            stand_in({appointment.pk: pk}, draft.send_at)
    if any(draft.send_at <= now for draft in drafts):
        nudge()
